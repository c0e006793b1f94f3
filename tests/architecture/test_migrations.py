"""A new version is migrated while the old one runs: its migrations only add, and block no table for long."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from accounts.indexing import AddIndexConcurrently, DropForeignKeyIndex, RemoveIndexConcurrently

# What the first version ends with: nothing older was ever running.
FIRST_VERSION = {
    "accounts": 2, "audience": 1, "bounces": 6, "campaigns": 9, "keys": 3, "mailboxes": 9, "monitors": 3,
    "operations": 3, "servers": 3,
}  # fmt: skip
TAKES_AWAY = (
    migrations.RemoveField, migrations.RenameField, migrations.DeleteModel, migrations.RenameModel,
    migrations.AlterModelTable,
)  # fmt: skip


def ours() -> dict[tuple[str, str], migrations.Migration]:
    labels = {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    loaded = MigrationLoader(None, replace_migrations=False).disk_migrations
    return {key: one for key, one in loaded.items() if key[0] in labels}


OURS = ours()
NEWER = [one for (app, name), one in OURS.items() if int(name[:4]) > FIRST_VERSION.get(app, 0)]


def breaks_the_old_version(migration: migrations.Migration) -> Iterator[str]:
    """What the code of the version before could not live with."""
    for one in migration.operations:
        if isinstance(one, TAKES_AWAY):
            yield f"{migration}: {one.describe()}"
        if isinstance(one, migrations.AddField) and not (one.field.null or one.field.has_db_default()):
            yield f"{migration}: {one.describe()}: old code inserts rows without it; give it a db_default"


def blocks_writing(migration: migrations.Migration) -> Iterator[str]:
    """Indexes that are built over a table that may hold millions of rows already."""
    made = {one.name_lower for one in migration.operations if isinstance(one, migrations.CreateModel)}
    for one in migration.operations:
        small = (migration.app_label, getattr(one, "model_name_lower", "")) == ("keys", "apikey")
        if type(one) is migrations.AddIndex and one.model_name_lower not in made and not small:
            yield f"{migration}: {one.describe()}"
        if type(one) is migrations.AlterField and one.field.remote_field and one.field.db_index is False:
            yield f"{migration}: {one.describe()}: it would make the key anew; use DropForeignKeyIndex"


def test_the_old_version_runs_on_the_new_tables():
    assert [line for one in NEWER for line in breaks_the_old_version(one)] == []


@pytest.mark.parametrize("name", ["0002_attempt_mailbox", "0003_delivery_tries"])
def test_it_would_notice_a_column_that_old_code_does_not_fill(name):
    complaints = list(breaks_the_old_version(OURS["campaigns", name]))
    assert bool(complaints) == (name == "0003_delivery_tries")


def test_no_index_blocks_a_table_that_is_in_use():
    assert [line for one in OURS.values() for line in blocks_writing(one)] == []


def test_an_index_that_blocks_nothing_is_not_built_in_a_transaction():
    concurrent = [
        one for one in OURS.values() if any(isinstance(each, AddIndexConcurrently) for each in one.operations)
    ]
    assert len(concurrent) > 3
    for migration in concurrent:
        assert not migration.atomic, migration
        # Run again after it broke off, every one of its steps has to be one that can be repeated.
        kinds = {type(one) for one in migration.operations}
        assert kinds <= {AddIndexConcurrently, RemoveIndexConcurrently, DropForeignKeyIndex}, migration

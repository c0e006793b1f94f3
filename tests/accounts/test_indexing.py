"""An index over a table in use: it blocks no writing, and building it can be tried again."""

import pytest
from django.db import NotSupportedError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts.indexing import AddIndexConcurrently, DropForeignKeyIndex, RemoveIndexConcurrently
from campaigns.models import Attempt

TABLE = "campaigns_attempt"
OPERATION = AddIndexConcurrently("attempt", models.Index(fields=["finished_at"], name="attempt_probe"))


def states():
    before = MigrationExecutor(connection).loader.project_state()
    after = before.clone()
    OPERATION.state_forwards("campaigns", after)
    return before, after


def build():
    before, after = states()
    with connection.schema_editor(atomic=False) as editor:
        OPERATION.database_forwards("campaigns", editor, before, after)


def remove():
    before, after = states()
    with connection.schema_editor(atomic=False) as editor:
        OPERATION.database_backwards("campaigns", editor, after, before)


def indexes():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, TABLE)


@pytest.mark.django_db(transaction=True)
def test_it_is_built_once_more_where_an_attempt_left_something_and_taken_back():
    build()
    build()
    assert "attempt_probe" in indexes()
    remove()
    assert "attempt_probe" not in indexes()


@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_on_postgresql_it_is_built_beside_the_work(postgres):
    before, after = states()
    with connection.schema_editor(atomic=False, collect_sql=True) as editor:
        OPERATION.database_forwards("campaigns", editor, before, after)
    assert any("CREATE INDEX CONCURRENTLY" in line for line in editor.collected_sql)


@pytest.mark.django_db(transaction=True)
def test_an_index_is_dropped_once_more_and_a_foreign_keys_own_one_without_its_key():
    before = MigrationExecutor(connection).loader.project_state()
    build()
    drop = RemoveIndexConcurrently("attempt", "attempt_probe")
    own = DropForeignKeyIndex("attempt", "server", Attempt._meta.get_field("server"))
    key = next(name for name, what in indexes().items() if what["index"] and what["columns"] == ["server_id"])
    with connection.schema_editor(atomic=False) as editor:
        for operation in (drop, drop, own, own):
            operation.database_forwards("campaigns", editor, before, before)

    left = indexes()
    assert not {"attempt_probe", key} & set(left)
    assert any(what["foreign_key"] and what["columns"] == ["server_id"] for what in left.values())
    with connection.schema_editor(atomic=False) as editor:
        editor.execute(f"CREATE INDEX {editor.quote_name(key)} ON {TABLE} (server_id)")


@pytest.mark.django_db
def test_a_migration_that_runs_in_one_transaction_is_refused():
    before, after = states()
    with (
        transaction.atomic(),
        pytest.raises(NotSupportedError),
        connection.schema_editor(atomic=False) as editor,
    ):
        OPERATION.database_forwards("campaigns", editor, before, after)

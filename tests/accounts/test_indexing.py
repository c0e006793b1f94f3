"""An index over a table in use: it blocks no writing, and building it can be tried again."""

import pytest
from django.db import NotSupportedError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts.indexing import AddIndexConcurrently

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


@pytest.mark.django_db
def test_a_migration_that_runs_in_one_transaction_is_refused():
    before, after = states()
    with (
        transaction.atomic(),
        pytest.raises(NotSupportedError),
        connection.schema_editor(atomic=False) as editor,
    ):
        OPERATION.database_forwards("campaigns", editor, before, after)

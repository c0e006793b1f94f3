"""Indexes of tables that are in use: built and dropped beside the work, not in its way.

A migration with these needs `atomic = False`, and may be run again after it broke off.
"""

from __future__ import annotations

from django.contrib.postgres import operations
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models import Index, Model


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Like Django's own, which blocks no writing on PostgreSQL; elsewhere like `AddIndex`.

    What PostgreSQL keeps, as invalid, of one that broke off is removed first.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        _build(schema_editor, model, self.index)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        _drop(schema_editor, self.index.name)


class RemoveIndexConcurrently(operations.RemoveIndexConcurrently):
    """Like Django's own on PostgreSQL, elsewhere like `RemoveIndex`; one that is gone already is no error."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        _drop(schema_editor, self.name)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        _build(schema_editor, to_state.apps.get_model(app_label, self.model_name), index)


class DropForeignKeyIndex(migrations.AlterField):
    """A foreign key loses the index of its own (`db_index=False`).

    Django's own operation makes the key anew, which locks both tables and reads every row.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        for name in _indexes_of(schema_editor, model, self.name):
            _drop(schema_editor, name)


def _indexes_of(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], field: str) -> list[str]:
    """Plain indexes over that field alone."""
    column = model._meta.get_field(field).column  # type: ignore[union-attr]
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
    declared = {index.name for index in model._meta.indexes}
    return [
        name
        for name, what in found.items()
        if what["index"] and not what["unique"] and what["columns"] == [column] and name not in declared
    ]


def _build(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index) -> None:
    _drop(schema_editor, index.name)
    beside_work = {"concurrently": True} if _is_postgresql(schema_editor) else {}
    schema_editor.add_index(model, index, **beside_work)


def _drop(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    concurrently = "CONCURRENTLY " if _is_postgresql(schema_editor) else ""
    schema_editor.execute(f"DROP INDEX {concurrently}IF EXISTS {schema_editor.quote_name(name)}")


def _is_postgresql(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return schema_editor.connection.vendor == "postgresql"

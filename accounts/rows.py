"""Statements on one row that the ORM takes longer to build than the database to execute.

For what every single message costs; anything else asks the ORM. Names are those of our own models' fields, values
are parameters.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, models
from django.db.transaction import TransactionManagementError


def update_row(model: type[models.Model], where: dict[str, Any], changes: dict[str, Any]) -> int:
    """What `model.objects.filter(**where).update(**changes)` does and returns, for plain values of columns."""
    values: list[Any] = []
    assignments = ", ".join(_equal(model, changes, values))
    conditions = " AND ".join(_equal(model, where, values))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {_table(model)} SET {assignments} WHERE {conditions}", values)  # noqa: S608
        return int(cursor.rowcount)


def lock_row(model: type[models.Model], where: dict[str, Any], *, filled: str) -> bool:
    """Lock the row until the transaction ends; whether there is one, with something in `filled`.

    Raises TransactionManagementError outside a transaction, where a lock would be none.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("lock_row cannot be used outside of a transaction.")
    values: list[Any] = []
    conditions = " AND ".join(_equal(model, where, values))
    lock = connection.ops.for_update_sql() if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {_table(model)} WHERE {conditions} AND {_column(model, filled)} IS NOT NULL {lock}",  # noqa: S608
            values,
        )
        return cursor.fetchone() is not None


def _equal(model: type[models.Model], named: dict[str, Any], values: list[Any]) -> list[str]:
    """`"column" = %s` for each name; its value is added to `values` as the database takes it."""
    parts = []
    for name, value in named.items():
        values.append(_field(model, name).get_db_prep_save(value, connection))
        parts.append(f"{_column(model, name)} = %s")
    return parts


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(str(_field(model, name).column))


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field

"""Putting every stored secret under the first of FIELD_ENCRYPTION_KEYS, online and resumable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, transaction

from accounts.sealing import SealedJSONField, is_under_first_key, reseal

BATCH = 500


@dataclass(frozen=True, slots=True)
class Column:
    """Where sealed values stand; `what` are its rows in words."""

    what: str
    table: str
    name: str
    key: str


def sealed_columns() -> list[Column]:
    """Every column of every model that is stored sealed: a new one cannot be forgotten."""
    return [
        Column(
            str(model._meta.verbose_name_plural),
            model._meta.db_table,
            str(field.column),
            str(model._meta.pk.column),
        )
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedJSONField) and model._meta.pk is not None and not model._meta.proxy
    ]


def rotate() -> Iterator[tuple[str, int]]:
    """Reseal in small batches; yields (what, rows so far). Stopped and run again it goes on where it stopped.

    A row that somebody changes meanwhile is left to that change. Raises InvalidToken where none of the keys opens
    a value.
    """
    for column in sealed_columns():
        done = 0
        for rows in _batches(column):
            with transaction.atomic():
                done += sum(
                    _replace(column, pk, sealed) for pk, sealed in rows if not is_under_first_key(sealed)
                )
            yield column.what, done


def count_older() -> int:
    """How many values are not under the first key."""
    return sum(
        not is_under_first_key(sealed)
        for column in sealed_columns()
        for rows in _batches(column)
        for _, sealed in rows
    )


def _batches(column: Column) -> Iterator[list[tuple[int, str]]]:
    last = 0
    while rows := _sealed_after(column, last):
        yield rows
        last = rows[-1][0]


def _sealed_after(column: Column, last: int) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "{column.key}", "{column.name}" FROM "{column.table}" '  # noqa: S608  names of our own models
            f'WHERE "{column.key}" > %s AND "{column.name}" IS NOT NULL ORDER BY "{column.key}" LIMIT %s',
            [last, BATCH],
        )
        return list(cursor.fetchall())


def _replace(column: Column, pk: int, sealed: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{column.table}" SET "{column.name}" = %s '  # noqa: S608  names of our own models
            f'WHERE "{column.key}" = %s AND "{column.name}" = %s',
            [reseal(sealed), pk, sealed],
        )
        return int(cursor.rowcount)

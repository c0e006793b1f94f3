"""Putting every stored secret under the first of FIELD_ENCRYPTION_KEYS, online and resumable."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, models

from accounts.models import SecondFactor
from accounts.sealing import reseal
from keys.models import ApiKey, Token

BATCH = 500
SEALED = ((ApiKey, "credentials"), (Token, "access_token"), (SecondFactor, "secret"))


def rotate() -> Iterator[tuple[str, int]]:
    """Reseal in small batches; yields (table, rows so far). Running it again does no harm.

    A row that somebody changes meanwhile is left to that change, which sealed under the first key anyway.
    """
    for model, name in SEALED:
        last, done = 0, 0
        while rows := _sealed_after(model, name, last):
            for pk, sealed in rows:
                done += _replace(model, name, pk, sealed)
            last = rows[-1][0]
            yield model._meta.verbose_name_plural.__str__(), done


def _sealed_after(model: type[models.Model], name: str, last: int) -> list[tuple[int, str]]:
    table, column = model._meta.db_table, name
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT id, "{column}" FROM "{table}" WHERE id > %s AND "{column}" IS NOT NULL '  # noqa: S608
            "ORDER BY id LIMIT %s",  # names are ours, from SEALED
            [last, BATCH],
        )
        return list(cursor.fetchall())


def _replace(model: type[models.Model], name: str, pk: int, sealed: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{model._meta.db_table}" SET "{name}" = %s WHERE id = %s AND "{name}" = %s',  # noqa: S608
            [reseal(sealed), pk, sealed],
        )
        return int(cursor.rowcount)

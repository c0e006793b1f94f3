"""Counting the log tables as they grow: each row once, by whoever ticks, without ever counting a whole table.

A round counts what lies between the last two marks and sets a new one. A mark is left to ripen for most of a minute
before rows are counted up to it, so that a transaction which was still open when it was set is not passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Count, F

from bounces.models import Bounce
from campaigns.models import Attempt
from operations.metrics.tallies import add_to_rows, labels_of
from operations.models import Tally

RIPE_SECONDS = 45
# Marks, as rows of their own: up to where it was counted, up to where it will be, and since when.
COUNTED, MARKED, MARKED_AT = "books_counted", "books_marked", "books_marked_at"

SENDS = "apiconnect_sends"
BOUNCES = "apiconnect_bounces"


@dataclass(frozen=True, slots=True)
class Book:
    """A log table that is counted: by which column it grows, and what its rows are counted by."""

    metric: str
    rows: models.QuerySet[Any]
    column: str
    labels: dict[str, str]
    newest: Callable[[datetime], float]
    to_column: Callable[[float], Any]


def _newest_bounce(_now: datetime) -> float:
    return float(Bounce.objects.order_by("-pk").values_list("pk", flat=True).first() or 0)


BOOKS = (
    Book(
        SENDS,
        Attempt.objects.exclude(outcome=Attempt.Outcome.OPEN),
        "finished_at",
        {"provider": "mailbox__provider", "outcome": "outcome"},
        lambda now: now.timestamp(),
        lambda mark: datetime.fromtimestamp(mark, UTC),
    ),
    # A bounce carries the moment its reading began, so its number is what grows.
    Book(
        BOUNCES,
        Bounce.objects.all(),
        "pk",
        {"provider": "mailbox__provider", "type": "type"},
        _newest_bounce,
        int,
    ),
)


def count_books(now: datetime) -> None:
    """One round for every book; a round too soon after another does nothing."""
    for book in BOOKS:
        with transaction.atomic():
            _count(book, now)


def _count(book: Book, now: datetime) -> None:
    marks = _lock_marks(book)
    if now.timestamp() - marks[MARKED_AT].value < RIPE_SECONDS:
        return
    fresh = book.newest(now)
    if marks[MARKED_AT].value:  # the very first round only sets a mark: what is older was never counted
        add_to_rows(_grown(book, marks[COUNTED].value, marks[MARKED].value))
        marks[COUNTED].value = marks[MARKED].value
    else:
        marks[COUNTED].value = fresh
    marks[MARKED].value, marks[MARKED_AT].value = max(fresh, marks[MARKED].value), now.timestamp()
    Tally.objects.bulk_update(marks.values(), ["value"])


def _lock_marks(book: Book) -> dict[str, Tally]:
    """The book's marks; until the transaction ends nobody else counts it."""
    labels = labels_of({"of": book.metric})
    for name in (COUNTED, MARKED, MARKED_AT):
        Tally.objects.get_or_create(name=name, labels=labels)
    locked = Tally.objects.select_for_update().filter(name__in=(COUNTED, MARKED, MARKED_AT), labels=labels)
    return {mark.name: mark for mark in locked.order_by("pk")}


def _grown(book: Book, after: float, up_to: float) -> dict[tuple[str, str], float]:
    """How many rows of each kind came between two marks."""
    span = {
        f"{book.column}__gt": book.to_column(after),
        f"{book.column}__lte": book.to_column(up_to),
    }
    named = {f"label_{label}": F(field) for label, field in book.labels.items()}
    grouped = book.rows.filter(**span).order_by().values(**named).annotate(count=Count("pk"))
    return {
        (book.metric, labels_of({label: row[f"label_{label}"] or "none" for label in book.labels})): row[
            "count"
        ]
        for row in grouped
    }

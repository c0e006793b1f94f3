"""One declared table per list; the portal's pages and the admin's change lists both read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OrderBy, QuerySet
from django.utils.text import slugify

from accounts.models import User

# A column is a field's name, or a function of the row made with `django.contrib.admin.display`:
# its description is the heading, its ordering the field it sorts by. Both faces understand both.
Source = str | Callable[[Any], Any]


class EmptyLast(F):
    """An order in which rows without a value come last, upwards and downwards, whatever the database prefers."""

    def asc(self, **_kwargs: Any) -> OrderBy:
        return super().asc(nulls_last=True)

    def desc(self, **_kwargs: Any) -> OrderBy:
        return super().desc(nulls_last=True)


@dataclass(frozen=True, slots=True)
class Act:
    """Who does a bulk action, and when (aware UTC)."""

    actor: User
    now: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What a bulk action came to: how many rows changed, and why others did not."""

    changed: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """A verb on selected rows, asked about on a page of its own before it happens.

    `verb` takes the rows and returns how many changed (or `Done`); with `with_act` it takes an `Act` as well.
    `consequences` names in sentences what else stops. One that calls a provider is not `is_atomic`.
    """

    verb: Callable[..., int | Done]
    label: str
    icon: str = "check"
    is_danger: bool = False
    with_act: bool = False
    is_atomic: bool = True
    consequences: Callable[[QuerySet[Any]], Sequence[str]] | None = None

    @property
    def name(self) -> str:
        return slugify(self.label)

    def run(self, rows: QuerySet[Any], act: Act) -> Done:
        """Do it. Raises ValidationError, in words for the person, where it cannot be done."""
        done = self.verb(rows, act) if self.with_act else self.verb(rows)
        return done if isinstance(done, Done) else Done(done)

    def warnings(self, rows: QuerySet[Any]) -> list[str]:
        return list(self.consequences(rows)) if self.consequences else []


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty list says: why it is empty and what to do next."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list page: its columns, search, filters and actions.

    `search` are lookups such as `name__icontains`; a log table (`is_log`) is newest first and paged by
    its primary key, since counting or skipping a hundred million rows is out of the question.
    """

    columns: tuple[Source, ...]
    search: tuple[str, ...] = ()
    search_hint: str = ""
    filters: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    related: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    is_log: bool = False
    link_first: bool = True
    empty: Empty = Empty("Nothing here yet", "")
    prefetch: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None

    def rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with everything that the columns read, so that the number of queries stays constant."""
        if self.related:
            rows = rows.select_related(*self.related)
        return self.prefetch(rows) if self.prefetch else rows

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete one by one, so that each row's own protection speaks; returns how many rows went."""
    count = 0
    for row in rows:
        row.delete()
        count += 1
    return count

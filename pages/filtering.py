"""Search, filters and paging of list pages; everything is in the URL, so a view can be shared and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

import django_filters
from django.db.models import BooleanField, DateTimeField, Model, Q, QuerySet
from django.forms import DateInput
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Customer
from pages.forms import scope_choices
from pages.rendering import sentence_case
from pages.tables import Table

PER_PAGE = 25
LONGEST_SEARCH = 200


def filters_for(
    model: type[Model], table: Table, query: QueryDict, rows: QuerySet[Any], owner: Customer
) -> Any:
    """A filter set over `rows`; choices of rows offer the owner's own."""
    declared: dict[str, Any] = {}
    for name in table.filters:
        field: Any = model._meta.get_field(name)
        if isinstance(field, DateTimeField):
            declared[f"{name}_since"] = day_filter(name, "From", since_day)
            declared[f"{name}_until"] = day_filter(name, "To", until_day)
        elif isinstance(field, BooleanField):
            declared[name] = django_filters.BooleanFilter(field_name=name)
        elif getattr(field, "choices", None):
            declared[name] = django_filters.ChoiceFilter(choices=field.choices, empty_label="Any")
        else:
            related = field.related_model
            declared[name] = django_filters.ModelChoiceFilter(
                queryset=related._default_manager.all(), empty_label="Any"
            )
        if name in declared:
            declared[name].label = sentence_case(str(field.verbose_name))
    filter_set = type(f"{model.__name__}Filters", (django_filters.FilterSet,), declared)(query, rows)
    scope_choices(filter_set.form, owner)
    return filter_set


def day_filter(name: str, label: str, method: Any) -> Any:
    """A filter by a day, as the moment it begins or ends: a comparison that an index can answer."""
    widget = DateInput(attrs={"type": "date"})
    return django_filters.DateFilter(field_name=name, method=method, label=label, widget=widget)


def since_day(rows: QuerySet[Any], name: str, day: date) -> QuerySet[Any]:
    return rows.filter(**{f"{name}__gte": midnight(day)})


def until_day(rows: QuerySet[Any], name: str, day: date) -> QuerySet[Any]:
    return rows.filter(**{f"{name}__lt": midnight(day + timedelta(days=1))})


def midnight(day: date) -> datetime:
    """When `day` begins in the reader's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def search(rows: QuerySet[Any], fields: Sequence[str], text: str) -> QuerySet[Any]:
    """Rows in which every word of `text` is found in one of `fields` (lookups)."""
    for word in text[:LONGEST_SEARCH].split():
        rows = rows.filter(reduce(or_, (Q(**{field: word}) for field in fields)))
    return rows


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """A page of a log: rows after or before a primary key, never an offset or a count."""

    rows: list[Any]
    newer: int | None
    older: int | None


def keyset_page(rows: QuerySet[Any], *, before: str, after: str, size: int = PER_PAGE) -> KeysetPage:
    """Newest first: the page below `before`, the one above `after`, or the newest."""
    if after.isdigit():
        found = list(rows.filter(pk__gt=int(after)).order_by("pk")[: size + 1])
        has_newer = len(found) > size
        shown = found[:size][::-1]
        return KeysetPage(shown, shown[0].pk if has_newer else None, shown[-1].pk if shown else None)
    older = rows.filter(pk__lt=int(before)) if before.isdigit() else rows
    found = list(older.order_by("-pk")[: size + 1])
    shown = found[:size]
    newer = shown[0].pk if before.isdigit() and shown else None
    return KeysetPage(shown, newer, shown[-1].pk if len(found) > size else None)

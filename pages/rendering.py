"""A declared table as django-tables2 draws it in the portal."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import django_tables2
from django.db.models import DateTimeField, Model, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.badges import ago
from pages.icons import icon
from pages.sections import Section
from pages.tables import EmptyLast, Source

NOTHING = format_html('<span class="nothing" aria-label="none">{}</span>', "–")


def moment(at: datetime | None) -> SafeString:
    """How long ago or how soon, with the exact time in the reader's time zone on hover."""
    if at is None:
        return NOTHING
    exact = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, ago(at))


def show(value: Any) -> Any:
    """A cell's value as a person reads it; what knows how to show itself does so."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return format_html(
            '<span class="yesno">{} {}</span>', icon("check" if value else "dash"), "Yes" if value else "No"
        )
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    # A template would call str() first and lose what the value looks like.
    return value.__html__() if hasattr(value, "__html__") else value


def read(row: Model, source: Source) -> Any:
    """What a column's source says of a row; a field with choices says its label."""
    if callable(source):
        return source(row)
    display = getattr(row, f"get_{source}_display", None)
    return display() if display else getattr(row, source)


def heading(model: type[Model], source: Source) -> str:
    """A column's heading: the function's description or the field's own name."""
    if callable(source):
        return str(getattr(source, "short_description", source.__name__))
    field: Any = model._meta.get_field(source)
    name = str(field.verbose_name)
    # "created at" is "Created" above a column of times, and a mere "at" is "When".
    return sentence_case(
        (name.removesuffix("at").strip() or "when") if isinstance(field, DateTimeField) else name
    )


def sentence_case(name: str) -> str:
    """A field's name as a heading: “api key” is “API key”."""
    return (name[:1].upper() + name[1:]).replace("Api key", "API key")


class SourceColumn(django_tables2.Column):  # type: ignore[misc]  # django-tables2 carries no types
    """A column that reads its declared source; the first one leads to the row's page."""

    def __init__(self, section: Section, source: Source, *, is_link: bool, may_sort: bool) -> None:
        ordering = source if isinstance(source, str) else getattr(source, "admin_order_field", None)
        super().__init__(
            verbose_name=heading(section.model, source),
            accessor="pk",
            empty_values=(),
            orderable=bool(may_sort and ordering),
            order_by=(ordering,) if ordering else None,
        )
        self.section, self.source, self.is_link = section, source, is_link
        self.sorted_by = str(ordering or "")

    def order(self, rows: QuerySet[Any], is_descending: bool) -> tuple[QuerySet[Any], bool]:
        """Rows of equal value go by their number, so that no row is on two pages and none on neither."""
        key = EmptyLast(self.sorted_by)
        return rows.order_by(key.desc() if is_descending else key.asc(), "-pk"), True

    def render(self, record: Model) -> Any:
        shown = show(read(record, self.source))
        if not self.is_link:
            return shown
        lock = format_html(
            '<span class="lock" title="Locked by the platform">{}<span class="sr">Locked</span></span> ',
            icon("lock"),
        )
        link = format_html('<a class="row-link" href="{}">{}</a>', self.section.url("edit", record.pk), shown)
        return format_html("<span>{}{}</span>", lock if self.section.lock_reason(record) else "", link)


class SelectColumn(django_tables2.Column):  # type: ignore[misc]  # django-tables2 carries no types
    """A box per row for bulk actions; locked rows have none."""

    def __init__(self, section: Section) -> None:
        super().__init__(
            verbose_name=format_html(
                '<input type="checkbox" data-select-all aria-label="{}">', "Select all rows on this page"
            ),
            accessor="pk",
            orderable=False,
            attrs={"th": {"class": "select"}, "td": {"class": "select"}},
        )
        self.section = section

    def render(self, record: Model) -> SafeString | str:
        if self.section.lock_reason(record):
            return ""
        return format_html(
            '<input type="checkbox" name="rows" value="{}" aria-label="Select {}">', record.pk, record
        )


class RowActionsColumn(django_tables2.Column):  # type: ignore[misc]  # django-tables2 carries no types
    """What one can do with a single row."""

    def __init__(self, section: Section) -> None:
        super().__init__(
            verbose_name=format_html('<span class="sr">{}</span>', "Actions"),
            accessor="pk",
            orderable=False,
            attrs={"th": {"class": "actions"}, "td": {"class": "actions"}},
        )
        self.section = section

    def render(self, record: Model) -> str:
        return render_to_string(
            "components/row_actions.html",
            {"section": self.section, "row": record, "is_locked": bool(self.section.lock_reason(record))},
        )


class PortalTable(django_tables2.Table):  # type: ignore[misc]  # django-tables2 carries no types
    """An empty frame; `table_for` gives it its columns."""

    class Meta:
        order_by_field = "sort"
        attrs = {"class": "table"}


def table_for(section: Section, rows: Any, *, may_write: bool, sort: str = "") -> PortalTable:
    """The section's table over `rows`, with boxes and row actions for those who may write."""
    declared = section.table
    columns: list[tuple[str, django_tables2.Column]] = []
    if may_write and declared.actions:
        columns.append(("select", SelectColumn(section)))
    links = declared.link_first
    for index, source in enumerate(declared.columns):
        name = source if isinstance(source, str) else source.__name__
        column = SourceColumn(section, source, is_link=links and index == 0, may_sort=not declared.is_log)
        columns.append((name, column))
    if may_write and section.form_class:
        columns.append(("row_actions", RowActionsColumn(section)))
    table = PortalTable(rows, extra_columns=columns, order_by=sort or None)
    table.caption = section.title
    return table

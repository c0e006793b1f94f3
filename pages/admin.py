"""Change lists of the backend from the tables that the portal shows too: columns, search, filters and verbs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import display
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.admin import ExportMixin, ImportExportMixin
from import_export.formats.base_formats import CSV
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.paginator import InfinitePaginator

from accounts.backend import BackendAdmin, LogAdmin, Rows
from accounts.badges import Tone, badge, lines, moment
from pages.badges import Badge
from pages.editing import in_use
from pages.rendering import heading
from pages.tables import Act, Action, Done, EmptyLast, Source, Table

BADGE_ICONS = {
    Tone.GOOD: "check_circle",
    Tone.WARNING: "warning",
    Tone.BAD: "error",
    Tone.INFO: "schedule",
    Tone.QUIET: "remove",
}


def shown(value: Any) -> Any:
    """A column's value in the backend's look: badges in its colours, times as how long ago."""
    if isinstance(value, Badge):
        tone = Tone[value.tone.name]
        return badge(value.text, tone, BADGE_ICONS[tone], value.title)
    return moment(value) if hasattr(value, "astimezone") else value


def column(model: type[models.Model], source: Source) -> Source:
    """A table's column as a change list takes it."""
    if callable(source):

        @wraps(source)
        def read(row: Any) -> Any:
            return shown(source(row))

        return read
    field = model._meta.get_field(source)
    if not isinstance(field, models.DateTimeField):
        return source

    @display(description=heading(model, source), ordering=EmptyLast(source) if field.null else source)
    def read_time(row: Any) -> SafeString:
        return moment(getattr(row, source))

    return read_time


class OwnerSelect(AutocompleteSelect):
    """A customer by autocomplete; while none is chosen it says what that means."""

    nobody = "System"

    def build_attrs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().build_attrs(*args, **kwargs), "data-placeholder": self.nobody}


class TableAdmin(BackendAdmin):
    """A change list declared by a `Table`; the backend adds the customer, and verbs of its own."""

    table: ClassVar[Table]
    backend_actions: ClassVar[tuple[Action, ...]] = ()
    backend_filters: ClassVar[tuple[Any, ...]] = ()
    # Whose row it is where there is no customer.
    no_customer: ClassVar[str] = "System"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "customer":
            kwargs["widget"] = OwnerSelect(db_field, self.admin_site)
            kwargs["widget"].nobody = self.no_customer
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # --- what the table declares

    def get_list_display(self, request: HttpRequest) -> tuple[Source, ...]:
        first, *rest = (column(self.model, source) for source in self.table.columns)
        return (first, "owner", *rest)

    @display(description="customer", ordering="customer__name")
    def owner(self, row: Any) -> SafeString:
        name = lines(row.customer.name) if row.customer_id else badge(self.no_customer, Tone.QUIET, "dns")
        if not getattr(row, "locked", False):
            return name
        lock = badge(
            "Locked", Tone.INFO, "lock", "The customer sees it but may not change it; it keeps running."
        )
        return format_html("{} {}", name, lock)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.table.search

    @property
    def search_help_text(self) -> str:
        return self.table.search_hint

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        own = tuple(self._filter(name) for name in self.table.filters)
        return (("customer", AutocompleteSelectFilter), *own, *self.backend_filters)

    def _filter(self, name: str) -> Any:
        field = self.model._meta.get_field(name)
        if isinstance(field, models.DateTimeField):
            return (name, RangeDateTimeFilter)
        return (name, AutocompleteSelectFilter) if field.is_relation else name

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return self.table.rows(rows).select_related("customer", *self.table.related)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return self.table.order_by or super().get_ordering(request)

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return InfinitePaginator(*args, **kwargs) if self.table.is_log else self.paginator(*args, **kwargs)

    # --- its verbs

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        # Deleting is a verb of the table, with its consequences, or it is not offered.
        actions.pop("delete_selected", None)
        for verb in (*self.table.actions, *self.backend_actions):
            if self._may(request, verb):
                name = verb.name.replace("-", "_")
                actions[name] = (_asking(verb, name), name, verb.label)
        return actions

    def _may(self, request: HttpRequest, verb: Action) -> bool:
        if verb.name == "delete":
            return bool(self.has_delete_permission(request))
        return bool(self.has_change_permission(request))

    def run_verb(self, request: HttpRequest, rows: Rows, verb: Action) -> None:
        """Do the verb, audit every row that changed, say how many did; a refusal changes nothing."""
        chosen = self.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)))
        try:
            if verb.is_atomic:
                with transaction.atomic():
                    done = self._do(request, chosen, verb)
            else:
                done = self._do(request, chosen, verb)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
        except models.ProtectedError as refusal:
            self.message_user(request, in_use(refusal), messages.ERROR)
        else:
            text = " ".join((f"{verb.label}: {done.changed} changed.", *done.notes))
            self.message_user(request, text, messages.SUCCESS if done.changed else messages.WARNING)

    def _do(self, request: HttpRequest, chosen: Rows, verb: Action) -> Done:
        before = {row.pk: (row, self.audit_snapshot(row)) for row in chosen}
        done = verb.run(chosen, Act(request.user, timezone.now()))  # type: ignore[arg-type]  # staff: our User
        after = self.model._default_manager.in_bulk(list(before))
        for pk, (row, state) in before.items():
            new = self.audit_snapshot(after[pk]) if pk in after else {}
            if new != state:
                self.audit(request, verb.label.lower(), row, before=state, after=new)
        return done

    def delete_consequences(self, rows: Rows) -> list[str]:
        delete = self.table.action("delete")
        return delete.warnings(rows) if delete else []


class LogTableAdmin(LogAdmin, TableAdmin):
    """A log declared by a `Table`: read only but for the verbs of its table."""

    def _may(self, request: HttpRequest, verb: Action) -> bool:
        right = "delete" if verb.name == "delete" else "change"
        return request.user.has_perm(f"{self.opts.app_label}.{right}_{self.opts.model_name}")


class ExportAdmin(ExportMixin, LogTableAdmin):  # type: ignore[misc]  # django-import-export carries no types
    """A log that can be exported as CSV; `resource_classes` says its columns."""

    formats = (CSV,)
    export_form_class = ExportForm

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))


class TransferMixin(ImportExportMixin):  # type: ignore[misc]  # django-import-export carries no types
    """CSV out and in: a preview with each row's errors, then all or nothing."""

    formats = (CSV,)
    import_form_class = ImportForm
    export_form_class = ExportForm

    def has_import_permission(self, request: HttpRequest) -> bool:
        model = f"{self.opts.app_label}.{{}}_{self.opts.model_name}"
        return request.user.has_perms([model.format("add"), model.format("change")])

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_import_resource_kwargs(request, **kwargs), "actor": request.user}


class TransferAdmin(TransferMixin, TableAdmin):
    """A table that is exported and imported."""


class LogTransferAdmin(TransferMixin, LogTableAdmin):
    """A log to which a file can add, by the same verbs as a person."""


def _asking(verb: Action, name: str) -> Callable[..., HttpResponse | None]:
    """The admin action of a verb: a page that asks and names what follows, then the one call."""

    def act(admin: TableAdmin, request: HttpRequest, rows: Rows) -> HttpResponse | None:
        if request.POST.get("confirmed"):
            admin.run_verb(request, rows, verb)
            return None
        context = {
            **admin.admin_site.each_context(request),
            "title": f"{verb.label}?",
            "opts": admin.model._meta,
            "verb": verb,
            "action": name,
            "rows": rows[:20],
            "count": rows.count(),
            "consequences": verb.warnings(rows),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/confirm_verb.html", context)

    act.__name__ = name
    return act

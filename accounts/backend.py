"""What every page of the backend shares: quick lists, and an audit entry for every write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.paginator import InfinitePaginator

from accounts.auditing import audit, snapshot
from mail.addresses import normalize_address

Rows = models.QuerySet[Any]
F = TypeVar("F", bound=Callable[..., Any])


def button(label: str, *, icon: str, permission: str, asks: str = "", form: Any = None) -> Callable[[F], F]:
    """A button above a page, for those who have the admin's `has_<permission>_permission`.

    With `asks` it opens a dialog that says this, with the fields of `form`, and the method runs on its POST,
    given the valid form.
    """
    dialog = {"title": label, "description": asks, "form_class": form, "form_submit_text": label}
    decorate: Callable[[F], F] = action(
        description=label, icon=icon, permissions=[permission], dialog=dialog if asks else None
    )
    return decorate


class BackendAdmin(ModelAdmin):  # type: ignore[misc]  # django-unfold carries no types
    """A page of the backend. Lists never count a whole table twice; every write is audited."""

    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    show_full_result_count = False
    compressed_fields = True
    warn_unsaved_form = True
    change_list_template: str | None = None
    delete_confirmation_template = "admin/delete_with_consequences.html"
    delete_selected_confirmation_template = "admin/delete_selected_with_consequences.html"

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # Said outright, since a list that also counts would otherwise be in no order.
        return tuple(super().get_ordering(request) or self.opts.ordering or ("-pk",))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A list is called after what it lists: nobody finds a tab among ten that say “Select …”."""
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        response: HttpResponse = super().changelist_view(request, title | (extra_context or {}))
        return response

    def delete_consequences(self, rows: Rows) -> list[str]:
        """What else stops when `rows` are deleted, in sentences."""
        return []

    def audit_snapshot(self, row: models.Model) -> dict[str, Any]:
        """What the audit log compares before and after a write; secrets are masked."""
        return snapshot(row)

    # --- the audit of every write

    def audit(self, request: HttpRequest, action: str, row: models.Model, **states: Any) -> None:
        audit(request.user, action, row, **states)  # type: ignore[arg-type]  # staff: always our User

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        stored = self.model._default_manager.filter(pk=obj.pk).first() if change else None
        form.audit_before = self.audit_snapshot(stored) if stored else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        stored = self.model._default_manager.get(pk=form.instance.pk)
        after = self.audit_snapshot(stored)
        if after != form.audit_before:
            action = "change" if change else "create"
            self.audit(request, action, stored, before=form.audit_before, after=after)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            self.audit(request, "delete", obj, before=self.audit_snapshot(obj))
            self.delete_row(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Rows) -> None:
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)

    def delete_row(self, row: Any) -> None:
        row.delete()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        rows = self.model._default_manager.filter(pk=object_id)
        context = {"consequences": self.delete_consequences(rows), **(extra_context or {})}
        return super().delete_view(request, object_id, context)  # type: ignore[no-any-return]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Django's bulk deletion takes no context of ours: its template reads this from the request.
        if isinstance(objs, models.QuerySet):
            request.consequences = self.delete_consequences(objs)  # type: ignore[attr-defined]
        return super().get_deleted_objects(objs, request)


class LogAdmin(BackendAdmin):
    """A log: read only, newest first, paged without ever counting the table, searched by indexed columns."""

    paginator = InfinitePaginator
    actions: tuple[str, ...] | None = None
    # "Select all" would promise a number that nobody has counted.
    list_disable_select_all = True
    # Columns a search term is compared with exactly; addresses are compared in their normal form.
    exact_search: ClassVar[tuple[str, ...]] = ()
    address_search: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.exact_search, *self.address_search)

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = models.Q(pk__in=[])
        is_address = "@" in term and not term.startswith("<")
        for column in self.address_search if is_address else self.exact_search:
            wanted |= models.Q(**{column: normalize_address(term) if is_address else term})
        return queryset.filter(wanted), False

"""The backend's pages for API monitors, their conditions and what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from unfold.admin import TabularInline

from monitors.forms import BackendConditionForm, MonitorForm
from monitors.models import Condition, Monitor, MonitorHit
from monitors.preview_admin import PreviewAdmin
from monitors.resources import MonitorHitResource, MonitorResource
from monitors.tables import MONITOR_HITS, MONITORS
from pages.admin import ExportAdmin


class ConditionRows(BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs alone
    """A monitor's conditions in their order; what they move to or stop belongs to the monitor's customer."""

    def clean(self) -> None:
        super().clean()
        rows = [form.cleaned_data for form in self.forms if form.is_valid() and form.cleaned_data]
        if not any(not row.get("DELETE") for row in rows) and not any(form.errors for form in self.forms):
            raise ValidationError("Add at least one condition: without one a monitor does nothing.")


class ConditionInline(TabularInline):  # type: ignore[misc]  # django-unfold carries no types
    """Conditions that can be dragged into their order; the first match wins."""

    model = Condition
    form = BackendConditionForm
    formset = ConditionRows
    extra = 0
    verbose_name_plural = "Conditions: tried in this order, the first match wins"
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("position", "where", "match", "value", "match_case", "action", "target_list", "target_group")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        chosen = request.POST.get("customer", "") or str(getattr(obj, "customer_id", "") or "")
        request.chosen_customer = chosen if chosen.isdigit() else None  # type: ignore[attr-defined]
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        rows = db_field.related_model._default_manager.filter(customer_id=request.chosen_customer or 0)  # type: ignore[attr-defined]
        field = super().formfield_for_foreignkey(db_field, request, queryset=rows, **kwargs)
        field.widget.attrs["data-choices"] = reverse(
            f"admin:audience_{db_field.related_model._meta.model_name}_choices"
        )
        return field


@admin.register(Monitor)
class MonitorAdmin(PreviewAdmin):
    """Mailboxes whose mail acts on subscribers."""

    table = MONITORS
    resource_classes = (MonitorResource,)
    form = MonitorForm
    search_fields = MONITORS.search
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "provider", "customer", "locked", "email", "api_key", "status")}),
        (
            "Processing",
            {
                "fields": (
                    "identify_by",
                    "skip_automatic",
                    "delete_processed",
                    "processed_folder",
                    "first_read",
                    "first_read_from",
                )
            },
        ),
        ("Connection", {"fields": ("connection",)}),
    )
    inlines = (ConditionInline,)
    actions_detail = ("connect_again", "preview")

    def audit_snapshot(self, row: models.Model) -> dict[str, Any]:
        conditions = [str(condition) for condition in Condition.objects.filter(monitor_id=row.pk)]
        return {**super().audit_snapshot(row), "conditions": conditions}


@admin.register(MonitorHit)
class MonitorHitAdmin(ExportAdmin):
    """Which condition won, whom it found and what happened."""

    table = MONITOR_HITS
    resource_classes = (MonitorHitResource,)
    address_search = ("subscriber_email",)
    search_help_text = "A subscriber's whole address."
    fields = (
        "at", "monitor", "condition_text", "action", "subscriber_email", "identified_by", "outcome", "changed",
        "owner", "message",
    )  # fmt: skip
    readonly_fields = ("owner",)

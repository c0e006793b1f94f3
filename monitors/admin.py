"""The backend's pages for API monitors, their conditions and what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.backend import button
from monitors.forms import MonitorForm
from monitors.models import Condition, Monitor, MonitorHit
from monitors.preview import preview_mail, preview_mailbox
from monitors.resources import MonitorHitResource, MonitorResource
from monitors.tables import MONITOR_HITS, MONITORS
from pages.admin import ExportAdmin
from providers.errors import ProviderError
from servers.admin import ServerAdmin


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


class PreviewDialog(BaseDialogForm):  # type: ignore[misc]  # django-unfold carries no types
    """A pasted message, or the mailbox's newest ones."""

    raw = forms.CharField(
        label="A message's source",
        required=False,
        max_length=1_000_000,
        widget=UnfoldAdminTextareaWidget,
        help_text="Paste one to try it. Empty: the newest messages of the mailbox are looked at.",
    )


@admin.register(Monitor)
class MonitorAdmin(ServerAdmin):
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

    @button(
        "Preview",
        icon="visibility",
        permission="view",
        asks="What the saved conditions would do, message by message. Nothing is changed.",
        form=PreviewDialog,
    )
    def preview(self, request: HttpRequest, form: PreviewDialog, object_id: str) -> HttpResponse:
        monitor = get_object_or_404(Monitor.objects.select_related("api_key", "mailbox"), pk=object_id)
        conditions, now = list(monitor.conditions.all()), timezone.now()
        context: dict[str, Any] = {"form": form}
        try:
            if raw := form.cleaned_data["raw"]:
                context["messages"] = [preview_mail(monitor, conditions, raw.encode(), now)]
            else:
                context["messages"] = preview_mailbox(monitor, conditions, now)
        except ProviderError as error:
            context["problem"] = error
        return render(request, "admin/previewed.html", context)


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

"""The backend's pages for API monitors, their conditions and what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.db import models
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.backend import LogAdmin
from accounts.badges import Tone, badge, moment
from monitors.models import Condition, Monitor, MonitorHit
from pages.tables import Table
from servers.admin import ServerAdmin
from servers.forms import ReadingServerForm
from servers.tables import mailboxes_left_alone, server_actions, server_connected, server_key, server_status


class ConditionInline(TabularInline):  # type: ignore[misc]  # django-unfold carries no types
    """A monitor's conditions, in order; the first match wins."""

    model = Condition
    extra = 0
    ordering = ("position",)
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("position", "where", "match", "value", "match_case", "action", "target_list", "target_group")


class MonitorForm(ReadingServerForm):
    class Meta:
        model = Monitor
        fields = "__all__"


MONITORS = Table(
    columns=("name", "provider", "email", server_key, server_connected, server_status),
    search=("name__icontains", "email_key__icontains"),
    filters=("provider", "status", "api_key"),
    actions=server_actions(mailboxes_left_alone),
    related=("api_key",),
    order_by=("name", "pk"),
)


@admin.register(Monitor)
class MonitorAdmin(ServerAdmin):
    """Mailboxes whose mail acts on subscribers."""

    table = MONITORS
    form = MonitorForm
    search_fields = MONITORS.search
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "provider", "customer", "locked", "email", "api_key", "status")}),
        ("Processing", {"fields": ("identify_by", "skip_automatic", "delete_processed")}),
        ("Connection", {"fields": ("connection",)}),
    )
    inlines = (ConditionInline,)

    def audit_snapshot(self, row: models.Model) -> dict[str, Any]:
        conditions = [str(condition) for condition in Condition.objects.filter(monitor_id=row.pk)]
        return {**super().audit_snapshot(row), "conditions": conditions}


@admin.register(MonitorHit)
class MonitorHitAdmin(LogAdmin):
    """Which condition won, whom it found and what happened."""

    list_display = ("when", "monitor", "condition_text", "who", "result", "customer")
    list_filter: ClassVar = (
        "action", "changed", ("monitor", AutocompleteSelectFilter), ("customer", AutocompleteSelectFilter)
    )  # fmt: skip
    list_select_related = ("monitor", "customer")
    address_search = ("subscriber_email",)
    search_help_text = "A subscriber's address."
    fields = (
        "when", "monitor", "condition_text", "action", "who", "identified_by", "result", "customer", "message"
    )  # fmt: skip
    readonly_fields = fields

    @display(description="when", ordering="-pk")
    def when(self, row: MonitorHit) -> SafeString:
        return moment(row.at)

    @display(description="subscriber")
    def who(self, row: MonitorHit) -> str:
        return row.subscriber_email or "nobody found"

    @display(description="outcome")
    def result(self, row: MonitorHit) -> SafeString:
        tone, icon = (Tone.GOOD, "bolt") if row.changed else (Tone.QUIET, "remove")
        return badge(row.get_action_display() or "No action", tone, icon, row.outcome)

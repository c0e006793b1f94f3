"""The backend's pages for campaigns and the delivery log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter

from accounts.backend import BackendAdmin, LogAdmin
from accounts.badges import Tone, lines, moment, state_badge
from campaigns.models import Attempt, Campaign, Delivery

CAMPAIGN_LOOKS = {
    Campaign.Status.DRAFT: (Tone.QUIET, "edit_note"),
    Campaign.Status.READY: (Tone.INFO, "schedule"),
    Campaign.Status.SENDING: (Tone.INFO, "send"),
    Campaign.Status.PAUSED: (Tone.WARNING, "pause_circle"),
    Campaign.Status.SENT: (Tone.GOOD, "check_circle"),
    Campaign.Status.CANCELLED: (Tone.QUIET, "cancel"),
}
DELIVERY_LOOKS = {
    Delivery.Status.QUEUED: (Tone.QUIET, "schedule"),
    Delivery.Status.SENDING: (Tone.INFO, "send"),
    Delivery.Status.SENT: (Tone.GOOD, "check_circle"),
    Delivery.Status.DEFERRED: (Tone.WARNING, "hourglass_bottom"),
    Delivery.Status.UNKNOWN: (Tone.WARNING, "help"),
    Delivery.Status.BOUNCED: (Tone.BAD, "undo"),
    Delivery.Status.FAILED: (Tone.BAD, "error"),
    Delivery.Status.SKIPPED: (Tone.QUIET, "skip_next"),
}
ATTEMPT_LOOKS = {
    Attempt.Outcome.OPEN: (Tone.INFO, "sync"),
    Attempt.Outcome.ACCEPTED: (Tone.GOOD, "check_circle"),
    Attempt.Outcome.REFUSED: (Tone.BAD, "cancel"),
    Attempt.Outcome.DEFERRED: (Tone.WARNING, "hourglass_bottom"),
    Attempt.Outcome.UNKNOWN: (Tone.WARNING, "help"),
    Attempt.Outcome.SETTLED: (Tone.GOOD, "task_alt"),
    Attempt.Outcome.ABSENT: (Tone.INFO, "search_off"),
}


@admin.register(Campaign)
class CampaignAdmin(BackendAdmin):
    """Customers' campaigns, to look at: who writes and starts them is the customer."""

    search_fields = ("name", "uid", "subject")
    list_display = ("named", "customer", "list", "state", "starts", "started")
    list_filter: ClassVar = (
        "status",
        ("customer", AutocompleteSelectFilter),
        ("list", AutocompleteSelectFilter),
    )
    list_select_related = ("customer", "list")
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "uid", "customer", "list", "group", "state", "pause_reason")}),
        (
            "Sending",
            {"fields": ("delivery_servers", "scheduled_at", "started_at", "finished_at", "queued_all")},
        ),
        ("Message", {"fields": ("subject", "from_name", "reply_to", "plain", "html")}),
    )

    @display(description="campaign", ordering="name")
    def named(self, row: Campaign) -> SafeString:
        return lines(row.name, row.subject)

    @display(description="status", ordering="status")
    def state(self, row: Campaign) -> SafeString:
        return state_badge(row.status, row.get_status_display(), CAMPAIGN_LOOKS, row.pause_reason)

    @display(description="scheduled", ordering="scheduled_at")
    def starts(self, row: Campaign) -> SafeString:
        return moment(row.scheduled_at)

    @display(description="started", ordering="started_at")
    def started(self, row: Campaign) -> SafeString:
        return moment(row.started_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(LogAdmin):
    """One message to one subscriber, with every attempt to send it."""

    list_display = ("when", "recipient", "campaign", "customer", "server", "state", "trouble")
    list_filter: ClassVar = (
        "status",
        ("campaign", AutocompleteSelectFilter),
        ("customer", AutocompleteSelectFilter),
        ("created_at", RangeDateTimeFilter),
    )
    list_select_related = ("campaign", "customer", "server")
    address_search = ("recipient_key",)
    exact_search = ("token", "submitted_message_id", "draft_message_id", "sent_message_id")
    search_help_text = "A recipient's whole address, a Message-ID with its brackets, or our token."
    fieldsets: ClassVar = (
        (None, {"fields": ("recipient", "state", "error", "error_code", "campaign", "customer", "server", "mailbox")}),
        ("Timeline", {"fields": ("timeline",)}),
        (
            "How it is recognised",
            {
                "fields": (
                    "token", "submitted_message_id", "sent_message_id", "provider_message_id", "draft_id",
                    "thread_id",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("state", "timeline")

    @display(description="when", ordering="-pk")
    def when(self, row: Delivery) -> SafeString:
        return moment(row.sent_at or row.created_at)

    @display(description="status")
    def state(self, row: Delivery) -> SafeString:
        return state_badge(row.status, row.get_status_display(), DELIVERY_LOOKS, row.error[:500])

    @display(description="answer")
    def trouble(self, row: Delivery) -> SafeString:
        return lines(row.error_code, row.error[:200])

    @display(description="attempts")
    def timeline(self, row: Delivery) -> SafeString:
        attempts: QuerySet[Attempt] = row.attempts.select_related("server")
        shown = [
            (attempt, state_badge(attempt.outcome, attempt.get_outcome_display(), ATTEMPT_LOOKS))
            for attempt in attempts
        ]
        return render_to_string("admin/timeline.html", {"delivery": row, "attempts": shown})

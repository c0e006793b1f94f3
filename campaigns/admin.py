"""The backend's pages for campaigns and the delivery log."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accounts.badges import Tone, state_badge
from campaigns.models import Attempt, Campaign, Delivery
from campaigns.resources import DeliveryResource
from campaigns.tables import CAMPAIGNS, DELIVERIES, campaign_status, delivery_status
from pages.admin import ExportAdmin, LogTableAdmin, shown

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
class CampaignAdmin(LogTableAdmin):
    """Customers' campaigns, to look at, pause and cancel: who writes and starts them is the customer."""

    table = CAMPAIGNS
    exact_search = ("uid", "name")
    address_search = ("reply_to",)
    search_help_text = "A campaign's whole name or uid."
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "uid", "owner", "list", "group", "state", "pause_reason")}),
        (
            "Sending",
            {"fields": ("delivery_servers", "scheduled_at", "started_at", "finished_at", "queued_all")},
        ),
        ("Message", {"fields": ("subject", "from_name", "reply_to", "plain", "html")}),
    )
    readonly_fields = ("owner", "state")

    @display(description="status")
    def state(self, row: Campaign) -> SafeString:
        state: SafeString = shown(campaign_status(row))
        return state


@admin.register(Delivery)
class DeliveryAdmin(ExportAdmin):
    """One message to one subscriber, with every attempt to send it."""

    table = DELIVERIES
    resource_classes = (DeliveryResource,)
    address_search = ("recipient_key",)
    exact_search = ("token", "submitted_message_id", "draft_message_id", "sent_message_id")
    search_help_text = "A recipient's whole address, a Message-ID with its brackets, or our token."
    fieldsets: ClassVar = (
        (None, {"fields": ("recipient", "state", "error", "error_code", "campaign", "owner", "server", "mailbox")}),
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
    readonly_fields = ("owner", "state", "timeline")

    @display(description="status")
    def state(self, row: Delivery) -> SafeString:
        state: SafeString = shown(delivery_status(row))
        return state

    @display(description="attempts")
    def timeline(self, row: Delivery) -> SafeString:
        attempts: QuerySet[Attempt] = row.attempts.select_related("server")
        shown = [
            (attempt, state_badge(attempt.outcome, attempt.get_outcome_display(), ATTEMPT_LOOKS))
            for attempt in attempts
        ]
        return render_to_string("admin/timeline.html", {"delivery": row, "attempts": shown})

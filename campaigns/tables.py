"""The lists of campaigns and deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.utils import timezone

from campaigns import verbs
from campaigns.models import Campaign, Delivery
from pages.badges import Badge, Tone
from pages.tables import Action, Empty, Table

CAMPAIGN_LOOKS = {
    Campaign.Status.DRAFT: (Tone.QUIET, "edit"),
    Campaign.Status.READY: (Tone.INFO, "clock"),
    Campaign.Status.SENDING: (Tone.INFO, "send"),
    Campaign.Status.PAUSED: (Tone.WARNING, "pause"),
    Campaign.Status.SENT: (Tone.GOOD, "check"),
    Campaign.Status.CANCELLED: (Tone.QUIET, "cross"),
}
DELIVERY_LOOKS = {
    Delivery.Status.QUEUED: (Tone.QUIET, "clock"),
    Delivery.Status.SENDING: (Tone.INFO, "send"),
    Delivery.Status.SENT: (Tone.GOOD, "check"),
    Delivery.Status.DEFERRED: (Tone.WARNING, "clock"),
    Delivery.Status.UNKNOWN: (Tone.WARNING, "help"),
    Delivery.Status.BOUNCED: (Tone.BAD, "return"),
    Delivery.Status.FAILED: (Tone.BAD, "cross"),
    Delivery.Status.SKIPPED: (Tone.QUIET, "dash"),
}


@display(description="Status", ordering="status")
def campaign_status(campaign: Campaign) -> Badge:
    tone, icon = CAMPAIGN_LOOKS[Campaign.Status(campaign.status)]
    return Badge(campaign.get_status_display(), tone, icon, campaign.pause_reason)


@display(description="List", ordering="list__name")
def campaign_list(campaign: Campaign) -> str:
    return campaign.list.name


@display(description="Group", ordering="group__name")
def campaign_group(campaign: Campaign) -> str:
    return campaign.group.name if campaign.group else ""


CAMPAIGNS = Table(
    columns=("name", campaign_list, campaign_group, "scheduled_at", "started_at", campaign_status),
    search=("name__icontains", "subject__icontains"),
    search_hint="Name or subject",
    filters=("status", "list", "group"),
    related=("list", "group"),
    order_by=("-pk",),
    actions=(
        Action(verbs.for_each(verbs.pause), "Pause", icon="pause", with_act=True),
        Action(verbs.for_each(verbs.resume), "Resume", icon="play", with_act=True),
        Action(verbs.for_each(verbs.cancel), "Cancel", icon="cross", is_danger=True, with_act=True),
    ),
    empty=Empty("No campaigns yet", "A campaign sends one message to every confirmed subscriber of a list."),
)


@display(description="Status")
def delivery_status(delivery: Delivery) -> Badge:
    """“Delayed until 13:02” beats “failed”: what waits says until when."""
    tone, icon = DELIVERY_LOOKS[Delivery.Status(delivery.status)]
    text = delivery.get_status_display()
    if delivery.status == Delivery.Status.DEFERRED and delivery.next_try_at:
        text = f"Delayed until {timezone.localtime(delivery.next_try_at):%H:%M}"
    return Badge(text, tone, icon, delivery.error[:300])


@display(description="Campaign")
def delivery_campaign(delivery: Delivery) -> str:
    return delivery.campaign.name


@display(description="Server")
def delivery_server(delivery: Delivery) -> Any:
    return delivery.server.name if delivery.server else ""


DELIVERIES = Table(
    columns=("recipient", delivery_campaign, delivery_server, "sent_at", delivery_status),
    search=("recipient_key__startswith",),
    search_hint="Address begins with",
    filters=("status", "campaign", "server", "created_at"),
    related=("campaign", "server"),
    is_log=True,
    actions=(
        Action(verbs.for_each(verbs.retry_delivery), "Try again", icon="sync", with_act=True),
        Action(verbs.for_each(verbs.release_delivery), "Release", icon="send", is_danger=True, with_act=True),
        Action(verbs.for_each(verbs.cancel_delivery), "Cancel", icon="cross", is_danger=True, with_act=True),
    ),
    empty=Empty("Nothing was sent yet", "Every message of your campaigns is listed here with its outcome."),
)

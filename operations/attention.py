"""What needs a customer's attention, each with its cause and its fix, and the first steps of a new one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.urls import reverse

from accounts.models import Customer, SystemSettings
from audience.models import Subscriber
from bounces.models import BounceServer
from campaigns.models import Campaign, Delivery
from keys.models import ApiKey
from monitors.models import Monitor
from pages.features import API_KEYS, BOUNCE_SERVERS, DELIVERY_SERVERS, MONITORS
from providers.help import help_for
from servers.models import DeliveryServer

# Mails begin earlier (keys.expiring); a dashboard that asks too soon is not looked at.
WARN_BEFORE = timedelta(days=30)
SERVERS: tuple[tuple[Any, str], ...] = (
    (DeliveryServer, "delivery-servers-edit"),
    (BounceServer, "bounce-servers-edit"),
    (Monitor, "monitors-edit"),
)


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that does not work: what, why, what to do, and where."""

    title: str
    cause: str
    fix: str
    url: str


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One step of getting started."""

    title: str
    text: str
    url: str
    is_done: bool


def concerns_of(customer: Customer, today: date) -> list[Concern]:
    """Everything that needs the customer's attention, the most urgent kind first."""
    return [*_key_concerns(customer, today), *_server_concerns(customer), *_campaign_concerns(customer)]


def _key_concerns(customer: Customer, today: date) -> Iterator[Concern]:
    if not API_KEYS.is_on(customer, SystemSettings.load()):
        return
    for key in ApiKey.objects.for_customer(customer).exclude(status=ApiKey.Status.DISABLED):
        url = reverse("api-keys-edit", args=[key.pk])
        if key.status == ApiKey.Status.FAILING:
            help = help_for(key.provider, key.last_error_code, key.last_error)
            yield Concern(f"API key “{key.name}” is refused", help.cause, help.fix, url)
        elif key.expires_at and key.expires_at - today <= WARN_BEFORE:
            yield Concern(
                f"API key “{key.name}” ends on {key.expires_at:%d %B %Y}",
                "A secret stops working on the day it expires, and every server that uses the key with it.",
                "Make a new secret at the provider and put it into the key; servers need no change.",
                url,
            )


def _server_concerns(customer: Customer) -> Iterator[Concern]:
    for model, url_name in SERVERS:
        for server in model.objects.for_customer(customer).select_related("api_key"):
            failing = server.tested_at is not None and not server.is_connected
            if not failing and not (server.last_error and server.is_active):
                continue
            help = help_for(server.provider, server.last_error_code, server.last_error)
            state = "is not connected" if failing else "needs attention"
            yield Concern(
                f"{model._meta.verbose_name.capitalize()} “{server.name}” {state}".replace("Api ", "API "),
                server.last_error or help.cause,
                help.fix,
                reverse(url_name, args=[server.pk]),
            )


def _campaign_concerns(customer: Customer) -> Iterator[Concern]:
    paused = Campaign.objects.for_customer(customer).filter(status=Campaign.Status.PAUSED)
    for campaign in paused.exclude(pause_reason="")[:10]:
        yield Concern(
            f"Campaign “{campaign.name}” is paused",
            campaign.pause_reason,
            "Correct the cause, then resume the campaign.",
            reverse("campaigns-edit", args=[campaign.pk]),
        )
    unknown = Delivery.objects.for_customer(customer).filter(status=Delivery.Status.UNKNOWN).count()
    if unknown:
        yield Concern(
            f"{unknown:,} deliver{'y has' if unknown == 1 else 'ies have'} an unknown outcome",
            "The provider's answer was lost, so nobody knows whether the message went out. It is never sent "
            "twice blindly: the mailbox is looked through first.",
            "Wait a few minutes. What stays unknown you release or cancel in the delivery log.",
            reverse("deliveries") + "?status=unknown",
        )


def first_steps(customer: Customer, system: SystemSettings) -> list[FirstStep]:
    """The way from an empty account to a first campaign; only the steps that are the customer's to take."""
    steps: list[tuple[bool, str, str, str, Any]] = [
        (
            API_KEYS.is_on(customer, system),
            "Add an API key",
            "Credentials of your Microsoft 365 or Google Workspace, from their admin pages.",
            "api-keys-create",
            ApiKey.objects.for_customer(customer),
        ),
        (
            DELIVERY_SERVERS.is_on(customer, system),
            "Connect a delivery server",
            "A mailbox that sends your campaigns. The connection is tested when you save it.",
            "delivery-servers-create",
            DeliveryServer.objects.for_customer(customer).filter(connected_at__isnull=False),
        ),
        (
            BOUNCE_SERVERS.is_on(customer, system),
            "Connect an API bounce server",
            "So that addresses that fail leave your lists by themselves.",
            "bounce-servers-create",
            BounceServer.objects.for_customer(customer).filter(connected_at__isnull=False),
        ),
        (
            MONITORS.is_on(customer, system),
            "Watch replies with an API monitor",
            "For example: unsubscribe everybody who answers “unsubscribe”.",
            "monitors-create",
            Monitor.objects.for_customer(customer).filter(connected_at__isnull=False),
        ),
        (
            True,
            "Fill a mailing list",
            "Type subscribers in or import a CSV file.",
            "lists",
            Subscriber.objects.for_customer(customer),
        ),
        (
            True,
            "Send a campaign",
            "Write it, send yourself a test, then send it to the list.",
            "campaigns",
            Campaign.objects.for_customer(customer).exclude(status=Campaign.Status.DRAFT),
        ),
    ]
    return [
        FirstStep(title, text, reverse(url_name), rows.exists())
        for is_shown, title, text, url_name, rows in steps
        if is_shown
    ]

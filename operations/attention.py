"""What needs a customer's attention, each with its cause and its fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.urls import reverse

from accounts.models import Customer, SystemSettings
from bounces.models import Bounce, BounceServer, EffectState
from campaigns.models import Campaign, Delivery
from keys.models import ApiKey
from monitors.models import Monitor
from pages.features import API_KEYS
from providers.help import help_for
from providers.registry import PROVIDERS
from servers.models import DeliveryServer
from servers.tables import named

# Mails begin earlier (keys.expiring); a dashboard that asks too soon is not looked at.
WARN_BEFORE = timedelta(days=30)
SERVERS: tuple[tuple[Any, str], ...] = (
    (DeliveryServer, "delivery-servers-edit"),
    (BounceServer, "bounce-servers-edit"),
    (Monitor, "monitors-edit"),
)


HELD_CAUSE = (
    "More addresses than usual failed within an hour for the same reason or through the same server: that may be "
    "the sender's trouble rather than theirs."
)
HELD_FIX = "Look at the diagnostic of one, then apply or drop them: one act decides about all that are alike."


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that does not work: what, why, what to do, and where."""

    title: str
    cause: str
    fix: str
    url: str


def concerns_of(customer: Customer, today: date) -> list[Concern]:
    """Everything that needs the customer's attention, the most urgent kind first."""
    return [
        *_provider_concerns(customer),
        *_key_concerns(customer, today),
        *_server_concerns(customer),
        *_bounce_concerns(customer),
        *_campaign_concerns(customer),
    ]


def _provider_concerns(customer: Customer) -> Iterator[Concern]:
    """Servers that look active and do nothing, since their provider is switched off for everybody."""
    settings = SystemSettings.load()
    for name, provider in PROVIDERS.items():
        if settings.is_provider_enabled(name):
            continue
        servers = [
            (server, url_name)
            for model, url_name in SERVERS
            for server in model.objects.for_customer(customer).active()
            if server.provider == name
        ]
        if servers:
            first, url_name = servers[0]
            names = named([server.name for server, _ in servers])
            yield Concern(
                f"{provider.label} is switched off",
                f"Nothing is sent or read meanwhile by {names}.",
                "The platform's administrators switch it on again; everything goes on by itself then.",
                reverse(url_name, args=[first.pk]),
            )


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


def _bounce_concerns(customer: Customer) -> Iterator[Concern]:
    if count := Bounce.objects.for_customer(customer).filter(effect_state=EffectState.HELD).count():
        url = reverse("bounces") + f"?effect_state={EffectState.HELD.value}"
        yield Concern(held_title(count), HELD_CAUSE, HELD_FIX, url)


def held_title(count: int) -> str:
    return f"{count:,} effect{' of a bounce is' if count == 1 else 's of bounces are'} held for a person"


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

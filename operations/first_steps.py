"""The way from an empty account to a first campaign, each step with the provider's own setup beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.models import AuditEntry, Customer, SystemSettings
from audience.models import Subscriber
from bounces.models import BounceServer
from campaigns.models import Campaign
from campaigns.trying import TEST_SENT
from keys.models import ApiKey
from monitors.models import Monitor
from pages.features import API_KEYS, BOUNCE_SERVERS, DELIVERY_SERVERS, MONITORS, Feature
from providers.registry import PROVIDERS
from servers.models import DeliveryServer

# Where in a provider's setup page it says how: making the app or account, and what it must be allowed.
MAKING, ALLOWING = "s1", "s3"
SERVERS: tuple[tuple[Feature, Any, str, str, str], ...] = (
    (
        DELIVERY_SERVERS,
        DeliveryServer,
        "delivery-servers-create",
        "Connect a delivery server",
        "A mailbox that sends your campaigns. The connection is tested when you save it.",
    ),
    (
        BOUNCE_SERVERS,
        BounceServer,
        "bounce-servers-create",
        "Connect an API bounce server",
        "So that addresses that fail leave your lists by themselves.",
    ),
    (
        MONITORS,
        Monitor,
        "monitors-create",
        "Watch replies with an API monitor",
        "For example: unsubscribe everybody who answers “unsubscribe”.",
    ),
)


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One step of getting started; `guide` is the part of the providers' setup pages that helps with it."""

    title: str
    text: str
    url: str
    is_done: bool
    guide: str = ""

    @property
    def guides(self) -> list[tuple[str, str]]:
        """Each provider's name, and where its setup says how."""
        if not self.guide:
            return []
        return [(kind.label, f"{reverse(f'setup-{name}')}#{self.guide}") for name, kind in PROVIDERS.items()]


def first_steps(customer: Customer, system: SystemSettings) -> list[FirstStep]:
    """The steps that are the customer's to take, in their order; without keys of their own, servers are not."""
    if not API_KEYS.is_on(customer, system):
        return [*_first_test(customer), _first_campaign(customer)]
    found = [*_keys(customer)]
    for feature, model, url_name, title, text in SERVERS:
        if feature.is_on(customer, system):
            connected = model.objects.for_customer(customer).filter(connected_at__isnull=False)
            found.append(FirstStep(title, text, reverse(url_name), connected.exists(), ALLOWING))
        if feature is DELIVERY_SERVERS:
            found += _first_test(customer)
    return [*found, _first_campaign(customer)]


def _keys(customer: Customer) -> list[FirstStep]:
    keys = ApiKey.objects.for_customer(customer)
    newest = keys.order_by("-pk").first()
    verify = reverse("api-keys-edit", args=[newest.pk]) if newest else reverse("api-keys")
    return [
        FirstStep(
            "Add an API key",
            "Credentials of your Microsoft 365 or Google Workspace, from their admin pages.",
            reverse("api-keys-create"),
            newest is not None,
            MAKING,
        ),
        FirstStep(
            "Verify the key",
            "Try it on one of your mailboxes: each right is checked, and nothing is sent or changed.",
            verify,
            keys.filter(last_ok_at__isnull=False).exists(),
            ALLOWING,
        ),
    ]


def _first_test(customer: Customer) -> list[FirstStep]:
    campaigns = Campaign.objects.for_customer(customer)
    draft = campaigns.order_by("-pk").first()
    tests = AuditEntry.objects.for_customer(customer).filter(action=TEST_SENT)
    return [
        FirstStep(
            "Fill a mailing list",
            "Type subscribers in or import a CSV file.",
            reverse("lists"),
            Subscriber.objects.for_customer(customer).exists(),
        ),
        FirstStep(
            "Send yourself a test",
            "Write a campaign, look at its preview, and send it to your own address.",
            reverse("campaigns-edit", args=[draft.pk]) if draft else reverse("campaigns-create"),
            campaigns.exclude(status=Campaign.Status.DRAFT).exists() or tests.exists(),
        ),
    ]


def _first_campaign(customer: Customer) -> FirstStep:
    return FirstStep(
        "Send a campaign",
        "Release it for sending and watch it go out.",
        reverse("campaigns"),
        Campaign.objects.for_customer(customer).exclude(status=Campaign.Status.DRAFT).exists(),
    )

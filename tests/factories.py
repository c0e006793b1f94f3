"""Rows for tests, each with everything it needs; Acme is the customer, Rival the other one."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Customer, CustomerGroup, User
from audience.models import CampaignGroup, MailingList, Subscriber
from bounces.models import BounceServer
from campaigns.models import Campaign, Delivery
from keys.models import ApiKey, Token
from monitors.models import Condition, Monitor
from providers.registry import PROVIDERS
from servers.models import DeliveryServer
from tests.sandboxing import MICROSOFT_CREDENTIALS, google_credentials

PASSWORD = "correct-horse-battery"
_numbers = itertools.count(1)


def number() -> int:
    return next(_numbers)


def make_group(**fields: Any) -> CustomerGroup:
    return CustomerGroup.objects.create(**{"name": f"Group {number()}", **fields})


def make_customer(name: str = "Acme", **fields: Any) -> Customer:
    return Customer.objects.create(name=name, **fields)


def make_user(customer: Customer | None = None, *, role: str = "owner", **fields: Any) -> User:
    fields.setdefault("email", f"user{number()}@example.com")
    return User.objects.create_user(password=PASSWORD, customer=customer, role=role, **fields)


def make_admin(**fields: Any) -> User:
    return make_user(None, is_superuser=True, **fields)


def credentials_of(provider: str) -> dict[str, str]:
    """Credentials that the sandbox of the tests accepts."""
    return MICROSOFT_CREDENTIALS if provider == "microsoft" else google_credentials()


def make_key(customer: Customer | None = None, provider: str = "microsoft", **fields: Any) -> ApiKey:
    fields.setdefault("credentials", credentials_of(provider))
    return ApiKey.objects.create(
        **{"name": f"Key {number()}", "identity": "visible-id", **fields},
        customer=customer,
        provider=provider,
    )


def make_token(api_key: ApiKey, email: str, customer: Customer | None = None, **fields: Any) -> Token:
    defaults = {
        "access_token": f"token-{number()}",
        "expires_at": timezone.now() + timedelta(hours=1),
        "provider": api_key.provider,
    }
    return Token.objects.create(**{**defaults, **fields}, api_key=api_key, email=email, customer=customer)


def _server_fields(customer: Customer | None, provider: str, fields: dict[str, Any]) -> dict[str, Any]:
    fields = {"email": f"news{number()}@acme.example", "name": f"Server {number()}", **fields}
    fields.setdefault("connected_at", timezone.now())
    if "api_key" not in fields:
        fields["api_key"] = make_key(customer, provider)
    return {**fields, "customer": customer}


def make_delivery_server(
    customer: Customer | None = None, provider: str = "microsoft", **fields: Any
) -> DeliveryServer:
    fields.setdefault("type", PROVIDERS[provider].server_type)
    return DeliveryServer.objects.create(**_server_fields(customer, provider, fields))


def make_bounce_server(
    customer: Customer | None = None, provider: str = "microsoft", **fields: Any
) -> BounceServer:
    return BounceServer.objects.create(provider=provider, **_server_fields(customer, provider, fields))


def make_monitor(
    customer: Customer | None = None,
    provider: str = "microsoft",
    conditions: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> Monitor:
    monitor = Monitor.objects.create(provider=provider, **_server_fields(customer, provider, fields))
    for position, condition in enumerate(conditions):
        Condition.objects.create(monitor=monitor, position=position, **condition)
    return monitor


def make_list(customer: Customer, **fields: Any) -> MailingList:
    return MailingList.objects.create(**{"name": f"List {number()}", **fields}, customer=customer)


def make_subscriber(mailing_list: MailingList, email: str = "", **fields: Any) -> Subscriber:
    return Subscriber.objects.create(
        list=mailing_list,
        customer=mailing_list.customer,
        email=email or f"reader{number()}@receiver.example",
        **fields,
    )


def make_campaign_group(customer: Customer, **fields: Any) -> CampaignGroup:
    return CampaignGroup.objects.create(**{"name": f"Campaign group {number()}", **fields}, customer=customer)


def make_campaign(
    mailing_list: MailingList, servers: tuple[DeliveryServer, ...] = (), **fields: Any
) -> Campaign:
    defaults = {
        "name": f"Campaign {number()}",
        "subject": "Hello [FNAME]",
        "html": "<p>Hello [FNAME]. <a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>",
        "plain": "Hello [FNAME]. Unsubscribe: [UNSUBSCRIBE_URL]",
        "status": Campaign.Status.READY,
    }
    campaign = Campaign.objects.create(
        **{**defaults, **fields}, list=mailing_list, customer=mailing_list.customer
    )
    campaign.delivery_servers.set(servers)
    return campaign


def make_delivery(campaign: Campaign, subscriber: Subscriber, **fields: Any) -> Delivery:
    defaults = {
        "recipient": subscriber.email,
        "recipient_key": subscriber.email_key,
        "status": Delivery.Status.SENT,
        "sent_at": timezone.now(),
    }
    return Delivery.objects.create(
        **{**defaults, **fields}, campaign=campaign, customer=campaign.customer, subscriber=subscriber
    )

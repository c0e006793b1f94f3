"""Acme with one of everything, its three users, and Rival who must see none of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import SystemSettings
from audience.changes import Cause, unsubscribe
from audience.models import BlacklistEntry, Change
from bounces.models import Bounce
from mailboxes.models import MessageMatch, ProcessedMessage
from monitors.models import MonitorHit
from tests import factories


@pytest.fixture
def system(db) -> SystemSettings:
    """Customers bring their own keys."""
    settings = SystemSettings.load()
    settings.customer_keys_enabled = True
    settings.save()
    return settings


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def furnish(customer) -> SimpleNamespace:
    """One row of everything a customer can see, by the slug of its section."""
    key = factories.make_key(customer)
    delivery_server = factories.make_delivery_server(customer, api_key=key)
    bounce_server = factories.make_bounce_server(customer, api_key=key)
    monitor = factories.make_monitor(
        customer, api_key=key, conditions=({"value": "stop", "action": "unsubscribe"},)
    )
    mailing_list = factories.make_list(customer)
    subscriber = factories.make_subscriber(mailing_list, fields={"FNAME": "Ada"})
    group = factories.make_campaign_group(customer)
    campaign = factories.make_campaign(mailing_list, (delivery_server,), group=group, status="draft")
    delivery = factories.make_delivery(campaign, subscriber)
    message = ProcessedMessage.objects.create(
        mailbox=bounce_server.mailbox, purpose="bounces", provider_message_id=f"m{subscriber.pk}"
    )
    MessageMatch.objects.create(message=message, customer=customer, summary="a bounce")
    bounce = Bounce.objects.create(
        mailbox=bounce_server.mailbox,
        customer=customer,
        campaign=campaign,
        delivery=delivery,
        subscriber=subscriber,
        recipient=subscriber.email,
        recipient_key=subscriber.email_key,
        type="hard",
    )
    hit = MonitorHit.objects.create(
        customer=customer,
        monitor=monitor,
        subscriber=subscriber,
        outcome=f"unsubscribed {subscriber.email}",
        action="unsubscribe",
    )
    entry = BlacklistEntry.objects.create(customer=customer, email=f"block{subscriber.pk}@receiver.example")
    unsubscribe(factories.make_subscriber(mailing_list), Cause(Change.Cause.PERSON), timezone.now())
    change = Change.objects.for_customer(customer).latest("pk")
    return SimpleNamespace(
        customer=customer,
        owner=factories.make_user(customer),
        manager=factories.make_user(customer, role="manager"),
        viewer=factories.make_user(customer, role="viewer"),
        rows={
            "api-keys": key,
            "delivery-servers": delivery_server,
            "bounce-servers": bounce_server,
            "monitors": monitor,
            "lists": mailing_list,
            "subscribers": subscriber,
            "blacklist": entry,
            "campaign-groups": group,
            "campaigns": campaign,
            "deliveries": delivery,
            "bounces": bounce,
            "monitor-hits": hit,
            "mailboxes": bounce_server.mailbox,
            "journal": change,
        },
    )


@pytest.fixture
def acme(system) -> SimpleNamespace:
    return furnish(factories.make_customer("Acme"))


@pytest.fixture
def rival(system) -> SimpleNamespace:
    return furnish(factories.make_customer("Rival"))


@pytest.fixture
def owner(acme) -> Client:
    return sign_in(acme.owner)


@pytest.fixture
def viewer(acme) -> Client:
    return sign_in(acme.viewer)

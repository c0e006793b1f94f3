"""The backend seen by a superuser, over a house where every table has rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from accounts.auditing import audit
from accounts.models import Customer, User
from audience.models import BlacklistEntry, Change
from bounces.models import Bounce, BouncePhrase, BounceSource
from campaigns.models import Attempt
from mailboxes.models import ProcessedMessage, SyncRun
from monitors.models import MonitorHit
from operations.models import Cycle, PhaseItem
from tests import factories as make
from tests.sandboxing import MICROSOFT_CREDENTIALS

SECRET = MICROSOFT_CREDENTIALS["client_secret"]
ACCESS_TOKEN = "eyJ-the-access-token-nobody-may-see"


@pytest.fixture(autouse=True)
def _no_collected_static_files(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """For tests that are refused often: each refusal would be drawn with its traceback."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def superuser(db: Any) -> User:
    return make.make_admin(email="root@platform.example")


@pytest.fixture
def backend(superuser: User) -> Client:
    return sign_in(superuser)


@pytest.fixture
def acme(db: Any) -> Customer:
    return make.make_customer("Acme")


@pytest.fixture
def rival(db: Any) -> Customer:
    return make.make_customer("Rival")


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def furnish(count: int) -> None:
    """`count` rows in every table that the backend lists."""
    for number in range(count):
        _furnish_once(make.make_customer(f"Customer {number}"))


def _furnish_once(customer: Customer) -> None:
    now = timezone.now()
    user = make.make_user(customer)
    key = make.make_key(customer, expires_at=(now + timedelta(days=5)).date())
    make.make_token(key, user.email, customer, access_token=ACCESS_TOKEN)
    server = make.make_delivery_server(customer, api_key=key, daily_quota=10)
    reader = make.make_bounce_server(customer, api_key=key, last_error="Mailbox is gone")
    condition = {"value": "stop", "action": "unsubscribe"}
    monitor = make.make_monitor(customer, api_key=key, conditions=(condition,))
    subscriber = make.make_subscriber(make.make_list(customer))
    group = make.make_campaign_group(customer)
    campaign = make.make_campaign(subscriber.list, (server,), group=group)
    delivery = make.make_delivery(campaign, subscriber, server=server, mailbox=server.mailbox)
    Attempt.objects.create(
        delivery=delivery, server=server, deadline=now, outcome="accepted", request_id="r-1"
    )
    message = ProcessedMessage.objects.create(
        mailbox=reader.mailbox, purpose="bounces", provider_message_id=f"id-{delivery.pk}", state="done"
    )
    BounceSource.objects.create(message=message, raw=b"Subject: <script>alert(1)</script>\r\n\r\nfailed")
    Bounce.objects.create(
        mailbox=reader.mailbox, message=message, customer=customer, campaign=campaign, delivery=delivery,
        subscriber=subscriber, recipient=subscriber.email, recipient_key=subscriber.email_key, type="hard",
    )  # fmt: skip
    MonitorHit.objects.create(
        monitor=monitor, message=message, customer=customer, subscriber=subscriber, outcome="unsubscribed"
    )
    SyncRun.objects.create(mailbox=reader.mailbox, purpose="bounces", listed=3, handled=3)
    BlacklistEntry.objects.create(email=subscriber.email, customer=customer, reason="by hand")
    Change.objects.create(
        customer=customer, email=subscriber.email, email_key=subscriber.email_key, subscriber=subscriber,
        action="unsubscribe", cause_kind="person", actor=user, at=now,
    )  # fmt: skip
    cycle = Cycle.objects.create(slot=f"slot-{delivery.pk}", phase="done", finished_at=now)
    PhaseItem.objects.create(cycle=cycle, phase="bounces", subject=str(reader.mailbox_id), state="done")
    AccessAttempt.objects.create(username=user.email, ip_address="192.0.2.7", failures_since_start=8)
    make.make_group()
    BouncePhrase.objects.create(text=f"no such person {delivery.pk}", type="hard")
    audit(user, "change", server, before={"name": "old"}, after={"name": server.name})

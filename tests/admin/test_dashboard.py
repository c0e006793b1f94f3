"""The dashboard and the system status: real numbers, and what needs a person with cause and fix."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer, SystemSettings
from accounts.secondfactor import begin
from bounces.models import Bounce
from operations.models import Cycle, PhaseItem
from operations.status import checks
from tests import factories as make
from tests.admin.conftest import furnish


@pytest.fixture(autouse=True)
def _nothing_counted_yet(db: Any) -> None:
    cache.clear()


def dashboard(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def tile(client: Client, label: str) -> str:
    context = client.get(reverse("admin:index")).context
    return next(str(tile.value) for tile in context["tiles"] if tile.label == label)


def test_it_counts_every_customers_messages(backend: Client, acme: Customer, rival: Customer) -> None:
    for customer in (acme, rival):
        campaign = make.make_campaign(make.make_list(customer))
        delivery = make.make_delivery(campaign, make.make_subscriber(campaign.list))
        mailbox = make.make_bounce_server(customer).mailbox
        Bounce.objects.create(mailbox=mailbox, customer=customer, delivery=delivery, type="hard")
        Bounce.objects.create(mailbox=mailbox, customer=customer, type="complaint")
    assert tile(backend, "Sent, 7 days") == "2"
    assert tile(backend, "Bounced, 7 days") == "2"
    assert tile(backend, "Complaints, 7 days") == "2"


def test_a_server_in_trouble_is_named_with_cause_and_fix(backend: Client, acme: Customer) -> None:
    make.make_delivery_server(
        acme, name="Broken", connected_at=None, tested_at=timezone.now(), status="inactive",
        last_error="AADSTS7000215: Invalid client secret provided.", last_error_code="AADSTS7000215",
    )  # fmt: skip
    make.make_delivery_server(acme, name="Healthy one")
    page = dashboard(backend)
    assert "“Broken” (Acme) is not connected" in page
    assert "Create a new secret" in page
    assert "Healthy one" not in page


@pytest.mark.parametrize(("days", "is_warned"), [(-1, True), (13, True), (15, False)])
def test_a_secret_that_ends_has_a_banner_on_every_page(backend: Client, days: int, is_warned: bool) -> None:
    make.make_key(None, name="Old key", expires_at=timezone.localdate() + timedelta(days=days))
    page = backend.get(reverse("admin:accounts_customer_changelist")).content.decode()
    assert ("“Old key”" in page) == is_warned


def test_it_shows_the_last_cycle_with_each_phases_duration(backend: Client) -> None:
    began = timezone.now() - timedelta(minutes=5)
    cycle = Cycle.objects.create(
        slot="a", phase="done", started_at=began, finished_at=began + timedelta(seconds=9)
    )
    PhaseItem.objects.create(
        cycle=cycle, phase="bounces", subject="1", state="failed", started_at=began,
        finished_at=began + timedelta(seconds=7),
    )  # fmt: skip
    page = dashboard(backend)
    assert "7.0 s" in page
    assert "1 need attention" in page


def test_it_takes_the_same_queries_however_much_there_is(backend: Client) -> None:
    SystemSettings.load()
    furnish(2)
    with CaptureQueriesContext(connection) as few:
        dashboard(backend)
    cache.clear()
    furnish(10)
    with CaptureQueriesContext(connection) as many:
        dashboard(backend)
    assert len(many) == len(few)


def states() -> dict[str, bool]:
    return {check.name: check.is_well for check in checks(timezone.now())}


def test_status_says_what_is_well(backend: Client, settings: Any) -> None:
    settings.DEBUG = False
    Cycle.objects.create(slot="now")
    assert all(states().values()), checks(timezone.now())
    assert "all applied" in backend.get(reverse("admin:operations_status")).content.decode()


def test_status_notices_a_late_cycle_and_a_key_that_is_gone(settings: Any) -> None:
    make.make_key(None)
    Cycle.objects.create(slot="old", started_at=timezone.now() - timedelta(hours=1))
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    found = states()
    assert not found["Cycle"]
    assert not found["Encryption keys"]


def test_status_notices_second_factors_whose_key_is_gone(settings: Any) -> None:
    begin(make.make_admin())
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert not states()["Encryption keys"]


def test_status_asks_for_rotation_while_an_old_key_is_needed(settings: Any) -> None:
    make.make_key(None)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]
    check = next(check for check in checks(timezone.now()) if check.name == "Encryption keys")
    assert (check.is_well, check.fix) == (False, "Run manage.py rotate_encryption_keys.")

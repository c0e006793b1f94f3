"""What the list of delivery servers says of their sending: when they last sent, and how much comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer
from bounces.models import Bounce
from servers import quotas
from servers.models import DeliveryServer
from servers.tables import RATE_DAYS, bounce_rate, with_rates
from tests import factories as make
from tests.portal.conftest import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Customer:
    return make.make_customer()


@pytest.fixture
def server(acme: Customer) -> DeliveryServer:
    return make.make_delivery_server(acme)


def sent(server: DeliveryServer, count: int, days_ago: int = 0) -> None:
    quotas.claim(server, count, timezone.now() - timedelta(days=days_ago))


def came_back(server: DeliveryServer, days_ago: int = 0, **fields: Any) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Bounce.objects.create(**{"type": "hard", **fields}, server=server, mailbox=server.mailbox, created_at=at)


def rate_of(server: DeliveryServer) -> str:
    return str(bounce_rate(with_rates(DeliveryServer.objects.all()).get(pk=server.pk)))


def test_the_rate_is_what_came_back_of_what_left(server: DeliveryServer) -> None:
    sent(server, 30)
    sent(server, 10, days_ago=2)
    came_back(server)
    came_back(server, days_ago=1, type="soft")
    assert "5.0%" in rate_of(server)
    assert "2 of 40 messages" in rate_of(server)


def test_the_rate_leaves_out_complaints_delays_other_servers_and_what_is_long_ago(
    acme: Customer, server: DeliveryServer
) -> None:
    sent(server, 10)
    sent(server, 90, days_ago=RATE_DAYS)
    came_back(server, type="complaint")
    came_back(server, type="soft", is_delay=True)
    came_back(server, days_ago=RATE_DAYS)
    came_back(make.make_delivery_server(acme))
    assert "0 of 10 messages" in rate_of(server)


def test_a_server_that_sent_nothing_has_no_rate(server: DeliveryServer) -> None:
    came_back(server)
    assert rate_of(server) == ""


@pytest.mark.parametrize("face", ["portal", "backend"])
def test_the_list_reads_no_delivery_log(acme: Customer, server: DeliveryServer, face: str) -> None:
    client, address = face_of(face, acme)
    sent(server, 4)
    came_back(server)
    with CaptureQueriesContext(connection) as queries:
        assert "25.0%" in client.get(address).content.decode()
    assert not [query["sql"] for query in queries if "campaigns_" in query["sql"]]


def test_the_row_says_when_it_last_sent_at_most_once_a_minute(server: DeliveryServer) -> None:
    now = timezone.now()
    server.record_sent(now)
    with CaptureQueriesContext(connection) as queries:
        server.record_sent(now + timedelta(seconds=59))
    assert not queries
    server.record_sent(now + timedelta(seconds=60))
    server.refresh_from_db()
    assert server.last_sent_at == now + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("face", "oldest", "newest"),
    [("portal", {"sort": "last_sent_at"}, {"sort": "-last_sent_at"}), ("backend", {"o": "8"}, {"o": "-8"})],
)
def test_those_that_never_sent_come_last_whichever_way_it_is_sorted(
    acme: Customer, face: str, oldest: dict[str, str], newest: dict[str, str]
) -> None:
    now = timezone.now()
    for name, days in (("Never", None), ("Lately", 1), ("Long ago", 9)):
        at = now - timedelta(days=days) if days else None
        make.make_delivery_server(acme, name=name, last_sent_at=at)
    client, address = face_of(face, acme)
    assert names_on(client.get(address, oldest).content.decode()) == ["Long ago", "Lately", "Never"]
    assert names_on(client.get(address, newest).content.decode()) == ["Lately", "Long ago", "Never"]


def face_of(face: str, customer: Customer) -> tuple[Client, str]:
    if face == "portal":
        return sign_in(make.make_user(customer)), reverse("delivery-servers")
    return sign_in(make.make_admin()), reverse("admin:servers_deliveryserver_changelist")


def names_on(page: str) -> list[str]:
    rows = page[page.index("<tbody") :]
    return sorted(("Never", "Lately", "Long ago"), key=lambda name: rows.index(f">{name}</a>"))

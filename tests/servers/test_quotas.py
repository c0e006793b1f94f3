"""Quotas hold whoever claims, and give back what was not sent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from servers import quotas
from servers.models import QuotaUse
from tests.factories import make_customer, make_delivery_server

NOON = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def server(db):
    return make_delivery_server(make_customer(), hourly_quota=10, daily_quota=25)


def test_it_grants_no_more_than_the_hour_allows(server):
    assert quotas.claim(server, 7, NOON) == 7
    assert quotas.claim(server, 7, NOON) == 3
    assert quotas.claim(server, 7, NOON) == 0


def test_a_new_hour_grants_again_until_the_day_is_used_up(server):
    hours = [NOON.replace(hour=hour) for hour in (12, 13, 14, 15)]

    assert [quotas.claim(server, 10, hour) for hour in hours] == [10, 10, 5, 0]
    room = quotas.room(server, hours[3])
    assert room.is_empty
    assert room.renews_at == datetime(2026, 11, 21, tzinfo=UTC)


def test_without_a_quota_it_grants_everything_and_still_counts(db):
    server = make_delivery_server(make_customer())

    assert quotas.claim(server, 5000, NOON) == 5000
    assert quotas.room(server, NOON).left is None
    assert set(QuotaUse.objects.values_list("window", "used")) == {("hour", 5000), ("day", 5000)}


def test_what_was_not_sent_is_given_back(server):
    quotas.claim(server, 10, NOON)

    quotas.give_back(server, 4, NOON)

    assert quotas.room(server, NOON).left == 4


def test_giving_back_never_goes_below_nothing(server):
    quotas.claim(server, 2, NOON)

    quotas.give_back(server, 5, NOON)

    assert quotas.room(server, NOON).left == 8


def test_a_lowered_quota_leaves_no_room_instead_of_a_negative_one(server):
    quotas.claim(server, 10, NOON)
    server.hourly_quota = 4

    assert quotas.room(server, NOON).left == 0
    assert quotas.claim(server, 1, NOON) == 0


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_many_claimers_at_once_never_overrun_it():
    server = make_delivery_server(make_customer(), hourly_quota=50)
    granted: list[int] = []

    def claim_some() -> None:
        for _ in range(10):
            granted.append(quotas.claim(server, 3, NOON))
        connection.close()

    threads = [threading.Thread(target=claim_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(granted) == 50
    assert QuotaUse.objects.get(window="hour").used == 50

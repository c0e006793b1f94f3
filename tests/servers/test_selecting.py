"""Which server sends: by remaining quota among those that can, with the reason and return of those that cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import SystemSettings
from keys.models import ApiKey
from servers import quotas
from servers.models import DeliveryServer
from servers.selecting import forecast, reasons, share, standings, usable
from tests.factories import make_customer, make_delivery_server, make_key

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def acme(db):
    return make_customer()


def servers():
    return DeliveryServer.objects.select_related("mailbox", "api_key").order_by("pk")


def test_the_one_with_most_quota_left_comes_first(acme):
    small = make_delivery_server(acme, hourly_quota=10)
    large = make_delivery_server(acme, hourly_quota=100)
    unlimited = make_delivery_server(acme)
    quotas.claim(large, 95, NOW)

    ranked = [one.server for one in standings(servers(), NOW)]

    assert ranked == [unlimited, small, large]


def test_shares_follow_the_remaining_quota_and_cover_everything(acme):
    first = make_delivery_server(acme, hourly_quota=100)
    second = make_delivery_server(acme, hourly_quota=300)
    found = standings(servers(), NOW)

    assert (share(first, found, 200), share(second, found, 200)) == (50, 150)


def test_servers_without_quota_share_equally(acme):
    first, second = make_delivery_server(acme), make_delivery_server(acme)
    found = standings(servers(), NOW)

    assert (share(first, found, 9), share(second, found, 9)) == (5, 5)


def test_a_throttled_mailbox_leaves_its_share_to_the_others(acme):
    blocked, other = make_delivery_server(acme), make_delivery_server(acme)
    until = NOW + timedelta(seconds=90)
    blocked.mailbox.block_until(until)
    found = standings(servers(), NOW)

    assert (share(blocked, found, 9), share(other, found, 9)) == (0, 9)
    assert forecast(found, NOW) == NOW


def test_when_none_can_send_it_forecasts_the_earliest_return(acme):
    blocked = make_delivery_server(acme)
    used_up = make_delivery_server(acme, hourly_quota=1)
    blocked.mailbox.block_until(NOW + timedelta(seconds=90))
    quotas.claim(used_up, 1, NOW)
    found = standings(servers(), NOW)

    assert usable(found) == []
    assert forecast(found, NOW) == NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("changes", "key_changes", "words"),
    [
        ({"status": "inactive"}, {}, "inactive"),
        ({"connected_at": None}, {}, "not connected"),
        ({}, {"status": "disabled"}, "disabled"),
        ({}, {"status": "failing", "last_error": "The secret has expired."}, "The secret has expired."),
    ],
)
def test_one_that_needs_a_person_says_why_and_has_no_return(acme, changes, key_changes, words):
    server = make_delivery_server(acme)
    DeliveryServer.objects.filter(pk=server.pk).update(**changes)
    ApiKey.objects.filter(pk=server.api_key_id).update(**key_changes)
    found = standings(servers(), NOW)

    assert usable(found) == []
    assert words in reasons(found)
    assert forecast(found, NOW) is None


def test_a_provider_that_is_switched_off_sends_nothing(acme):
    make_delivery_server(acme)
    settings = SystemSettings.load()
    settings.microsoft_enabled = False
    settings.save()

    found = standings(servers(), NOW)

    assert not found[0].returns_by_itself
    assert "Microsoft is switched off" in found[0].reason


def test_a_server_never_uses_another_customers_key(acme):
    server = make_delivery_server(acme)
    DeliveryServer.objects.filter(pk=server.pk).update(api_key=make_key(make_customer("Rival")))

    found = standings(servers(), NOW)

    assert "may not use the API key" in found[0].reason


def test_recorded_trouble_is_tried_again_after_its_rest_but_nobody_counts_on_it(acme):
    server = make_delivery_server(acme)
    server.record_trouble("Access is denied.", "ErrorAccessDenied")
    server.pause_until(NOW + timedelta(hours=1), "Access is denied.")

    resting = standings(servers(), NOW)
    rested = standings(servers(), NOW + timedelta(hours=2))

    assert forecast(resting, NOW) is None
    assert usable(rested)


def test_the_quotas_of_many_servers_are_read_with_one_query(acme, django_assert_num_queries):
    for number in range(12):
        make_delivery_server(acme, hourly_quota=number, daily_quota=50)
    settings, every = SystemSettings.load(), list(servers())

    with django_assert_num_queries(1):
        found = standings(every, NOW, settings)

    assert [one.left for one in usable(found)] == [50, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]

"""Undo, apply and drop as people reach them: from the lists of both faces."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import SystemSettings
from audience.models import Subscriber
from bounces.models import Bounce, BouncePolicy, EffectState
from monitors.models import MonitorHit
from tests.factories import make_admin, make_customer, make_user
from tests.mailroom import human_reply


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def room(graph_room):
    SystemSettings.load()
    SystemSettings.objects.update(customer_blacklist_is_global=False, customer_keys_enabled=True)
    graph_room.server = graph_room.add_bounce_server()
    return graph_room


@pytest.fixture(params=["portal", "backend"])
def do(request, room):
    """Choose a verb for ticked rows on a list, and confirm it where that is asked for."""
    if request.param == "portal":
        client = sign_in(make_user(room.acme))

        def act(slug: str, verb: str, rows) -> str:
            data = {"action": verb, "rows": [row.pk for row in rows], "confirmed": "1"}
            return client.post(reverse(f"{slug}-bulk"), data, follow=True).content.decode()

        return act
    client = sign_in(make_admin())
    lists = {"bounces": "bounces_bounce", "bounce-servers": "bounces_bounceserver",
             "monitors": "monitors_monitor", "monitor-hits": "monitors_monitorhit"}  # fmt: skip

    def act_in_backend(slug: str, verb: str, rows) -> str:
        url = reverse(f"admin:{lists[slug]}_changelist")
        data = {"action": verb.replace("-", "_"), "_selected_action": [row.pk for row in rows]}
        client.post(url, data)
        return client.post(url, data | {"confirmed": "1"}, follow=True).content.decode()

    return act_in_backend


def statuses() -> list[str]:
    return sorted(Subscriber.objects.values_list("status", flat=True))


def test_a_bounce_servers_last_run_is_undone(room, do):
    room.open_for_business()
    room.bounce(room.subscribe("early@receiver.example"))
    room.read()
    for name in ("ada", "bob"):
        room.bounce(room.subscribe(f"{name}@receiver.example"))
    room.read()
    assert statuses() == ["blacklisted"] * 3

    page = do("bounce-servers", "undo-last-run", [room.server])

    assert "Undo last run: 2 changed" in page
    assert statuses() == ["blacklisted", "confirmed", "confirmed"]


def test_a_bounce_and_a_whole_report_are_undone(room, do):
    room.open_for_business()
    for name in ("ada", "bob"):
        room.bounce(room.subscribe(f"{name}@receiver.example"))
    room.read()
    first, second = Bounce.objects.order_by("pk")
    do("bounces", "undo", [first])
    assert statuses() == ["blacklisted", "confirmed"]
    Bounce.objects.filter(pk=first.pk).update(message=second.message)
    assert "Undo whole reports: 1 changed" in do("bounces", "undo-whole-reports", [first])
    assert statuses() == ["confirmed", "confirmed"]


def test_a_monitors_last_run_is_undone_and_a_hit_too(room, do):
    monitor = room.add_monitor({"value": "stop", "action": "unsubscribe"})
    room.open_for_business()
    for name in ("ada", "bob"):
        room.subscribe(f"{name}@receiver.example")
        room.arrive(human_reply(f"{name}@receiver.example", "Please stop."))
    room.read()
    assert statuses() == ["unsubscribed", "unsubscribed"]

    do("monitor-hits", "undo", [MonitorHit.objects.first()])
    assert statuses() == ["confirmed", "unsubscribed"]
    assert "Undo last run: 1 changed" in do("monitors", "undo-last-run", [monitor])
    assert statuses() == ["confirmed", "confirmed"]


class TestHeld:
    @pytest.fixture
    def held(self, room):
        BouncePolicy.objects.create(brake_effects=2)
        room.open_for_business()
        for number in range(5):
            room.bounce(room.subscribe(f"reader{number}@receiver.example"))
        room.read()
        rows = Bounce.objects.filter(effect_state=EffectState.HELD)
        assert rows.count() == 3
        return rows

    def test_one_act_applies_all_of_it(self, held, do):
        assert "3 changed" in do("bounces", "apply-what-is-held", held[:1])
        assert statuses() == ["blacklisted"] * 5

    def test_one_act_drops_all_of_it(self, held, do):
        assert "3 changed" in do("bounces", "drop-what-is-held", held[:1])
        assert statuses() == ["blacklisted"] * 2 + ["confirmed"] * 3

    def test_both_dashboards_name_it_and_lead_to_it(self, held, room):
        portal, backend = sign_in(make_user(room.acme)), sign_in(make_admin())
        for client, home, url in (
            (portal, "/", reverse("bounces") + "?effect_state=held"),
            (
                backend,
                reverse("admin:index"),
                reverse("admin:bounces_bounce_changelist") + "?effect_state__exact=held",
            ),
        ):
            page = client.get(home).content.decode()
            assert "3 effects of bounces are held for a person" in page
            assert url in page
            assert "reader4@receiver.example" in client.get(url).content.decode()

    def test_another_customer_decides_nothing(self, held, room):
        other = sign_in(make_user(make_customer("Rival")))
        data = {"action": "apply-what-is-held", "rows": [held[0].pk], "confirmed": "1"}
        other.post(reverse("bounces-bulk"), data)
        assert held.count() == 3

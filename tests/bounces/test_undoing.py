"""Undoing a bounce, a report, or a server's last run."""

from __future__ import annotations

import pytest

from accounts.models import SystemSettings
from audience import changes
from audience.journal import Cause
from audience.models import BlacklistEntry, Change
from audience.undo import undo_change
from bounces.models import Bounce, EffectState
from bounces.undoing import undo_bounces, undo_last_run, undo_message
from tests.factories import make_admin, make_customer, make_list, make_user


@pytest.fixture
def own_blacklists(db) -> None:
    SystemSettings.load()
    SystemSettings.objects.update(customer_blacklist_is_global=False)


@pytest.fixture
def room(graph_room):
    graph_room.server = graph_room.add_bounce_server()
    graph_room.open_for_business()
    return graph_room


def status(subscriber) -> str:
    subscriber.refresh_from_db()
    return subscriber.status


def test_a_customer_undoes_a_bounce_of_its_own(room, own_blacklists):
    ada = room.subscribe("ada@receiver.example")
    room.bounce(ada)
    room.read()
    bounce = Bounce.objects.get()

    results = undo_bounces([bounce], by=make_user(room.acme, email="boss@acme.example"), now=room.now)

    bounce.refresh_from_db()
    assert [result.outcome.changed for result in results] == [True]
    assert status(ada) == "confirmed"
    assert not BlacklistEntry.objects.exists()
    assert bounce.effect_state == EffectState.UNDONE
    assert "boss@acme.example" in bounce.effect


def test_only_the_backend_undoes_what_is_shared(room):
    ada = room.subscribe("ada@receiver.example")
    rivals = room.subscribe("ada@receiver.example", make_list(make_customer("Rival")))
    room.bounce(ada)
    room.read()

    refused = undo_bounces(Bounce.objects.all(), by=make_user(room.acme), now=room.now)
    assert "platform" in refused[0].outcome.text
    assert (status(ada), status(rivals)) == ("blacklisted", "blacklisted")

    undo_bounces(Bounce.objects.all(), by=make_admin(), now=room.now)
    assert (status(ada), status(rivals)) == ("confirmed", "confirmed")


def test_it_undoes_everything_of_a_message(room, own_blacklists):
    ada = room.subscribe("ada@receiver.example")
    room.bounce(ada, "complaint")
    room.read()

    undo_message(Bounce.objects.get().message, by=None, now=room.now)

    assert status(ada) == "confirmed"


def test_it_undoes_the_last_run_and_no_other(room, own_blacklists):
    earlier = room.subscribe("earlier@receiver.example")
    room.bounce(earlier)
    room.read()
    ada, eve = room.subscribe("ada@receiver.example"), room.subscribe("eve@receiver.example")
    room.bounce(ada)
    room.bounce(eve, "complaint")
    room.read()
    room.read()  # an idle run is no run

    undo_last_run(room.server, by=make_admin(), now=room.now)

    assert (status(ada), status(eve), status(earlier)) == ("confirmed", "confirmed", "blacklisted")


def test_a_later_change_is_shown_and_kept(room):
    eve = room.subscribe("eve@receiver.example")
    room.bounce(eve, "complaint")
    room.read()
    changes.unsubscribe(eve, Cause("subscriber", text="clicked the link"), room.now)

    (result,) = undo_bounces(Bounce.objects.all(), by=make_admin(), now=room.now)

    assert not result.outcome.changed
    assert "clicked the link" in result.outcome.text
    assert status(eve) == "unsubscribed"
    assert Bounce.objects.get().effect_state == EffectState.APPLIED


def test_one_customers_run_leaves_the_other_customers_alone(room, own_blacklists):
    rival = make_customer("Rival")
    room.add_bounce_server(customer=rival)
    ada = room.subscribe("ada@receiver.example")
    theirs = room.subscribe("eve@receiver.example", make_list(rival))
    room.bounce(ada)
    room.bounce(theirs)
    room.read()

    undo_last_run(room.server, by=make_user(room.acme), now=room.now)

    assert (status(ada), status(theirs)) == ("confirmed", "blacklisted")


def test_a_restored_subscriber_is_found_by_a_complaint_about_an_earlier_message(room):
    ada = room.subscribe("ada@receiver.example")
    delivery = room.deliver(ada)
    changes.delete(ada, Cause("monitor", "1"), room.now)
    undo_change(Change.objects.get(action="delete"), by=None, now=room.now)
    room.arrive(room.report(delivery, "complaint"))

    room.read()

    delivery.refresh_from_db()
    assert status(ada) == "unsubscribed"
    assert delivery.subscriber == ada

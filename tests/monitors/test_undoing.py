"""Undoing a hit, a message, or a monitor's last run."""

from __future__ import annotations

import pytest

from audience.models import Subscriber
from monitors.models import MonitorHit
from monitors.undoing import undo_hits, undo_last_run, undo_message
from tests.factories import make_customer, make_list, make_user
from tests.mailroom import human_reply


@pytest.fixture
def ada(graph_room) -> Subscriber:
    return graph_room.subscribe("ada@receiver.example")


def stop(room, sender="ada@receiver.example") -> None:
    room.arrive(human_reply(sender, "stop"))
    room.read()


def test_it_brings_back_a_deleted_subscriber(graph_room, ada):
    graph_room.add_monitor({"value": "stop", "action": "delete"})
    graph_room.open_for_business()
    stop(graph_room)

    undo_hits(MonitorHit.objects.all(), by=make_user(graph_room.acme), now=graph_room.now)

    assert Subscriber.objects.get().uid == ada.uid
    assert "undone by" in MonitorHit.objects.get().outcome


def test_it_undoes_a_message_for_the_one_who_asks(graph_room, ada):
    rival = make_customer("Rival")
    theirs = graph_room.subscribe(ada.email, make_list(rival))
    graph_room.add_monitor({"value": "stop", "action": "unsubscribe"})
    graph_room.add_monitor({"value": "stop", "action": "unsubscribe"}, customer=rival)
    graph_room.open_for_business()
    stop(graph_room)
    message = MonitorHit.objects.first().message

    undo_message(message, by=make_user(rival), now=graph_room.now)

    ada.refresh_from_db()
    theirs.refresh_from_db()
    assert (ada.status, theirs.status) == ("unsubscribed", "confirmed")


def test_it_undoes_the_last_run_alone(graph_room, ada):
    eve = graph_room.subscribe("eve@receiver.example")
    monitor = graph_room.add_monitor({"value": "stop", "action": "unsubscribe"})
    graph_room.open_for_business()
    stop(graph_room, eve.email)
    stop(graph_room)

    undo_last_run(monitor, by=None, now=graph_room.now)

    ada.refresh_from_db()
    eve.refresh_from_db()
    assert (ada.status, eve.status) == ("confirmed", "unsubscribed")

"""Preview and live are one function: what is shown before is what happens afterwards, and shows nothing twice."""

from __future__ import annotations

import pytest

from audience.models import Change, Subscriber
from mailboxes.models import ProcessedMessage
from monitors.models import Condition, Monitor, MonitorHit
from monitors.preview import preview_mail, preview_mailbox
from tests.factories import make_campaign_group, make_list
from tests.mailroom import human_reply, picture

CASES = {
    "stop": human_reply("ada@receiver.example", "Please stop."),
    "stranger": human_reply("nobody@receiver.example", "Please stop."),
    "move": human_reply("eve@receiver.example", "move me"),
    "group": human_reply("eve@receiver.example", "not weekly"),
    "away": human_reply("ada@receiver.example", "I am away", Auto_Submitted="auto-replied"),
    "praise": human_reply("ada@receiver.example", "Nice!"),
    "gone": human_reply("ada@receiver.example", "delete everything"),
    "black": human_reply("bob@receiver.example", "blacklist us"),
}


def conditions_of(room) -> list[dict]:
    return [
        {"value": "stop", "action": "unsubscribe"},
        {"value": "move me", "action": "move_to_list", "target_list": make_list(room.acme, name="Others")},
        {
            "value": "not weekly",
            "action": "stop_campaign_group",
            "target_group": make_campaign_group(room.acme),
        },
        {"value": "delete", "action": "delete"},
        {"value": "blacklist", "action": "blacklist"},
    ]


@pytest.mark.parametrize("case", CASES)
def test_preview_and_live_agree(graph_room, case):
    room = graph_room
    for name in ("ada", "eve", "bob"):
        room.subscribe(f"{name}@receiver.example")
    monitor = room.add_monitor(*conditions_of(room))
    room.open_for_business()

    shown = preview_mail(monitor, list(monitor.conditions.all()), CASES[case], room.now).decision
    room.arrive(CASES[case])
    room.read()

    hit = MonitorHit.objects.first()
    live = (hit.condition_text, hit.outcome, hit.changed, hit.subscriber_email) if hit else None
    effects = shown.effects
    expected = (
        str(shown.condition),
        shown.outcome,
        shown.changed,
        effects[0].subscriber.email if effects else "",
    )
    assert live == (expected if shown.condition else None)
    assert shown.outcome in ProcessedMessage.objects.get(purpose="monitors").detail


@pytest.mark.parametrize("case", CASES)
def test_a_preview_changes_nothing(graph_room, case):
    room = graph_room
    for name in ("ada", "eve", "bob"):
        room.subscribe(f"{name}@receiver.example")
    monitor = room.add_monitor(*conditions_of(room))
    before = picture()

    preview_mail(monitor, list(monitor.conditions.all()), CASES[case], room.now)

    assert picture() == before
    assert not Change.objects.exists()


def test_it_previews_a_monitor_that_is_still_being_edited(graph_room):
    ada = graph_room.subscribe("ada@receiver.example")
    monitor = Monitor(customer=graph_room.acme, name="New", provider="microsoft", email="x@acme.example")
    rules = [
        Condition(monitor=monitor, position=0, value="nothing", action="delete"),
        Condition(monitor=monitor, position=1, value="*", action="unconfirm"),
    ]

    decision = preview_mail(monitor, rules, CASES["stop"], graph_room.now).decision

    (effect,) = decision.effects
    assert decision.condition is rules[1]
    assert effect.subscriber == ada
    assert (effect.subscriber.status, effect.outcome.subscriber.status) == ("confirmed", "unconfirmed")
    assert decision.reason == "any message matches *"


def test_it_shows_the_mailboxs_recent_messages_and_touches_none(room):
    room.subscribe("ada@receiver.example")
    monitor = room.add_monitor({"value": "stop", "action": "unsubscribe"})
    letters = [room.arrive(CASES["praise"]), room.arrive(CASES["stop"])]
    cursor = room.mailbox.cursor

    shown = preview_mailbox(monitor, list(monitor.conditions.all()), room.now)

    assert {(one.sender, one.decision.outcome) for one in shown} == {
        ("ada@receiver.example", "no condition matched"),
        ("ada@receiver.example", "unsubscribed"),
    }
    assert [letter.is_read for letter in letters] == [False, False]
    assert room.mailbox.cursor == cursor
    assert not ProcessedMessage.objects.exists()
    assert Subscriber.objects.get().status == "confirmed"


def test_it_says_what_is_wrong_with_pasted_text_that_is_no_mail(graph_room):
    monitor = graph_room.add_monitor({"value": "*", "action": "unsubscribe"})

    shown = preview_mail(monitor, list(monitor.conditions.all()), b"hello there", graph_room.now)

    assert shown.decision is None
    assert "no mail" in shown.problem

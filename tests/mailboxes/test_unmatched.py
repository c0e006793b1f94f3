"""Unmatched messages are shown by a right of the customer's own, and nothing of another's is ever among them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailboxes.handling import try_again
from mailboxes.models import MessageMatch, ProcessedMessage, Purpose
from mailboxes.unmatched import open_since, unmatched_messages
from tests.factories import make_customer, make_list
from tests.mailroom import Mailroom, human_reply

HAS_READ = [{"name": "token", "state": "passed"}, {"name": "read", "state": "passed"}]


@pytest.fixture
def rival(graph_room):
    return make_customer("Rival")


def shown(room: Mailroom, customer=None) -> dict[str, list[str]]:
    """What the customer sees: sender → why it is unmatched."""
    since = open_since(room.mailbox, customer or room.acme, room.now)
    return {
        row.sender: [*filter(None, [row.also]), row.unmatched]
        for row in unmatched_messages(room.mailbox, since).order_by("-pk")
    }


def test_each_unmatched_message_is_there_once_with_the_reason_of_every_purpose(room):
    room.add_bounce_server(steps=HAS_READ)
    room.add_monitor({"value": "stop", "action": "unsubscribe"}, steps=HAS_READ)
    room.open_for_business()
    room.fill()
    room.arrive(human_reply("robot@receiver.example", "Away.", Auto_Submitted="auto-replied"))
    room.read()
    assert shown(room) == {
        "hal@receiver.example": ["no bounce or complaint", "no condition matched"],
        "robot@receiver.example": ["no bounce or complaint", "left out: an automatic message"],
    }


def test_a_bounce_of_nobodys_says_so(graph_room):
    graph_room.add_bounce_server(steps=HAS_READ, delete_processed=False)
    graph_room.open_for_business()
    delivery = graph_room.deliver(graph_room.subscribe("ada@receiver.example"))
    report = graph_room.report(delivery)
    delivery.delete()
    graph_room.arrive(report)
    graph_room.read()
    assert list(shown(graph_room).values()) == [["hard bounce, but it belongs to no campaign message"]]


def test_what_concerns_another_customer_is_absent_for_whatever_purpose(graph_room, rival):
    """The report about Rival's message is no business of Acme's monitor, to which it is mail like any other."""
    graph_room.add_bounce_server(customer=rival, steps=HAS_READ)
    graph_room.add_monitor({"value": "stop", "action": "unsubscribe"}, steps=HAS_READ)
    graph_room.open_for_business()
    theirs = graph_room.subscribe("ada@receiver.example", make_list(rival))
    graph_room.arrive(graph_room.report(graph_room.deliver(theirs)))
    graph_room.arrive(human_reply("hal@receiver.example", "Nice."))
    graph_room.read()
    assert ProcessedMessage.objects.filter(unmatched__startswith="left out").count() == 1
    assert list(shown(graph_room)) == ["hal@receiver.example"]
    assert list(shown(graph_room, rival)) == ["hal@receiver.example"]


def test_a_condition_of_another_customer_that_found_nobody_keeps_its_message_to_itself(graph_room, rival):
    graph_room.add_monitor({"value": "stop", "action": "unsubscribe"}, customer=rival, steps=HAS_READ)
    graph_room.add_monitor({"value": "never", "action": "unsubscribe"}, steps=HAS_READ)
    graph_room.open_for_business()
    graph_room.arrive(human_reply("stranger@receiver.example", "Please stop."))
    graph_room.read()
    assert shown(graph_room) == {}
    assert MessageMatch.objects.get().customer == rival
    assert MessageMatch.objects.get().summary == "no such subscriber"


def test_no_name_of_anothers_server_is_in_the_reason(graph_room, rival):
    secret = graph_room.add_monitor(
        {"value": "zebra", "action": "delete"}, customer=rival, name="Secret", steps=HAS_READ
    )
    graph_room.add_monitor({"value": "gnu", "action": "delete"}, steps=HAS_READ)
    graph_room.open_for_business()
    graph_room.arrive(human_reply("hal@receiver.example", "Nice."))
    graph_room.read()
    assert secret.name in ProcessedMessage.objects.get().detail
    assert shown(graph_room) == {"hal@receiver.example": ["no condition matched"]}


def test_a_message_that_has_yet_to_be_looked_at_is_not_shown(graph_room):
    graph_room.add_bounce_server(steps=HAS_READ)
    graph_room.add_monitor({"value": "stop", "action": "unsubscribe"}, steps=HAS_READ)
    graph_room.open_for_business()
    graph_room.arrive(human_reply("hal@receiver.example", "Nice."))
    graph_room.read()
    ProcessedMessage.objects.filter(purpose="monitors").update(state="pending", unmatched="")
    assert shown(graph_room) == {}


def test_a_message_set_aside_is_shown_until_it_is_tried_again(graph_room):
    graph_room.add_bounce_server(steps=HAS_READ)
    graph_room.open_for_business()
    row = ProcessedMessage.objects.create(
        mailbox=graph_room.mailbox,
        purpose="bounces",
        provider_message_id="1",
        sender="odd@receiver.example",
        state="quarantined",
        unmatched="could not be read",
        listed_at=graph_room.now,
    )
    assert "odd@receiver.example" in shown(graph_room)
    assert try_again(row)
    assert shown(graph_room) == {}


@pytest.fixture
def watched(graph_room, rival):
    """Rival's bounce server and a message of nobody's in the shared mailbox; Acme has still to prove itself."""
    graph_room.add_bounce_server(customer=rival, steps=HAS_READ)
    graph_room.open_for_business()
    graph_room.arrive(human_reply("hal@receiver.example", "Nice."))
    graph_room.read()
    return graph_room


def stored_token(server, **fields):
    """The token that the customer's own key got for the mailbox."""
    (token,) = server.api_key.tokens.filter(customer=server.customer)
    token.access_token, token.expires_at = "opens it", server.created_at + timedelta(hours=1)
    for name, value in fields.items():
        setattr(token, name, value)
    token.save()


def acme_sees(room: Mailroom, *, token: dict | None = None, **fields) -> bool:
    """Whether Acme sees the message with a bounce server of its own that was there before it came."""
    fields = {"steps": HAS_READ, "created_at": room.now - timedelta(minutes=10), **fields}
    server = room.add_bounce_server(**fields)
    if token is not None:
        stored_token(server, **token)
    return bool(shown(room))


def test_a_server_whose_own_key_reads_the_mailbox_opens_it(watched):
    assert acme_sees(watched, token={})


def test_an_address_that_is_only_named_shows_nothing(watched):
    assert not acme_sees(watched, token={}, connected_at=None)


def test_a_key_of_the_platform_shows_nothing(watched):
    assert not acme_sees(watched, token={}, api_key=watched.make_key(None))


def test_another_customers_token_shows_nothing(watched, rival):
    """Rival's token for the mailbox is valid; Acme's own is not there."""
    assert shown(watched, rival)
    assert not acme_sees(watched)


@pytest.mark.parametrize(
    "token",
    [{"access_token": None}, {"expires_at": None}, {"status": "failing"}],
    ids=["none", "never issued", "refused"],
)
def test_a_token_that_does_not_hold_shows_nothing(watched, token):
    assert not acme_sees(watched, token=token)


def test_an_expired_token_shows_nothing(watched):
    assert not acme_sees(watched, token={"expires_at": watched.now - timedelta(seconds=1)})


def test_a_token_of_another_key_shows_nothing(watched):
    assert not acme_sees(watched, token={"api_key": watched.make_key(watched.acme)})


def test_a_key_that_is_switched_off_shows_nothing(watched):
    watched.key.status = "disabled"
    watched.key.save()
    assert not acme_sees(watched, token={})


def test_a_test_that_did_not_open_the_mailbox_shows_nothing(watched):
    """A tenant-wide token is given for every address, so the token alone proves nothing."""
    steps = [{"name": "token", "state": "passed"}, {"name": "read", "state": "failed"}]
    assert not acme_sees(watched, token={}, steps=steps)


def test_a_server_that_has_been_refused_since_shows_nothing(watched):
    assert not acme_sees(watched, token={}, last_error="Access is denied.")


def test_a_delivery_server_shows_nothing(watched):
    server = watched.add_delivery_server()
    server.steps = HAS_READ
    server.save()
    stored_token(server)
    assert shown(watched) == {}


def test_what_was_listed_before_the_server_was_made_is_not_shown(watched):
    assert not acme_sees(watched, token={}, created_at=watched.now)


def test_a_server_opens_its_own_purpose_only(watched):
    monitor = watched.add_monitor(
        {"value": "stop", "action": "unsubscribe"}, steps=HAS_READ, created_at=watched.now - timedelta(1)
    )
    stored_token(monitor, expires_at=watched.now + timedelta(hours=1))
    assert list(open_since(watched.mailbox, watched.acme, watched.now)) == [Purpose.MONITORS]
    assert shown(watched) == {}


def test_the_number_of_queries_does_not_grow_with_the_messages(graph_room):
    graph_room.add_bounce_server(steps=HAS_READ)
    graph_room.add_monitor({"value": "stop", "action": "unsubscribe"}, steps=HAS_READ)
    graph_room.open_for_business()
    counts = []
    for number in range(4):
        graph_room.arrive(human_reply(f"hal{number}@receiver.example", "Nice."))
        graph_room.read()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(shown(graph_room)) == number + 1
        counts.append(len(queries))
    assert len(set(counts)) == 1

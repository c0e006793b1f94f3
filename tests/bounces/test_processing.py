"""Bounces from the mailbox to their effects, at both providers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audience.models import BlacklistEntry, Change
from bounces.models import Bounce, BounceSource
from campaigns.models import Delivery
from mailboxes.models import ProcessedMessage
from tests.mailroom import human_reply


@pytest.mark.parametrize(
    ("kind", "bounce_type", "subscriber_status", "delivery_status"),
    [
        ("unknown-user", "hard", "blacklisted", "bounced"),
        ("mailbox-full", "soft", "confirmed", "bounced"),
        ("spam", "internal", "confirmed", "bounced"),
        ("complaint", "complaint", "unsubscribed", "sent"),
        ("delayed", "soft", "confirmed", "sent"),
    ],
)
def test_it_does_what_the_type_of_bounce_asks(room, kind, bounce_type, subscriber_status, delivery_status):
    room.add_bounce_server()
    room.open_for_business()
    ada = room.subscribe("ada@receiver.example")
    delivery = room.bounce(ada, kind)

    report, _ = room.read()

    bounce = Bounce.objects.get()
    ada.refresh_from_db()
    delivery.refresh_from_db()
    assert (report.handled, report.matched) == (1, 1)
    assert (bounce.type, bounce.delivery, bounce.campaign) == (bounce_type, delivery, delivery.campaign)
    assert (bounce.customer, bounce.recipient) == (room.acme, "ada@receiver.example")
    assert (ada.status, delivery.status) == (subscriber_status, delivery_status)
    assert BounceSource.objects.get().message == bounce.message
    assert bounce.effect


def test_a_second_cycle_does_nothing_twice(room):
    room.add_bounce_server(delete_processed=False)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()
    changes = Change.objects.count()

    report, _ = room.read()

    assert report.handled == 0
    assert Bounce.objects.count() == 1
    assert Change.objects.count() == changes


def test_a_processed_bounce_is_deleted_after_processing(room):
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))

    report, _ = room.read()

    assert report.disposed == 1
    assert [room.place_of(message) for message in room.stored()] in ([], ["trash"])
    assert ProcessedMessage.objects.get(purpose="bounces").disposal == "delete"


def test_a_bounce_stays_where_the_server_keeps_processed_mail(room):
    room.add_bounce_server(delete_processed=False)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))

    room.read()

    assert [room.place_of(message) for message in room.stored()] == ["inbox"]


def test_a_message_that_is_no_bounce_stays_exactly_as_it_was(room):
    room.add_bounce_server()
    room.open_for_business()
    letter = room.arrive(human_reply("ada@receiver.example", "Thank you for the news!"))
    raw = letter.raw

    room.read()

    assert (room.place_of(letter), letter.is_read, letter.raw) == ("inbox", False, raw)
    row = ProcessedMessage.objects.get()
    assert (row.state, row.outcome) == ("done", "no bounce")
    assert (row.sender, row.subject) == ("ada@receiver.example", "Re: Hello")


def test_it_reads_junk_and_mail_that_a_person_has_opened(room):
    room.add_bounce_server()
    room.open_for_business()
    ada, eve = room.subscribe("ada@receiver.example"), room.subscribe("eve@receiver.example")
    room.arrive(room.report(room.deliver(ada)), folder="junk")
    opened = room.arrive(room.report(room.deliver(eve)))
    room.world.mailbox(room.email).mark(opened, read=True)

    room.read()

    assert set(Bounce.objects.values_list("subscriber__email", flat=True)) == {ada.email, eve.email}


def test_the_first_sweep_takes_unread_mail_and_leaves_what_was_read(room):
    ada, eve = room.subscribe("ada@receiver.example"), room.subscribe("eve@receiver.example")
    read = room.arrive(room.report(room.deliver(ada)))
    room.world.mailbox(room.email).mark(read, read=True)
    room.bounce(eve)
    room.add_bounce_server()

    room.read()

    assert [bounce.subscriber for bounce in Bounce.objects.all()] == [eve]


@pytest.mark.parametrize("fault", ["tenant-limit", "blocked-account"])
def test_a_fault_of_the_sender_pauses_its_server_and_touches_nobody(room, fault):
    room.add_bounce_server()
    server = room.add_delivery_server()
    room.open_for_business()
    ada = room.subscribe("ada@receiver.example")
    delivery = room.deliver(ada, server=server)
    room.arrive(room.report(delivery, fault))

    room.read()

    ada.refresh_from_db()
    server.refresh_from_db()
    assert ada.status == "confirmed"
    assert server.paused_until is not None
    assert room.now < server.paused_until <= room.now + timedelta(hours=2)
    assert server.paused_reason
    assert not BlacklistEntry.objects.exists()


def test_an_unmatched_bounce_is_logged_and_touches_nobody(room):
    room.add_bounce_server()
    room.open_for_business()
    ada = room.subscribe("ada@receiver.example")
    never_sent = Delivery(recipient=ada.email, sent_message_id="x@y.example", token="unknown-token")
    room.arrive(room.report(never_sent))

    report, _ = room.read()

    bounce = Bounce.objects.get()
    ada.refresh_from_db()
    assert (bounce.customer, bounce.delivery, ada.status) == (None, None, "confirmed")
    assert bounce.effect.startswith("No effect")
    assert report.matched == 0


def test_several_recipients_in_one_report_are_told_apart(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    ada = room.subscribe("ada@receiver.example")
    delivery = room.deliver(ada)
    raw = room.report(delivery)
    block = b"Final-Recipient: rfc822;ada@receiver.example"
    assert block in raw.replace(b"; ", b";")
    text = raw.replace(b"; ", b";")
    position = text.index(block)
    end = text.index(b"\r\n--", position)
    second = text[position:end].replace(b"ada@", b"other@").strip()
    room.arrive(text[:end].rstrip() + b"\r\n\r\n" + second + b"\r\n" + text[end:])

    room.read()

    found = {bounce.recipient: bounce.subscriber for bounce in Bounce.objects.all()}
    assert found == {"ada@receiver.example": ada, "other@receiver.example": None}

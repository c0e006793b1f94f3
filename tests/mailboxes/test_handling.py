"""Poison, giants and fragments: one bad message never stops the rest, and none of them is lost from sight."""

from __future__ import annotations

import pytest

from bounces.models import Bounce, BounceSource
from mail.detection import detect
from mailboxes import handling
from mailboxes.handling import try_again
from mailboxes.models import ProcessedMessage
from providers.errors import Unavailable
from providers.graph import reading
from providers.messages import RawMessage
from tests.mailroom import human_reply

FETCH_CALLS = {"microsoft": "graph.messages.value", "google": "gmail.messages.get"}
POISON = b"From: mallory@receiver.example\nSubject: poison\n\nboom\n"


@pytest.fixture
def poisoned(monkeypatch):
    """A reader that some bytes crash, as a fault of ours would."""
    faults = {"on": True}

    def fragile(raw: bytes, **options):
        if faults["on"] and b"boom" in raw:
            raise RecursionError("too deep")
        return detect(raw, **options)

    monkeypatch.setattr("bounces.processing.detect", fragile)
    return faults


def test_a_poison_message_is_set_aside_after_three_tries_and_the_rest_goes_on(room, poisoned):
    room.add_bounce_server()
    room.open_for_business()
    room.arrive(POISON)
    room.bounce(room.subscribe("ada@receiver.example"))

    first, _ = room.read()
    assert (first.handled, first.quarantined) == (1, 0)
    assert Bounce.objects.count() == 1
    room.read()
    third, _ = room.read()
    later, _ = room.read()

    row = ProcessedMessage.objects.get(subject="poison")
    assert (third.quarantined, later.quarantined, later.handled) == (1, 0, 0)
    assert (row.state, row.tries) == ("quarantined", 3)
    assert b"boom" in bytes(row.raw)
    assert "too deep" in row.detail


@pytest.fixture
def not_given(monkeypatch):
    """A provider that cannot give what is called poison, while the faults are on."""
    faults = {"on": True}
    given = reading.read_raw

    def read_raw(ref, outcome, max_bytes):
        message = given(ref, outcome, max_bytes)
        if faults["on"] and b"boom" in (message.raw or b""):
            return RawMessage(ref, error=Unavailable("The mailbox database is not available.", status=503))
        return message

    monkeypatch.setattr(reading, "read_raw", read_raw)
    return faults


def test_messages_that_the_provider_cannot_give_hold_nothing_up(graph_room, not_given):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    for _ in range(2 * handling.BATCH):
        room.arrive(POISON)
    room.bounce(room.subscribe("ada@receiver.example"))

    report, _ = room.read()

    assert (report.handled, report.complete, report.error) == (1, False, "")
    assert Bounce.objects.get().subscriber.status == "blacklisted"
    assert room.mailbox.sync_state == "partial"


def test_what_the_provider_cannot_give_is_asked_for_during_a_day_and_then_set_aside(graph_room, not_given):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    room.arrive(POISON)
    for _ in range(5):
        room.read()
    row = ProcessedMessage.objects.get()
    assert (row.state, row.detail) == ("pending", "The mailbox database is not available.")

    room.world.advance(86_400)
    room.read()
    row.refresh_from_db()
    assert (row.state, room.mailbox.sync_state) == ("quarantined", "partial")

    not_given["on"] = False
    try_again(row)
    room.read()
    row.refresh_from_db()
    assert (row.state, room.mailbox.sync_state) == ("done", "valid")


def test_an_outage_of_every_message_ends_the_reading_and_is_counted_on_none_for_good(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    for number in range(4 * handling.BATCH):
        room.arrive(human_reply(f"reader{number}@receiver.example", "Hello"))
    room.world.fault(
        "status", FETCH_CALLS["microsoft"], mailbox=room.email, status=503, times=None, inner=True
    )

    for _ in range(4):
        report, _ = room.read()
    asked = ProcessedMessage.objects.filter(tries__gt=0).count()
    room.world.faults.clear()
    after, _ = room.read()

    assert (report.handled, report.error, bool(report.note)) == (0, "", True)
    assert asked == handling.MAX_BARREN * handling.BATCH
    assert (after.handled, after.complete) == (4 * handling.BATCH, True)


REFUSALS = {
    "microsoft": {"status": 403, "code": "ErrorAccessDenied"},
    "google": {"status": 403, "code": "insufficientPermissions"},
}


def test_a_refused_mailbox_says_so_and_has_no_message_set_aside(room):
    server = room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.world.fault(
        "status",
        FETCH_CALLS[room.provider],
        mailbox=room.email,
        times=None,
        inner=True,
        **REFUSALS[room.provider],
    )

    for _ in range(4):
        report, _ = room.read()

    server.refresh_from_db()
    assert (report.quarantined, room.mailbox.sync_state) == (0, "attention")
    assert report.error
    assert server.last_error
    assert ProcessedMessage.objects.get().tries == 0
    room.world.faults.clear()
    room.read()
    assert Bounce.objects.count() == 1
    assert room.mailbox.sync_state == "valid"


def test_one_message_that_is_refused_among_others_is_set_aside_like_any_bad_one(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    for number in range(2):
        room.arrive(human_reply(f"reader{number}@receiver.example", "Hello"))
    room.world.fault("status", FETCH_CALLS["microsoft"], inner=True, **REFUSALS["microsoft"])

    report, _ = room.read()

    assert (report.handled, report.error) == (1, "")
    assert ProcessedMessage.objects.get(state="pending").tries == 1


def test_a_quarantined_message_is_tried_again_when_a_person_says_so(room, poisoned):
    room.add_bounce_server()
    room.open_for_business()
    room.arrive(POISON)
    for _ in range(3):
        room.read()
    poisoned["on"] = False
    row = ProcessedMessage.objects.get()

    assert try_again(row)
    room.read()

    row.refresh_from_db()
    assert (row.state, row.outcome, row.raw) == ("done", "no bounce", None)
    assert not try_again(row)


def test_it_is_tried_again_from_its_kept_bytes_where_the_mailbox_has_it_no_more(room, poisoned):
    room.add_bounce_server()
    room.open_for_business()
    message = room.arrive(POISON)
    for _ in range(3):
        room.read()
    room.world.mailbox(room.email).remove(message)
    poisoned["on"] = False

    try_again(ProcessedMessage.objects.get())
    room.read()

    assert ProcessedMessage.objects.get().outcome == "no bounce"


def test_effects_that_fail_half_way_leave_nothing_behind(room, monkeypatch):
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))

    def fail(*args, **kwargs):
        raise ValueError("after the bounce was written")

    with monkeypatch.context() as patched:
        patched.setattr("bounces.processing._show_to_customers", fail)
        room.read()
    assert not Bounce.objects.exists()
    assert not BounceSource.objects.exists()
    assert ProcessedMessage.objects.get().tries == 1

    room.read()
    assert Bounce.objects.count() == 1


def test_a_bounce_that_returns_a_giant_is_read_from_its_beginning(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    ada = room.subscribe("ada@receiver.example")
    raw = room.report(room.deliver(ada))
    end = raw.rindex(b"\r\n--")
    room.arrive(raw[:end] + b"\r\n" + b"x" * 76 * 400_000 + raw[end:])

    report, _ = room.read()

    ada.refresh_from_db()
    source = BounceSource.objects.get()
    assert (report.error, report.handled, ada.status) == ("", 1, "blacklisted")
    assert (len(source.raw), source.truncated) == (BounceSource.MAX_BYTES, True)


@pytest.mark.parametrize("length", [0.2, 0.5, 0.9])
def test_a_truncated_report_breaks_nothing(graph_room, length):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    raw = room.report(room.deliver(room.subscribe("ada@receiver.example")))
    room.arrive(raw[: int(len(raw) * length)])
    room.arrive(human_reply("bob@receiver.example", "Hello"))

    report, _ = room.read()

    assert (report.error, report.handled, report.quarantined) == ("", 2, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: \x00nul\x00\r\nFrom: \xff\xfe\r\n\r\n\x00\x00",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 5000,
        b"\r\n\r\nno header at all",
    ],
)
def test_hostile_bytes_are_no_bounce_and_no_harm(room, raw):
    room.add_bounce_server()
    room.open_for_business()
    room.arrive(raw)

    report, _ = room.read()

    assert (report.error, report.handled) == ("", 1)
    assert ProcessedMessage.objects.get().outcome == "no bounce"


def test_mail_that_no_monitor_can_read_is_set_aside_and_visible(room):
    room.add_monitor({"value": "*", "action": "unsubscribe"})
    room.open_for_business()
    room.arrive(b"this is no mail\r\n")

    for _ in range(3):
        room.read()

    row = ProcessedMessage.objects.get()
    assert (row.state, bytes(row.raw)) == ("quarantined", b"this is no mail\r\n")


def test_the_quarantine_keeps_a_bounded_number_of_bytes(graph_room, poisoned, monkeypatch):
    monkeypatch.setattr(handling, "QUARANTINE_BYTES", 30)
    graph_room.add_bounce_server()
    graph_room.open_for_business()
    graph_room.arrive(POISON)

    for _ in range(3):
        graph_room.read()

    assert len(ProcessedMessage.objects.get().raw) == 30

"""Disposal: after the commit, its own retryable step, only once nobody needs the message any more."""

from __future__ import annotations

from bounces.models import Bounce
from keys.models import Token
from mailboxes.disposing import dispose_again
from mailboxes.models import ProcessedMessage
from operations.reading import read_bounces, read_monitors
from providers.session import Http
from tests.mailroom import GMAIL, Mailroom, human_reply


def disposal(purpose: str = "bounces") -> str:
    return ProcessedMessage.objects.get(purpose=purpose).disposal


def test_a_disposal_that_fails_for_a_moment_is_repeated_and_the_bounce_is_not(room):
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    fault = room.world.fault("status", "*elete*", mailbox=room.email, status=503, times=None)

    room.read()
    assert fault.hits
    assert disposal() == "wanted"
    assert Bounce.objects.count() == 1
    room.world.faults.clear()
    report, _ = room.read()

    assert (report.handled, report.disposed) == (0, 1)
    assert disposal() == "delete"
    assert Bounce.objects.count() == 1


def test_a_message_that_somebody_removed_already_counts_as_gone(room):
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    message = room.stored()[0]
    box = room.world.mailbox(room.email)
    room.world.fault(
        "hook",
        "*elete*",
        mailbox=room.email,
        hook=lambda: message in box.all_messages() and box.remove(message),
    )

    report, _ = room.read()

    assert report.error == ""
    assert disposal() in ("gone", "delete")


def test_gmail_trashes_where_its_scope_allows_no_delete(db, sandbox_world):
    room = Mailroom(sandbox_world, "google")
    server = room.add_bounce_server()
    room.prove(server, [f"{GMAIL}modify", f"{GMAIL}send"])
    Token.objects.update(access_token=None, expires_at=None)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))

    room.read()

    assert disposal() == "trash"
    assert [room.place_of(message) for message in room.stored()] == ["trash"]


def test_a_message_stays_until_the_monitors_have_seen_it(room):
    room.add_bounce_server()
    room.add_monitor({"value": "*", "action": "unsubscribe"}, skip_automatic=False)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.world.advance(2)

    first = read_bounces(room.mailbox, room.now)
    assert first.disposed == 0
    assert disposal() == "wanted"
    second = read_monitors(room.mailbox, room.now)

    assert second.disposed == 1
    assert disposal() == "delete"


def test_a_refused_disposal_is_shown_on_the_message_and_tried_again_when_asked(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.world.fault(
        "status",
        "graph.messages.delete",
        mailbox=room.email,
        status=403,
        code="ErrorAccessDenied",
        times=None,
    )

    report, _ = room.read()

    row = ProcessedMessage.objects.get()
    assert row.disposal == "failed"
    assert "Not deleted" in row.detail
    assert report.handled == 1
    room.world.faults.clear()
    assert dispose_again(row)
    room.read()
    assert disposal() == "delete"


def test_forty_bounces_cost_a_dozen_requests_from_listing_to_disposal(room, monkeypatch):
    room.add_bounce_server()
    room.open_for_business()
    for number in range(40):
        room.arrive(room.report(room.deliver(room.subscribe(f"reader{number}@receiver.example"))))
    once, requests = Http.once, []
    monkeypatch.setattr(Http, "once", lambda self, call: requests.append(call.url) or once(self, call))

    report, _ = room.read()

    assert (report.matched, report.disposed) == (40, 40)
    assert len(requests) <= 12


def test_mail_of_another_kind_is_never_disposed_of(room):
    room.add_bounce_server()
    room.add_monitor({"value": "stop", "action": "unsubscribe"}, delete_processed=True)
    room.open_for_business()
    letter = room.arrive(human_reply("ada@receiver.example", "Hello"))

    room.read()
    room.read()

    assert room.place_of(letter) == "inbox"
    assert set(ProcessedMessage.objects.values_list("disposal", flat=True)) == {""}

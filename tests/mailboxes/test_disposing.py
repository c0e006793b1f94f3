"""Disposal: after the commit, its own retryable step, only once nobody needs the message any more."""

from __future__ import annotations

from typing import ClassVar

import pytest

from bounces.models import Bounce
from keys.models import Token
from mailboxes import disposing
from mailboxes.budgets import Budget
from mailboxes.disposing import dispose_again
from mailboxes.models import ProcessedMessage
from operations.reading import read_bounces, read_monitors
from providers.session import Http
from tests.factories import make_customer, make_list
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


class TestAsker:
    """Acme's and Rival's monitors in one Gmail mailbox, where Rival's access may only read."""

    CONDITION: ClassVar = {"value": "stop", "action": "unsubscribe"}

    @pytest.fixture
    def shared(self, db, sandbox_world):
        room = Mailroom(sandbox_world, "google")
        rival = make_customer("Rival")
        theirs = room.add_monitor(self.CONDITION, customer=rival, delete_processed=True)
        for account in sandbox_world.service_accounts.values():
            account.delegations["acme.example"].add(f"{GMAIL}readonly")
        room.prove(theirs, [f"{GMAIL}readonly"])
        room.subscribe("ada@receiver.example", make_list(rival))
        return room

    def test_one_who_may_only_read_has_nothing_deleted_by_the_access_of_another(self, shared):
        shared.add_bounce_server()
        shared.open_for_business()
        letter = shared.arrive(human_reply("ada@receiver.example", "Please stop."))

        report, _ = shared.read()
        shared.read()

        row = ProcessedMessage.objects.get(purpose="monitors")
        assert (report.error, shared.place_of(letter)) == ("", "inbox")
        assert (row.outcome, row.disposal) == ("acted", "failed")
        assert "Not deleted" in row.detail

    def test_one_of_several_who_want_it_gone_is_enough_that_may_delete_it(self, shared):
        shared.add_monitor(self.CONDITION, delete_processed=True)
        shared.subscribe("ada@receiver.example")
        shared.open_for_business()
        letter = shared.arrive(human_reply("ada@receiver.example", "Please stop."))

        shared.read()

        assert shared.place_of(letter) == "removed"
        assert disposal("monitors") == "delete"

    def test_it_waits_for_the_access_of_the_one_who_asked(self, shared):
        shared.add_bounce_server()
        ours = shared.add_monitor(self.CONDITION, delete_processed=True)
        shared.subscribe("ada@receiver.example")
        shared.open_for_business()
        letter = shared.arrive(human_reply("ada@receiver.example", "Please stop."))
        read_bounces(shared.mailbox, shared.now)
        ProcessedMessage.objects.filter(purpose="monitors").update(
            state="done", disposal="wanted", disposal_for=[[ours.customer_id + 1000, ""]]
        )

        shared.read()

        assert (disposal("monitors"), shared.place_of(letter)) == ("wanted", "inbox")


def test_what_nobody_may_carry_out_now_keeps_no_other_waiting(graph_room, monkeypatch):
    room = graph_room
    gone = make_customer("Gone")
    room.add_bounce_server()
    room.open_for_business()
    for number in range(4):
        room.bounce(room.subscribe(f"reader{number}@receiver.example"))
    room.world.advance(2)
    monkeypatch.setattr(Budget, "for_disposing", lambda: Budget(messages=0))
    read_bounces(room.mailbox, room.now)
    stuck = ProcessedMessage.objects.order_by("pk").values("pk")[:3]
    ProcessedMessage.objects.filter(pk__in=list(stuck.values_list("pk", flat=True))).update(
        disposal_for=[[gone.pk, ""]]
    )
    monkeypatch.setattr(disposing, "BATCH", 2)
    monkeypatch.setattr(Budget, "for_disposing", lambda: Budget(messages=2))

    assert read_bounces(room.mailbox, room.now).disposed == 1
    assert ProcessedMessage.objects.filter(disposal="wanted").count() == 3


def test_a_spent_budget_leaves_the_rest_of_the_disposal_for_the_next_time(graph_room, monkeypatch):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    for number in range(5):
        room.bounce(room.subscribe(f"reader{number}@receiver.example"))
    monkeypatch.setattr(disposing, "BATCH", 2)
    monkeypatch.setattr(Budget, "for_disposing", lambda: Budget(messages=3))

    room.world.advance(2)
    disposed = [read_bounces(room.mailbox, room.now).disposed for _ in range(2)]

    assert disposed == [4, 1]

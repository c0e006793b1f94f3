"""News, not unread: first sweeps, lost cursors, throttling, budgets, and people who tidy up meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bounces.models import Bounce
from mailboxes import collecting
from mailboxes.budgets import Budget
from mailboxes.models import Mailbox, ProcessedMessage, Purpose, SyncRun, Watch
from mailboxes.watching import watch
from operations.reading import read_bounces
from tests.factories import make_customer, make_key
from tests.mailroom import human_reply

FETCH_CALLS = {"microsoft": "graph.messages.value", "google": "gmail.messages.get"}


def letters(room, count: int, **options) -> list:
    return [
        room.arrive(human_reply(f"reader{number}@receiver.example", f"Letter {number}", **options))
        for number in range(count)
    ]


def handled_subjects() -> int:
    return ProcessedMessage.objects.filter(state="done").count()


def test_reading_never_touches_the_unread_flag(room):
    room.add_bounce_server()
    arrived = letters(room, 3)

    room.read()

    assert handled_subjects() == 3
    assert [letter.is_read for letter in arrived] == [False] * 3


@pytest.mark.parametrize("number_of_new", [0, 1])
def test_a_lost_cursor_lists_again_everything_since_and_repeats_nothing(room, number_of_new):
    room.add_bounce_server(delete_processed=False)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()
    room.world.expire_cursors(room.email)
    for _ in range(number_of_new):
        opened_by_a_person = letters(room, 1)[0]
        room.world.mailbox(room.email).mark(opened_by_a_person, read=True)

    report, _ = room.read()

    assert report.error == ""
    assert report.relisted
    assert handled_subjects() == 1 + number_of_new
    assert Bounce.objects.count() == 1


def test_a_cursor_lost_for_weeks_still_finds_what_came_since(room):
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 2)
    room.world.advance(21 * 86_400)
    letters(room, 2)
    room.world.expire_cursors(room.email)

    room.read()

    assert handled_subjects() == 4


def test_a_throttled_mailbox_waits_as_told_and_loses_nothing(room):
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 3)
    room.world.fault("throttle", "*", mailbox=room.email, retry_after=120, hold=True, times=1)

    first, _ = room.read()

    mailbox = room.mailbox
    assert first.error == ""
    assert first.note
    assert mailbox.blocked_until is not None
    assert timedelta(seconds=60) < mailbox.blocked_until - room.now <= timedelta(seconds=130)
    assert mailbox.sync_state == Mailbox.SyncState.PARTIAL

    calls = dict(room.world.mailbox(room.email).usage.by_call)
    during, _ = room.read()
    assert "pause" in during.note
    assert dict(room.world.mailbox(room.email).usage.by_call) == calls

    room.world.advance(130)
    room.read()
    assert handled_subjects() == 3
    assert room.mailbox.sync_state == Mailbox.SyncState.VALID


@pytest.mark.parametrize("call", ["listing", "fetching"])
def test_a_provider_that_is_down_until_a_told_moment_is_left_alone_until_then(room, call):
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 3)
    name = FETCH_CALLS[room.provider] if call == "fetching" else "*"
    room.world.fault("status", name, mailbox=room.email, status=503, retry_after=300, times=None)

    first, _ = room.read()
    room.world.faults.clear()
    during, _ = room.read()

    assert (first.handled, first.error) == (0, "")
    assert "pause" in during.note
    assert timedelta(seconds=200) < room.mailbox.blocked_until - room.now <= timedelta(seconds=300)
    room.world.advance(300)
    room.read()
    assert handled_subjects() == 3


def test_throttling_in_the_middle_of_a_batch_keeps_what_was_handled(room):
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 5)
    fault = room.world.fault(
        "throttle", FETCH_CALLS[room.provider], mailbox=room.email, retry_after=300, skip=2, times=None
    )

    room.read()
    assert fault.hits
    done = handled_subjects()
    room.world.faults.clear()
    room.world.advance(400)
    room.read()

    assert 0 < done < 5
    assert handled_subjects() == 5


@pytest.mark.parametrize("action", ["mark_read", "delete", "move"])
def test_a_person_who_opens_moves_or_deletes_in_between_breaks_nothing(room, action):
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 3)
    fault = room.world.fault("human", FETCH_CALLS[room.provider], mailbox=room.email, action=action, skip=1)

    report, _ = room.read()
    room.read()

    assert fault.hits == 1
    assert report.error == ""
    assert not ProcessedMessage.objects.exclude(state="done").exists()
    # Opened, filed elsewhere or in the bin: it is still there to be read.
    assert set(ProcessedMessage.objects.values_list("outcome", flat=True)) == {"no bounce"}


def test_a_message_that_vanishes_between_listing_and_fetching_is_closed_as_gone(room):
    room.add_bounce_server()
    room.open_for_business()
    first, second, third = letters(room, 3)
    box = room.world.mailbox(room.email)
    fault = room.world.fault(
        "hook", FETCH_CALLS[room.provider], mailbox=room.email, hook=lambda: box.remove(third)
    )

    report, _ = room.read()
    room.read()

    assert fault.hits == 1
    assert (report.error, report.handled) == ("", 3)
    assert list(ProcessedMessage.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "no bounce",
        "no bounce",
        "gone",
    ]
    assert {first, second} <= set(room.stored())


def test_a_budget_ends_the_reading_and_the_next_cycle_goes_on(graph_room, monkeypatch):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 45)
    monkeypatch.setattr("operations.reading.Budget", lambda: Budget(messages=20), raising=True)
    monkeypatch.setattr("operations.reading.Budget.for_listing", Budget.for_listing, raising=False)

    report, _ = room.read()

    assert (report.handled, report.complete) == (20, False)
    assert room.mailbox.sync_state == Mailbox.SyncState.PARTIAL
    room.read()
    room.read()
    assert handled_subjects() == 45
    assert room.mailbox.sync_state == Mailbox.SyncState.VALID


def test_a_listing_that_its_budget_cuts_short_resumes_where_it_stopped(room, monkeypatch):
    room.add_bounce_server()
    letters(room, 130)
    monkeypatch.setattr(collecting, "REFS_PER_CALL", 50)
    monkeypatch.setattr(Budget, "for_listing", classmethod(lambda cls: cls(50)))

    report, _ = room.read()
    assert not report.complete
    for _ in range(4):
        room.read()

    assert handled_subjects() == 130
    assert room.mailbox.sync_state == Mailbox.SyncState.VALID


def test_it_starts_where_it_was_told_to(room):
    old = letters(room, 1)
    room.world.advance(10 * 86_400)
    letters(room, 2)
    server = room.add_bounce_server()
    watch(server.mailbox, Purpose.BOUNCES, Watch.FirstRead.DATE, room.now - timedelta(days=2))

    room.read()

    assert handled_subjects() == 2
    assert old


def test_another_first_read_begins_anew_and_repeats_nothing(room):
    letters(room, 1)
    room.world.mailbox(room.email).mark(room.stored()[0], read=True)
    server = room.add_bounce_server()
    letters(room, 1)
    room.read()
    assert handled_subjects() == 1

    watch(server.mailbox, Purpose.BOUNCES, Watch.FirstRead.DATE, room.now - timedelta(days=1))
    room.read()
    room.read()

    assert handled_subjects() == 2


def test_a_failed_first_request_changes_nothing_and_is_repeated(room):
    room.add_bounce_server()
    letters(room, 2)
    room.world.fault("status", "*", mailbox=room.email, status=503, times=20)

    report, _ = room.read()
    assert (report.error, report.complete) == ("", False)
    assert room.mailbox.cursor is None
    room.world.faults.clear()
    room.read()

    assert handled_subjects() == 2


def test_a_mailbox_that_is_gone_needs_attention_and_says_why(room):
    server = room.add_bounce_server()
    room.open_for_business()
    room.world.mailbox(room.email).licensed = False

    report, _ = room.read()

    server.refresh_from_db()
    assert report.error
    assert room.mailbox.sync_state == Mailbox.SyncState.ATTENTION
    assert room.mailbox.sync_error
    assert server.last_error == room.mailbox.sync_error


def test_a_second_servers_access_is_used_when_the_first_is_refused(graph_room):
    """Both of Acme's servers may read; the tenant then withdraws the first one's application."""
    room = graph_room
    first = room.add_bounce_server()
    second_app = room.world.add_microsoft_app(
        first.api_key.credentials["tenant_id"], "second-app", "second~secret", roles=["Mail.ReadWrite"]
    )
    credentials = {**first.api_key.credentials, "client_id": "second-app", "client_secret": "second~secret"}
    other = make_customer("Other")
    room.add_bounce_server(customer=other, api_key=make_key(other, "microsoft", credentials=credentials))
    room.open_for_business()
    assert second_app.roles == {"Mail.ReadWrite"}
    tenant = room.world.tenants[first.api_key.credentials["tenant_id"]]
    tenant.apps[first.api_key.credentials["client_id"].lower()].mailboxes = set()
    letters(room, 1)

    report, _ = room.read()

    first.refresh_from_db()
    assert (report.error, report.handled) == ("", 1)
    assert first.last_error


def test_an_idle_mailbox_costs_one_request_per_folder(room):
    room.add_bounce_server()
    room.add_monitor({"value": "*", "action": "unsubscribe"})
    room.open_for_business()
    room.read()
    before = sum(room.world.calls.values())

    room.read()

    assert sum(room.world.calls.values()) - before <= 2


def test_an_idle_cycle_leaves_no_history(graph_room):
    graph_room.add_bounce_server()
    graph_room.open_for_business()
    graph_room.read()

    assert not SyncRun.objects.exists()
    assert graph_room.mailbox.last_read_at is not None


def test_the_history_tells_what_came_and_what_became_of_it(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    letters(room, 2)

    room.read()

    run = SyncRun.objects.get()
    assert (run.listed, run.handled, run.matched, run.left_alone, run.complete) == (3, 3, 1, 2, True)
    assert set(run.messages.values_list("outcome", flat=True)) == {"hard", "no bounce"}


def test_two_purposes_each_have_their_own_row(room):
    room.add_bounce_server()
    room.open_for_business()
    letters(room, 1)
    read_bounces(room.mailbox, room.now)
    assert ProcessedMessage.objects.count() == 1
    room.world.advance(60)

    room.add_monitor({"value": "*", "action": "unsubscribe"})
    letters(room, 1)
    room.read()

    purposes = sorted(ProcessedMessage.objects.values_list("purpose", flat=True))
    assert purposes == ["bounces", "bounces", "monitors"]


def test_what_came_while_a_server_was_switched_off_is_made_up_for(room):
    server = room.add_bounce_server()
    room.add_monitor({"value": "*", "action": "unsubscribe"})
    room.open_for_business()
    type(server).objects.update(status="inactive")
    room.bounce(room.subscribe("ada@receiver.example"))
    opened = room.stored()[0]
    room.world.mailbox(room.email).mark(opened, read=True)
    room.world.advance(3_600)
    room.read()
    assert not Bounce.objects.exists()

    room.world.advance(3_600)
    type(server).objects.update(status="active")
    room.read()
    room.read()

    assert Bounce.objects.count() == 1


def test_a_monitor_that_is_made_anew_starts_from_now(room):
    first = room.add_monitor({"value": "*", "action": "unsubscribe"})
    room.open_for_business()
    first.delete()
    room.subscribe("reader0@receiver.example")
    room.world.advance(86_400)
    letters(room, 1)
    room.world.advance(86_400)
    room.add_monitor({"value": "*", "action": "unsubscribe"})

    room.read()
    assert not ProcessedMessage.objects.exists()
    letters(room, 1)
    room.read()

    assert ProcessedMessage.objects.filter(outcome="acted").count() == 1


def test_a_fault_of_ours_is_shown_on_the_mailbox_and_ends_with_the_next_reading(graph_room, monkeypatch):
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()

    def fail(*args):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("operations.reading.collect", fail)
        with pytest.raises(ZeroDivisionError):
            room.read()
    assert room.mailbox.sync_state == Mailbox.SyncState.ATTENTION
    assert room.mailbox.reading_until is None

    room.read()
    assert room.mailbox.sync_state == Mailbox.SyncState.VALID

"""The cycle: one per slot, phases one after another, a crash taken over, one bad mailbox never in the way."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import SystemSettings
from bounces.models import Bounce
from bounces.processing import BounceHandler
from campaigns.pace import RunningClock
from mailboxes import bells
from mailboxes.models import Mailbox, ProcessedMessage
from operations import cycle as cycles
from operations.cycle import StillRunning, run_cycle, slot_of, start_cycle, start_scheduled
from operations.models import Cycle, Phase, PhaseItem
from operations.purging import purge
from operations.tasks import tick, work_cycle
from sandbox.faults import Fault
from servers.connecting import connect
from tests.factories import make_bounce_server, make_customer, make_monitor

pytestmark = pytest.mark.django_db

REPORT = b"""From: MAILER-DAEMON@mx.receiver.example\r\nTo: news@acme.example\r\nSubject: Undelivered\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\nMIME-Version: 1.0\r\n\r
--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r
--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.receiver.example\r\n\r
Final-Recipient: rfc822; gone@receiver.example\r\nAction: failed\r\nStatus: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r
--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@acme.example>\r\nSubject: Hello\r\n\r\nHello\r\n--b--\r\n"""


@pytest.fixture
def mailbox(db, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    server = make_bounce_server(make_customer(), email="news@acme.example", connected_at=None)
    assert connect(server, timezone.now())
    return server.mailbox


def cron(*options: str) -> str:
    out = StringIO()
    call_command("api_connect_cron", *options, stdout=out)
    return out.getvalue()


def test_a_cycle_reads_each_mailbox_and_finishes(mailbox, sandbox_world):
    sandbox_world.deliver(REPORT, "news@acme.example")
    done = run_cycle(timezone.now(), side_by_side=False)
    assert (done.phase, done.finished_at is not None) == (Phase.DONE, True)
    assert Bounce.objects.get().status_code == "5.1.1"
    assert set(done.items.values_list("phase", "state")) >= {("recover", "done"), ("bounces", "done")}


def test_the_monitors_phase_works_on_mailboxes_with_something_for_it(mailbox, sandbox_world):
    """An idle mailbox costs nothing there, whatever monitors look at it."""
    make_monitor(mailbox.bounceservers.get().customer, email=mailbox.email)
    idle = run_cycle(timezone.now(), side_by_side=False)
    assert not idle.items.filter(phase="monitors").exists()
    sandbox_world.deliver(REPORT, "news@acme.example")
    done = run_cycle(timezone.now(), side_by_side=False)
    assert list(done.items.values_list("phase", "subject"))[-1] == ("monitors", str(mailbox.pk))


def test_the_ledger_makes_a_second_cycle_do_nothing_twice(mailbox, sandbox_world):
    sandbox_world.deliver(REPORT, "news@acme.example")
    for _ in range(3):
        run_cycle(timezone.now(), side_by_side=False)
    assert Bounce.objects.count() == 1
    assert ProcessedMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("seconds", "slot"), [(600, "2026-11-29T10:20:00+00:00"), (3600, "2026-11-29T10:00:00+00:00")]
)
def test_a_slot_is_as_long_as_the_time_between_two_cycles(settings, seconds, slot):
    settings.CYCLE_SECONDS = seconds
    assert slot_of(datetime(2026, 11, 29, 10, 29, 59, tzinfo=UTC)) == slot


def test_a_slot_starts_once_however_many_schedulers_fire(db):
    now = datetime(2026, 11, 20, 12, 7, tzinfo=UTC)
    assert start_scheduled(now)
    assert start_scheduled(now + timedelta(minutes=1)) is None
    assert Cycle.objects.count() == 1


def test_a_cycle_that_finds_the_last_one_running_says_so_and_leaves(mailbox, monkeypatch):
    running = start_cycle(timezone.now(), "run-first")
    item = running.items.get()
    assert cycles.claim(item, "work")
    with pytest.raises(StillRunning, match="still running"):
        run_cycle(timezone.now(), side_by_side=False)
    assert "still running" in cron()
    assert "still_running" in json.loads(cron("--json"))


def test_a_cycle_whose_process_died_is_closed_and_the_next_goes_on(mailbox, sandbox_world):
    sandbox_world.deliver(REPORT, "news@acme.example")
    dead = start_cycle(timezone.now(), "run-dead")
    run_cycle(timezone.now(), side_by_side=False)
    dead.refresh_from_db()
    assert "Interrupted" in dead.note
    assert Bounce.objects.count() == 1


@pytest.fixture
def rung(monkeypatch):
    """The cycles whose bells were rung; nobody answers them."""
    found: list[int] = []
    monkeypatch.setattr(cycles.bells, "ring", lambda task, *, cycle_id: found.append(cycle_id))
    monkeypatch.setattr(cycles.bells, "room_in", lambda queue: bells.QUEUE_LENGTH)
    monkeypatch.setattr("campaigns.ticking.ring", lambda now: None)
    return found


def test_one_bell_works_a_whole_cycle_off(mailbox, sandbox_world, rung):
    make_monitor(mailbox.bounceservers.get().customer, email=mailbox.email)
    sandbox_world.deliver(REPORT, "news@acme.example")
    started = start_cycle(timezone.now(), "slot")
    work_cycle(cycle_id=started.pk)
    started.refresh_from_db()
    assert started.finished_at
    assert list(dict.fromkeys(started.items.values_list("phase", flat=True))) == [
        "recover",
        "bounces",
        "monitors",
    ]


def test_a_bell_rings_for_the_rest_when_its_time_is_up(mailbox, rung, monkeypatch):
    started = start_cycle(timezone.now(), "slot")
    rung.clear()
    monkeypatch.setattr(cycles, "SLICE_SECONDS", 0)
    work_cycle(cycle_id=started.pk)
    assert rung == [started.pk]
    assert started.items.get().state == PhaseItem.State.WAITING


def test_whoever_finds_the_last_item_held_leaves_the_phase_to_its_holder(mailbox, rung):
    started = start_cycle(timezone.now(), "slot")
    held = cycles.claim(started.items.get(), "work")
    work_cycle(cycle_id=started.pk)
    assert started.items.get().state == PhaseItem.State.WAITING
    held.release()
    work_cycle(cycle_id=started.pk)
    started.refresh_from_db()
    assert started.phase == Phase.DONE


def test_a_worker_that_lost_its_item_leaves_what_became_of_it_to_the_next(mailbox, rung, monkeypatch):
    started = start_cycle(timezone.now(), "slot")

    def dawdle(subject, now, lease):
        PhaseItem.objects.update(work_until=timezone.now() - timedelta(seconds=1))
        assert cycles.claim(started.items.get(), "work")
        return {}

    monkeypatch.setitem(
        cycles.PHASES, Phase.RECOVER, cycles.PHASES[Phase.RECOVER].__class__(lambda now: ["leases"], dawdle)
    )
    cycles.work_phase(started, Phase.RECOVER, RunningClock(timezone.now()))
    assert started.items.get().state == PhaseItem.State.WAITING


def test_a_long_reading_keeps_its_item_and_a_dead_one_gives_it_back_within_two_minutes(
    mailbox, sandbox_world, rung, monkeypatch
):
    for _ in range(3):
        sandbox_world.deliver(REPORT, "news@acme.example")
    monkeypatch.setattr("mailboxes.handling.BATCH", 1)
    left = []
    act = BounceHandler.act

    def note(handler, row, meaning, raw):
        left.append(PhaseItem.objects.get(phase="bounces").work_until - timezone.now())
        PhaseItem.objects.update(work_until=timezone.now() + timedelta(seconds=1))
        return act(handler, row, meaning, raw)

    monkeypatch.setattr(BounceHandler, "act", note)
    run_cycle(timezone.now(), side_by_side=False)
    assert len(left) == 3
    assert all(timedelta(seconds=60) < one <= timedelta(minutes=2) for one in left)


def test_the_tick_takes_up_what_a_dead_worker_left(mailbox, rung):
    started = start_cycle(timezone.now(), "slot")
    assert rung == [started.pk]
    cycles.claim(started.items.get(), "work")
    tick()
    assert rung == [started.pk]  # somebody holds it
    PhaseItem.objects.update(work_until=timezone.now() - timedelta(seconds=1))
    tick()
    assert rung == [started.pk, started.pk]


def test_it_rings_for_no_more_workers_than_the_queue_takes(mailbox, rung, monkeypatch):
    started = start_cycle(timezone.now(), "slot")
    PhaseItem.objects.bulk_create(
        PhaseItem(cycle=started, phase=Phase.RECOVER, subject=str(number)) for number in range(50)
    )
    monkeypatch.setattr(cycles.bells, "room_in", lambda queue: 7)
    rung.clear()
    tick()
    assert len(rung) == 7


def test_customers_take_turns_in_being_read(sandbox_world):
    giant, other = make_customer("Giant"), make_customer("Other")
    for number in range(5):
        make_bounce_server(giant, email=f"box{number}@acme.example")
    make_bounce_server(other, email="only@acme.example")
    started = start_cycle(timezone.now(), "slot")
    cycles.work_phase(started, Phase.RECOVER, RunningClock(timezone.now()))
    cycles.advance(started, Phase.RECOVER, timezone.now())
    order = started.items.filter(phase="bounces").values_list("subject", flat=True)
    emails = dict(Mailbox.objects.values_list("pk", "email"))
    assert [emails[int(pk)] for pk in order][:3] == [
        "box0@acme.example",
        "only@acme.example",
        "box1@acme.example",
    ]


def test_one_bad_mailbox_never_stops_the_others(mailbox, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "sales@acme.example")
    other = make_bounce_server(make_customer("Rival"), email="sales@acme.example", connected_at=None)
    assert connect(other, timezone.now())
    sandbox_world.deliver(REPORT, "sales@acme.example")
    sandbox_world.faults.add(Fault("status", "graph.*", mailbox="news@acme.example", times=None, status=500))
    run_cycle(timezone.now(), side_by_side=False)
    assert Bounce.objects.get().mailbox.email == "sales@acme.example"


def test_an_error_nobody_foresaw_is_marked_and_the_cycle_ends(mailbox, monkeypatch):
    def fail(subject, now, lease):
        raise RuntimeError("a defect")

    monkeypatch.setitem(cycles.PHASES, Phase.BOUNCES, cycles.PHASES[Phase.BOUNCES].__class__(
        cycles.PHASES[Phase.BOUNCES].subjects, fail
    ))  # fmt: skip
    done = run_cycle(timezone.now(), side_by_side=False)
    assert done.finished_at
    assert done.items.get(phase="bounces").state == PhaseItem.State.FAILED
    assert "RuntimeError" in cron("--no-fast") + str(done.items.get(phase="bounces").report)


def test_an_idle_verbose_run_says_why(db):
    out = cron("--verbose=1", "--no-fast")
    assert "No active tokens or monitors to process." in out
    assert "switched off" in out
    assert "No active tokens" not in cron("--no-fast")


def test_the_master_switch_off_does_nothing_and_says_where_to_turn_it_on(mailbox, sandbox_world):
    SystemSettings(enabled=False).save()
    before = sum(sandbox_world.calls.values())
    assert "API Connect is switched off" in cron()
    assert "off" in json.loads(cron("--json"))
    assert sum(sandbox_world.calls.values()) == before


def test_a_provider_that_is_off_is_not_read(mailbox, sandbox_world):
    settings = SystemSettings.load()
    settings.microsoft_enabled = False
    settings.save()
    before = sum(sandbox_world.calls.values())
    run_cycle(timezone.now(), side_by_side=False)
    assert sum(sandbox_world.calls.values()) == before


@pytest.mark.parametrize(
    "option", ["--fast", "--fast=1", "--fast=0", "--no-fast", "--verbose", "--verbose=1"]
)
def test_the_options_of_the_guide_are_taken(db, option):
    assert "Done in" in cron(option)


def test_the_json_report_names_every_phase(mailbox, sandbox_world):
    sandbox_world.deliver(REPORT, "news@acme.example")
    report = json.loads(cron("--json", "--no-fast"))
    assert report["phases"]["bounces"][0]["email"] == "news@acme.example"
    assert report["phases"]["bounces"][0]["handled"] == 1
    assert report["idle"] is False


@pytest.mark.django_db(transaction=True)
def test_side_by_side_gives_the_same_rows(sandbox_world):
    for name in ("one", "two", "three"):
        sandbox_world.add_mailbox("microsoft", f"{name}@acme.example")
        server = make_bounce_server(make_customer(name), email=f"{name}@acme.example", connected_at=None)
        assert connect(server, timezone.now())
        make_monitor(server.customer, email=server.email, api_key=server.api_key)
        sandbox_world.deliver(REPORT, server.email)
    run_cycle(timezone.now(), side_by_side=True)
    assert Bounce.objects.count() == 3
    assert not PhaseItem.objects.exclude(state=PhaseItem.State.DONE).exists()


def test_a_phase_and_its_items_change_together_or_not_at_all(mailbox, monkeypatch):
    """A tick beside it never sees a phase without its items, and so opens no later one."""
    started = start_cycle(timezone.now(), "slot")
    started.items.update(state=PhaseItem.State.DONE)

    def fail(*_args):
        raise RuntimeError("killed between the two")

    monkeypatch.setattr(cycles, "_add_items", fail)
    with pytest.raises(RuntimeError):
        cycles.advance(started, Phase.RECOVER, timezone.now())
    started.refresh_from_db()
    assert started.phase == Phase.RECOVER


def test_a_defect_in_one_cycle_does_not_silence_the_tick(mailbox, monkeypatch):
    rung = []
    monkeypatch.setattr("campaigns.ticking.ring", rung.append)
    start_cycle(timezone.now(), "slot")

    def fail(*_args):
        raise RuntimeError("a defect")

    monkeypatch.setattr(cycles, "advance", fail)
    tick()
    assert len(rung) == 1


def test_what_a_cycle_worked_on_is_kept_for_two_days_and_its_times_for_a_month(mailbox):
    done = run_cycle(timezone.now(), side_by_side=False)
    list(purge(timezone.now() + timedelta(days=1)))
    assert done.items.exists()
    list(purge(timezone.now() + timedelta(days=3)))
    assert Cycle.objects.filter(pk=done.pk).exists()
    assert not done.items.exists()
    list(purge(timezone.now() + timedelta(days=31)))
    assert not Cycle.objects.exists()

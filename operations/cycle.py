"""The cycle: recover → tokens → bounces → monitors, as rows that any number of workers share.

A phase's work is its items, laid down in the order in which they are worked. A bell names the cycle: its worker
takes one free item after the other. Whoever finds none left opens the next phase, by a conditional UPDATE that
only one can win; a bell that was lost is rung again by the tick.
"""

from __future__ import annotations

import math
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars

from campaigns.pace import RunningClock
from mailboxes import bells
from mailboxes.leases import Lease, claim
from operations.models import Cycle, Phase, PhaseItem
from operations.phases import PHASES
from providers.clock import utc_now

logger = structlog.get_logger(__name__)

# Slots of cycles that a person or cron runs in one process; scheduled ones are named by their time.
BY_HAND = "run-"
THREADS = 8
WORK = "operations.tasks.work_cycle"
QUEUE = "reading"
# What one bell may take before others have their turn.
SLICE_SECONDS = 30
# A cycle without any progress for this long has lost its workers.
STALLED = timedelta(minutes=15)
ORDER = [*PHASES, Phase.DONE]


class StillRunning(Exception):
    """The last cycle is being worked on; this one leaves it alone."""

    def __init__(self, cycle: Cycle) -> None:
        super().__init__(
            f"The cycle of {cycle.started_at:%Y-%m-%d %H:%M} UTC is still running (phase “{cycle.phase}”)."
        )
        self.cycle = cycle


def slot_of(now: datetime) -> str:
    """The slot of a scheduled cycle (ten minutes, unless set): the same for every scheduler that fires in it."""
    begins_at = now.timestamp() // settings.CYCLE_SECONDS * settings.CYCLE_SECONDS
    return datetime.fromtimestamp(begins_at, UTC).isoformat()


def start_cycle(now: datetime, slot: str) -> Cycle | None:
    """Open the cycle of `slot` with its first phase; None where the slot was taken. Raises StillRunning."""
    for unfinished in Cycle.objects.filter(finished_at__isnull=True):
        if _is_alive(unfinished, now):
            raise StillRunning(unfinished)
        _close_interrupted(unfinished, now)
    subjects = PHASES[ORDER[0]].subjects(now)
    with transaction.atomic():
        cycle, created = Cycle.objects.get_or_create(slot=slot, defaults={"started_at": now})
        if not created:
            return None
        _add_items(cycle, ORDER[0], subjects)
    _ring(cycle)
    return cycle


def _is_alive(cycle: Cycle, now: datetime) -> bool:
    """Somebody holds one of its items, or (with a broker) it moved lately and its bells may be under way."""
    items = cycle.items.filter(state=PhaseItem.State.WAITING)
    if items.filter(work_until__gt=Now()).exists():
        return True
    if cycle.slot.startswith(BY_HAND):
        return False
    last = cycle.items.order_by("-finished_at").values_list("finished_at", flat=True).first()
    return now - (last or cycle.started_at) < STALLED


def _close_interrupted(cycle: Cycle, now: datetime) -> None:
    """Nothing is lost: whatever it left undone is rows that the next cycle takes up."""
    Cycle.objects.filter(pk=cycle.pk, finished_at__isnull=True).update(
        finished_at=now, note=f"Interrupted in phase “{cycle.phase}”; the next cycle goes on from its rows."
    )
    logger.warning("an interrupted cycle was closed", slot=cycle.slot, phase=cycle.phase)


def _add_items(cycle: Cycle, phase: Phase, subjects: list[str]) -> None:
    items = [PhaseItem(cycle=cycle, phase=phase, subject=subject) for subject in subjects]
    PhaseItem.objects.bulk_create(items, ignore_conflicts=True)


def _enter(cycle: Cycle, phase: Phase, following: Phase, subjects: list[str]) -> bool:
    """Go from `phase` to `following` together with its items, in one transaction that one caller wins."""
    ends = {"finished_at": utc_now()} if following == Phase.DONE else {}
    with transaction.atomic():
        here = Cycle.objects.filter(pk=cycle.pk, phase=phase, finished_at__isnull=True)
        if not here.update(phase=following, **ends):
            return False
        _add_items(cycle, following, subjects)
    return True


def _ring(cycle: Cycle) -> None:
    """Ring for as many workers as find work, within what the queue takes; a cycle by hand does its own work."""
    if cycle.slot.startswith(BY_HAND):
        return
    free = _free_items(cycle, _current(cycle)).count()
    for _ in range(min(free, bells.room_in(QUEUE)) if free else 0):
        bells.ring(WORK, cycle_id=cycle.pk)


def _current(cycle: Cycle) -> Phase:
    return Phase(Cycle.objects.values_list("phase", flat=True).get(pk=cycle.pk))


def _free_items(cycle: Cycle, phase: Phase) -> QuerySet[PhaseItem]:
    """Items that wait and that nobody holds."""
    free = Q(work_until__isnull=True) | Q(work_until__lte=Now())
    return cycle.items.filter(free, phase=phase, state=PhaseItem.State.WAITING)


def work(cycle: Cycle, now: datetime) -> None:
    """What a bell makes happen: work items off for a while, opening phases on the way; ring for the rest."""
    clock = RunningClock(now)
    stop_at = time.monotonic() + SLICE_SECONDS
    while (phase := _current(cycle)) != Phase.DONE:
        work_phase(cycle, phase, clock, stop_at)
        if time.monotonic() < stop_at:
            advance(cycle, phase, clock.now())
        if _current(cycle) == phase:  # time is up, or others hold what is left
            _ring(cycle)
            return


def work_phase(cycle: Cycle, phase: Phase, clock: RunningClock, stop_at: float = math.inf) -> int:
    """Do the free items of `phase` one after the other; returns how many. `stop_at` is of time.monotonic()."""
    done = 0
    while time.monotonic() < stop_at and (taken := _take(cycle, phase, clock.now())):
        item, lease = taken
        report, state = _run(item, clock.now(), lease)
        # Whoever took it over after this one's lease writes what became of it.
        lease.release(state=state, report=report, finished_at=clock.now())
        done += 1
    return done


def _take(cycle: Cycle, phase: Phase, now: datetime) -> tuple[PhaseItem, Lease] | None:
    with transaction.atomic():
        item = _free_items(cycle, phase).select_for_update(skip_locked=True).order_by("pk").first()
        lease = claim(item, "work", start={"started_at": now, "tries": F("tries") + 1}) if item else None
    return (item, lease) if item and lease else None


def _run(item: PhaseItem, now: datetime, lease: Lease) -> tuple[dict[str, object], PhaseItem.State]:
    """One bad mailbox never stops a phase: what nobody foresaw is logged whole and the item marked."""
    try:
        with bound_contextvars(cycle=item.cycle_id, item=item.pk, phase=item.phase, subject=item.subject):
            report = PHASES[Phase(item.phase)].work(item.subject, now, lease)
    except Exception as error:
        logger.exception("a phase item failed", item=item.pk, phase=item.phase, subject=item.subject)
        return {"error": f"{type(error).__name__}: see the log"}, PhaseItem.State.FAILED
    return report, PhaseItem.State.FAILED if report.get("error") else PhaseItem.State.DONE


def advance(cycle: Cycle, phase: Phase, now: datetime) -> None:
    """Open the phase after `phase` once all its items are done; phases without work are passed through."""
    while phase != Phase.DONE:
        if cycle.items.filter(phase=phase, state=PhaseItem.State.WAITING).exists():
            return
        following = ORDER[ORDER.index(phase) + 1]
        subjects = [] if following == Phase.DONE else PHASES[following].subjects(now)
        if not _enter(cycle, phase, following, subjects):
            return
        if subjects:
            _ring(cycle)
            return
        phase = following


def ring_again(now: datetime) -> None:
    """The tick: unfinished scheduled cycles whose bell was lost or whose worker died are taken up again."""
    for cycle in Cycle.objects.filter(finished_at__isnull=True).exclude(slot__startswith=BY_HAND):
        try:
            advance(cycle, _current(cycle), now)
            _ring(cycle)
        except Exception:  # one cycle's defect must not silence the tick: sending waits behind it
            logger.exception("a cycle could not be taken up again", slot=cycle.slot)


def start_scheduled(now: datetime) -> Cycle | None:
    """What the scheduler calls: the slot's cycle, or None where it runs already or the last still does."""
    try:
        return start_cycle(now, slot_of(now))
    except StillRunning as running:
        logger.warning("cycle skipped", reason=str(running))
        return None


def run_cycle(now: datetime, *, side_by_side: bool) -> Cycle:
    """A cycle by hand, from start to end in this process. Raises StillRunning."""
    cycle = start_cycle(now, f"{BY_HAND}{now:%Y-%m-%dT%H:%M:%S}-{uuid.uuid4().hex[:8]}")
    assert cycle is not None  # nobody else can have taken a slot of this name
    clock = RunningClock(now)
    while not _is_finished(cycle):
        phase = _current(cycle)
        if side_by_side:
            _work_side_by_side(cycle, phase, clock)
        else:
            work_phase(cycle, phase, clock)
        advance(cycle, phase, clock.now())
    cycle.refresh_from_db()
    return cycle


def _is_finished(cycle: Cycle) -> bool:
    return Cycle.objects.filter(pk=cycle.pk, finished_at__isnull=False).exists()


def _work_side_by_side(cycle: Cycle, phase: Phase, clock: RunningClock) -> None:
    context = get_contextvars()

    def work_here(_number: int) -> None:
        try:
            bind_contextvars(**context)
            work_phase(cycle, phase, clock)
        finally:
            connections.close_all()  # each thread has its own

    threads = min(THREADS, _free_items(cycle, phase).count())
    if threads < 2:
        work_phase(cycle, phase, clock)
        return
    with ThreadPoolExecutor(threads, "cycle") as pool:
        list(pool.map(work_here, range(threads)))

"""Sending from one mailbox, under its lease, with at most two calls in flight.

Each step of the loop is one transaction that checks the lease, writes what ended and opens what comes next;
the calls themselves run in two threads that never see the database. What a killed worker leaves behind is
judged by `campaigns.settling` from what was committed: reserved, opened, draft known.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

import structlog
from django.db import transaction

from campaigns import claiming, outcomes
from campaigns.calls import SERVER_FAULTS, Flight, Landing, discard, fly
from campaigns.composing import Layout
from campaigns.lines import Line
from campaigns.models import Delivery
from campaigns.pace import RunningClock
from mail.composing import ComposeError
from mailboxes.leases import LEASE_SECONDS, Lease
from providers.errors import OutcomeUnknown, ProviderError, TemporaryError, TokenRefused
from providers.messages import Draft, Receipt

logger = structlog.get_logger(__name__)

CALLS_IN_FLIGHT = 2
# One more is opened and waits in the pool, so that a free thread never waits for the database.
OPENED_AHEAD = 1
RENEW_AFTER_SECONDS = LEASE_SECONDS / 4
# So many answers lost in one run are no accident: the mailbox rests before more outcomes are put in doubt.
MAX_UNKNOWN = 3
REST_SECONDS = 60
_INTERNAL_ERROR = OutcomeUnknown("The call ended in an error of this application.", code="internal-error")


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries reserved together, at `claimed_at`: for one campaign, through one line."""

    line: Line
    layout: Layout
    deliveries: list[Delivery]
    claimed_at: datetime


@dataclass(slots=True)
class Sender:
    """Sends what `batches` yields and stops pulling as soon as the mailbox must wait."""

    lease: Lease
    clock: RunningClock
    batches: Iterator[Batch]
    sent: int = 0
    unknown: int = 0
    _hold: Event = field(default_factory=Event)
    _ready: deque[tuple[Batch, Delivery]] = field(default_factory=deque)
    _flying: dict[Future[Landing], Flight] = field(default_factory=dict)
    _renewed_at: float = field(default_factory=time.monotonic)

    @property
    def was_stopped(self) -> bool:
        return self._hold.is_set()

    def run(self) -> None:
        """Until there is nothing more to send, or the mailbox must wait. Raises LeaseLost."""
        with ThreadPoolExecutor(CALLS_IN_FLIGHT, thread_name_prefix="sending") as pool:
            landed: list[Landing] = []
            while True:
                flights = self._step(landed)
                for flight in flights:
                    # The calls log under the id of whoever rang for this run.
                    call = pool.submit(copy_context().run, fly, flight, self._hold)
                    self._flying[call] = flight
                for one in landed:
                    if one.is_refusal and one.flight.is_submission:
                        pool.submit(copy_context().run, discard, one.flight)
                if not self._flying:
                    break
                landed = self._await_landings()
        self._release_rest()

    def _await_landings(self) -> list[Landing]:
        while True:
            done, _ = wait(self._flying, timeout=RENEW_AFTER_SECONDS, return_when=FIRST_COMPLETED)
            if time.monotonic() - self._renewed_at > RENEW_AFTER_SECONDS:
                self.lease.renew()
                self._renewed_at = time.monotonic()
            if done:
                return [self._land(future) for future in done]

    def _land(self, future: Future[Landing]) -> Landing:
        flight = self._flying.pop(future)
        try:
            landing = future.result()
        except Exception:  # a fault of ours in the middle of a call leaves its outcome in doubt
            logger.exception("call failed unexpectedly", delivery=flight.delivery.pk)
            landing = Landing(flight, flight.line.token, error=_INTERNAL_ERROR)
        if isinstance(landing.error, TokenRefused) and not landing.flight.renewed:
            return self._renew(landing)
        return landing

    def _renew(self, landing: Landing) -> Landing:
        """A 401 accepted nothing: one new token, and the same call again in the next step."""
        flight = landing.flight
        try:
            flight.line.renew(landing.token, self.clock.now())
        except ProviderError as error:
            return Landing(flight, landing.token, error=error, in_preparation=landing.in_preparation)
        flight.renewed = True
        return landing

    def _step(self, landed: list[Landing]) -> list[Flight]:
        """Write what landed and open what flies next; returns the flights to start after the commit."""
        again = [one.flight for one in landed if isinstance(one.error, TokenRefused) and one.flight.renewed]
        ended = [one for one in landed if one.flight not in again]
        again += [one.flight for one in ended if isinstance(one.value, Draft)]
        self._count(ended)
        opening = self._compose(CALLS_IN_FLIGHT + OPENED_AHEAD - len(self._flying) - len(again))
        if not (ended or opening):
            return again
        now = self.clock.now()
        with transaction.atomic():
            self.lease.require()
            for landing in ended:
                outcomes.record(landing, now)
            if self.unknown >= MAX_UNKNOWN and ended:
                ended[0].flight.line.server.mailbox.block_until(now + timedelta(seconds=REST_SECONDS))
            attempts = claiming.open_attempts([delivery for _, delivery, _ in opening], now)
        new = zip(opening, attempts, strict=True)
        return again + [
            Flight(delivery, attempt, batch.line, message, batch.claimed_at)
            for (batch, delivery, message), attempt in new
        ]

    def _count(self, ended: list[Landing]) -> None:
        self.sent += sum(isinstance(one.value, Receipt) for one in ended)
        self.unknown += sum(isinstance(one.error, OutcomeUnknown) for one in ended)
        if self.unknown >= MAX_UNKNOWN or any(_ends_run(one.error) for one in ended):
            self._hold.set()

    def _compose(self, count: int) -> list[tuple[Batch, Delivery, bytes | Draft]]:
        """The next messages to open; fewer than `count` at the end of a batch.

        Another batch is asked for only when all before it are committed: the pace is counted from those.
        """
        opening: list[tuple[Batch, Delivery, bytes | Draft]] = []
        while len(opening) < count and not self._hold.is_set():
            if not self._ready and (opening or not self._fill()):
                break
            batch, delivery = self._ready.popleft()
            if message := self._message_of(batch, delivery):
                opening.append((batch, delivery, message))
        return opening

    def _message_of(self, batch: Batch, delivery: Delivery) -> bytes | Draft | None:
        """The draft that lies there already, else the message written now; None where it cannot be written."""
        if delivery.draft_id:
            return Draft(delivery.draft_id, delivery.draft_message_id, delivery.thread_id)
        try:
            return batch.layout.compose(delivery, batch.line.server, self.clock.now())
        except ComposeError as error:
            self._fail(batch, delivery, str(error))
        except Exception:  # one message that cannot be written must not stop all the others
            logger.exception("message could not be written", delivery=delivery.pk)
            self._fail(
                batch, delivery, "The message could not be written; the log of this installation says why."
            )
        return None

    def _fill(self) -> bool:
        if not self._ready and (batch := next(self.batches, None)):
            self._ready.extend((batch, delivery) for delivery in batch.deliveries)
        return bool(self._ready)

    def _fail(self, batch: Batch, delivery: Delivery, reason: str) -> None:
        with transaction.atomic():
            self.lease.require()
            outcomes.record_failed(delivery, reason, "cannot-compose", claimed_at=batch.claimed_at)

    def _release_rest(self) -> None:
        """What was reserved and never opened goes back to the queue."""
        now = self.clock.now()
        while self._ready:
            batch = self._ready[0][0]
            rest = [delivery for one, delivery in self._ready if one is batch]
            self._ready = deque(pair for pair in self._ready if pair[0] is not batch)
            with transaction.atomic():
                self.lease.require()
                claiming.release(rest, claimed_at=batch.claimed_at, now=now)


def _ends_run(error: ProviderError | None) -> bool:
    return isinstance(error, (TemporaryError, *SERVER_FAULTS)) or bool(getattr(error, "retry_at", None))

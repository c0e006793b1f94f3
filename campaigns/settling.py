"""Settling what nobody knows: outcomes that were lost, and what a dead worker left behind (promise 2).

A delivery found in Sent is sent; one that is still a draft is submitted; one that is absent in two complete
looks is queued again where our marker is known to survive; everything else stays unknown for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from campaigns import claiming, outcomes
from campaigns.judging import Case
from campaigns.lines import Line, open_line
from campaigns.models import Attempt, Delivery
from campaigns.pace import RunningClock
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import ProviderError
from providers.messages import CannotTell, Markers, SentState
from servers.models import DeliveryServer

logger = structlog.get_logger(__name__)

MAX_LOOKS_PER_RUN = 20
NOBODY_LOOKS = "no delivery server of this mailbox can look for it."

Status = Delivery.Status


def recover(mailbox: Mailbox, lease: Lease, now: datetime) -> int:
    """What a dead holder of the lease left "sending": put back where nothing was opened, else unknown.

    Needs no provider. An attempt is judged once its deadline has passed, since its call may still run.
    """
    left = Delivery.objects.filter(mailbox=mailbox, status=Status.SENDING)
    if not left.exists():  # as nearly always; only the lease's holder makes any
        return 0
    with transaction.atomic():
        lease.require()
        open_attempts = Attempt.objects.filter(delivery__in=left, finished_at__isnull=True)
        untouched = left.exclude(pk__in=open_attempts.values("delivery_id"))
        count = claiming.put_back(untouched, now)
        dead = list(open_attempts.filter(deadline__lte=now))
        for attempt in dead:
            _mark_unknown(attempt, now)
    if count or dead:
        logger.warning("recovered from a dead worker", mailbox=mailbox.email, back=count, unknown=len(dead))
    return count + len(dead)


def _mark_unknown(attempt: Attempt, now: datetime) -> None:
    text = "The worker died while this was being sent; whether it was accepted is found out now."
    Attempt.objects.filter(pk=attempt.pk).update(
        outcome=Attempt.Outcome.UNKNOWN, finished_at=now, code="worker-died", detail=text
    )
    Delivery.objects.filter(attempts=attempt, status=Status.SENDING).update(
        status=Status.UNKNOWN,
        error=text,
        error_code="worker-died",
        looks=0,
        next_try_at=attempt.deadline + outcomes.FIRST_LOOK,
    )


@dataclass(slots=True)
class Settler:
    """Looks for the unknown deliveries of one mailbox, under its sending lease, one call at a time."""

    mailbox: Mailbox
    lease: Lease
    clock: RunningClock

    def run(self) -> int:
        """Settle what is due; returns how many were settled. Raises LeaseLost."""
        due = Delivery.objects.filter(
            mailbox=self.mailbox, status=Status.UNKNOWN, next_try_at__lte=self.clock.now()
        )
        settled = 0
        lines: dict[int, Line | None] = {}
        rows = due.select_related("server__mailbox", "server__api_key", "mailbox")
        for delivery in rows.order_by("next_try_at")[:MAX_LOOKS_PER_RUN]:
            self.lease.renew()
            try:
                line = self._line(delivery, lines)
                state = self._look(line, delivery) if line else CannotTell(NOBODY_LOOKS)
            except ProviderError as error:
                self.mailbox.block_until(outcomes.wait_until(error, 1, self.clock.now()))
                break
            settled += Case(delivery, line, self.lease, self.clock.now()).judge(state)
        return settled

    def _line(self, delivery: Delivery, lines: dict[int, Line | None]) -> Line | None:
        """The line to look through, None where there is none. Raises what tells the mailbox to wait."""
        server = server_for(delivery)
        if server is None:
            return None
        if server.pk not in lines:
            try:
                lines[server.pk] = open_line(server, self.clock.now())
            except ProviderError as error:
                if outcomes.told_wait(error):
                    raise
                lines[server.pk] = None
        return lines[server.pk]

    def _look(self, line: Line, delivery: Delivery) -> SentState:
        assert delivery.submitted_at is not None
        since, markers = delivery.submitted_at, markers_of(delivery)

        def find() -> SentState:
            return line.client.find_sent(
                line.token, since=since, recipient=delivery.recipient, markers=markers
            )

        try:
            return line.with_renewal(find, self.clock.now())
        except ProviderError as error:
            if outcomes.told_wait(error):
                raise
            return CannotTell(error.message)


def markers_of(delivery: Delivery) -> Markers:
    """What the sent copy can be known by; a Message-ID stands in its angle brackets there."""
    written = delivery.submitted_message_id
    return Markers(delivery.token, f"<{written}>" if written else "", delivery.draft_id)


def server_for(delivery: Delivery) -> DeliveryServer | None:
    """The server it left through, or another one of the same customer and mailbox."""
    if delivery.server is not None:
        return delivery.server
    return (
        DeliveryServer.objects.usable()
        .filter(mailbox=delivery.mailbox, customer_id=delivery.customer_id)
        .select_related("mailbox", "api_key")
        .first()
    )

"""Settling what nobody knows: outcomes that were lost, and what a dead worker left behind (promise 2).

A delivery found in Sent is sent; one that is still a draft is submitted; one that is absent in two complete
looks is queued again where our marker is known to survive; everything else stays unknown for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet

from campaigns import claiming, outcomes
from campaigns.lines import Line, open_line
from campaigns.models import Attempt, Campaign, Delivery
from campaigns.pace import RunningClock
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import PermanentError, ProviderError, TemporaryError, Throttled, TokenRefused
from providers.messages import Absent, CannotTell, Draft, Found, Markers, SentState, StillDraft
from servers.models import DeliveryServer

logger = structlog.get_logger(__name__)

# The second look, counted from the first one: 180 seconds after the outcome was lost.
SECOND_LOOK = timedelta(seconds=120)
LOOKS_NEEDED = 2
# A look that was not possible is repeated this often and this long, then it is a person's turn.
LOOK_AGAIN = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=6)
# A message that vanished this often is not sent again by itself.
MAX_TRIES = 5
MAX_LOOKS_PER_RUN = 20

Status = Delivery.Status


def recover(mailbox: Mailbox, lease: Lease, now: datetime) -> int:
    """What a dead holder of the lease left "sending": put back where nothing was opened, else unknown.

    Needs no provider. An attempt is judged once its deadline has passed, since its call may still run.
    """
    left = Delivery.objects.filter(mailbox=mailbox, status=Status.SENDING)
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
    Delivery.objects.filter(pk=attempt.delivery_id, status=Status.SENDING).update(
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
        rows = due.select_related("server__mailbox", "server__api_key", "campaign", "mailbox")
        for delivery in rows.order_by("next_try_at")[:MAX_LOOKS_PER_RUN]:
            self.lease.renew()
            line = self._line(delivery, lines)
            if line is None:
                self._postpone(delivery, "no delivery server of this mailbox can look for it")
                continue
            try:
                state = self._look(line, delivery)
            except Throttled as error:
                self.mailbox.block_until(error.retry_at)
                break
            settled += self._judge(line, delivery, state)
        return settled

    def _line(self, delivery: Delivery, lines: dict[int, Line | None]) -> Line | None:
        server = server_for(delivery)
        if server is None:
            return None
        if server.pk not in lines:
            try:
                lines[server.pk] = open_line(server, self.clock.now())
            except ProviderError:
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
            return self._with_renewal(line, find)
        except Throttled:
            raise
        except ProviderError as error:
            return CannotTell(error.message)

    def _with_renewal(self, line: Line, call: Callable[[], SentState]) -> SentState:
        token = line.token
        try:
            return call()
        except TokenRefused:
            line.renew(token, self.clock.now())
            return call()

    def _judge(self, line: Line, delivery: Delivery, state: SentState) -> bool:
        if isinstance(state, StillDraft) and state.draft.id != delivery.draft_id:
            # Its id was never committed, so it may be half made: away with it, and the message is written anew.
            if not self._discard(line, state.draft):
                return self._postpone(delivery, "a draft that was left over could not be removed yet")
            return self._queue_again(delivery, "Only a draft was left over; it was removed.")
        with transaction.atomic():
            self.lease.require()
            return self._record(delivery, state)

    def _record(self, delivery: Delivery, state: SentState) -> bool:
        now = self.clock.now()
        match state:
            case Found(receipt):
                _note(delivery, Attempt.Outcome.SETTLED, "Found in Sent.")
                outcomes.accept(delivery, receipt, now, was=Status.UNKNOWN)
                return True
            case StillDraft():
                _note(delivery, Attempt.Outcome.ABSENT, "It was still a draft; the draft is submitted.")
                return _wait_again(delivery, status=Status.DEFERRED, next_try_at=now)
            case Absent():
                return self._record_absent(delivery, now)
            case CannotTell(reason):
                return self._postpone(delivery, reason)

    def _record_absent(self, delivery: Delivery, now: datetime) -> bool:
        looks = delivery.looks + 1
        if delivery.error_code == outcomes.DRAFT_LOST:
            return self._queue_again(delivery, "It had not been submitted.")
        if looks < LOOKS_NEEDED:
            return not _change(delivery, looks=looks, next_try_at=now + SECOND_LOOK)
        if reason := self._why_not_again(delivery):
            _change(delivery, looks=looks, next_try_at=None, error=reason)
            return False
        return self._queue_again(delivery, "Absent from Sent in two complete looks.")

    def _why_not_again(self, delivery: Delivery) -> str:
        """Why an absent message is left to a person, or "" where it may safely be sent again."""
        ask = "Release sends it again, Cancel closes it."
        self.mailbox.refresh_from_db(fields=["marker_survives"])
        if delivery.draft_id:
            return f"Its draft is gone and Sent does not show it: most likely it was sent. {ask}"
        if not self.mailbox.marker_survives:
            return f"Not found in Sent, but this mailbox has not yet proved to keep our marker. {ask}"
        if delivery.tries >= MAX_TRIES:
            return f"Not found in Sent after {delivery.tries} attempts. {ask}"
        return ""

    def _queue_again(self, delivery: Delivery, why: str) -> bool:
        with transaction.atomic():
            self.lease.require()
            _note(delivery, Attempt.Outcome.ABSENT, why)
            return _wait_again(
                delivery,
                status=Status.QUEUED,
                next_try_at=None,
                looks=0,
                draft_id="",
                draft_message_id="",
                thread_id="",
                mailbox=None,
                server=None,
            )

    def _postpone(self, delivery: Delivery, reason: str) -> bool:
        now = self.clock.now()
        began_at = delivery.submitted_at or now
        again_at = now + LOOK_AGAIN if now < began_at + GIVE_UP_AFTER else None
        text = f"Nobody knows whether it was sent: {reason}"
        if again_at is None:
            text += " Release sends it again, Cancel closes it."
        with transaction.atomic():
            self.lease.require()
            _change(delivery, next_try_at=again_at, error=text)
        return False

    def _discard(self, line: Line, draft: Draft) -> bool:
        try:
            line.client.discard_draft(line.token, draft)
        except (TemporaryError, PermanentError):
            return False
        return True


def markers_of(delivery: Delivery) -> Markers:
    """What the sent copy can be known by; a Message-ID stands in its angle brackets there."""
    return Markers(delivery.token, f"<{delivery.submitted_message_id}>", delivery.draft_id)


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


def _change(delivery: Delivery, **changes: Any) -> bool:
    """Change an unknown delivery; False when a bounce, a reply or a person settled it meanwhile."""
    return Delivery.objects.filter(pk=delivery.pk, status=Status.UNKNOWN).update(**changes) == 1


def _wait_again(delivery: Delivery, **changes: Any) -> bool:
    """Back to what is to be sent: a campaign that had ended goes on for it, a cancelled one does not."""
    if delivery.campaign.status == Campaign.Status.CANCELLED:
        text = "It had not been sent when the campaign was cancelled."
        return _change(delivery, status=Status.SKIPPED, next_try_at=None, error=text)
    Campaign.objects.filter(pk=delivery.campaign_id).reopen()
    return _change(delivery, **changes)


def _note(delivery: Delivery, outcome: Attempt.Outcome, detail: str) -> None:
    newest = delivery.attempts.last()
    if newest:
        Attempt.objects.filter(pk=newest.pk).update(outcome=outcome, detail=detail)


def unsettled_of(campaign: Campaign) -> QuerySet[Delivery]:
    """What only a person can settle now."""
    return campaign.deliveries.filter(status=Status.UNKNOWN, next_try_at__isnull=True)

"""Learning afterwards what an accepted message became: its real Message-ID and thread; never before sending."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Prefetch

from campaigns.judging import LOOKS_NEEDED
from campaigns.lines import Line, open_line
from campaigns.models import Delivery
from campaigns.outcomes import known_ids, told_wait
from campaigns.pace import RunningClock
from campaigns.settling import markers_of
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import ProviderError
from providers.messages import Found, Markers, Receipt, Submitted
from servers.models import DeliveryServer

logger = structlog.get_logger(__name__)

BATCH_SIZE = 50
# After this a run lets others have the worker; one that keeps to a provider's pace never has so much to ask.
RUN_SECONDS = 10
# Sent fills late: asked again after these seconds, then left alone (a bounce is known by other marks as well).
WAITS_SECONDS = (60, 300, 1800, 7200)

# All of a batch at once: built by the ORM, row by row, this took longer than asking the provider. What a receipt
# does not tell stays as it is.
STORE = """
    UPDATE campaigns_delivery
    SET ids_wanted = false, next_try_at = NULL,
        provider_message_id = COALESCE(NULLIF(learnt.column2, ''), provider_message_id),
        sent_message_id = COALESCE(NULLIF(learnt.column3, ''), sent_message_id),
        thread_id = COALESCE(NULLIF(learnt.column4, ''), thread_id)
    FROM (VALUES {rows}) AS learnt
    WHERE campaigns_delivery.id = learnt.column1
"""

Status = Delivery.Status


@dataclass(slots=True)
class Learner:
    """Asks for the ids of one mailbox's sent messages, under its sending lease."""

    mailbox: Mailbox
    lease: Lease
    clock: RunningClock
    _has_probed: bool = False
    _must_wait: bool = False

    def run(self) -> int:
        """Learn what is due, in batches and for a while; returns how many became known. Raises LeaseLost."""
        stop_at, learnt = time.monotonic() + RUN_SECONDS, 0
        while rows := self._wanted():
            learnt += self._learn_batch(rows)
            if self._must_wait or len(rows) < BATCH_SIZE or time.monotonic() > stop_at:
                break
        return learnt

    def _wanted(self) -> list[Delivery]:
        """The oldest whose time has come."""
        wanted = Delivery.objects.filter(
            mailbox=self.mailbox, ids_wanted=True, next_try_at__lte=self.clock.now(), server__isnull=False
        )
        servers = DeliveryServer.objects.select_related("mailbox", "api_key")  # few, however many the rows
        return list(wanted.prefetch_related(Prefetch("server", servers)).order_by("next_try_at")[:BATCH_SIZE])

    def _learn_batch(self, rows: Sequence[Delivery]) -> int:
        """Each is asked for with the access of the server that sent it."""
        groups: dict[DeliveryServer, list[Delivery]] = {}
        for row in rows:
            assert row.server is not None
            groups.setdefault(row.server, []).append(row)
        learnt = 0
        for server, own in groups.items():
            self.lease.renew()
            try:
                learnt += self._learn(open_line(server, self.clock.now()), own)
            except ProviderError as error:
                if until := told_wait(error):
                    self._wait(until)
                else:
                    logger.info("ids not learnt this time", mailbox=self.mailbox.email, code=error.code)
                    self._postpone(own)
            if self._must_wait:
                break
        return learnt

    def _wait(self, until: datetime) -> None:
        self.mailbox.block_until(until)
        self._must_wait = True

    def _postpone(self, rows: Sequence[Delivery]) -> None:
        with transaction.atomic():
            self.lease.require()
            for delivery in rows:
                _ask_later(delivery, self.clock.now())

    def _learn(self, line: Line, rows: Sequence[Delivery]) -> int:
        found = line.client.look_up(line.token, [_submitted(delivery) for delivery in rows])
        known = [(row, one) for row, one in zip(rows, found, strict=True) if isinstance(one, Receipt)]
        with transaction.atomic():
            self.lease.require()
            _store(known)
            learnt = {delivery.pk for delivery, _ in known}
            for delivery in rows:
                if delivery.pk not in learnt:
                    _ask_later(delivery, self.clock.now())
        if known:
            self._prove_marker(line, known[0][0])
        return len(known)

    def _prove_marker(self, line: Line, delivery: Delivery) -> None:
        try:
            proved = self._proves_marker(line, delivery)
        except ProviderError as error:
            if until := told_wait(error):
                self._wait(until)
            logger.info("marker not looked for this time", mailbox=self.mailbox.email, code=error.code)
            return
        if proved:
            with transaction.atomic():
                self.lease.require()
                self._record_marker()

    def _proves_marker(self, line: Line, delivery: Delivery) -> bool:
        """Whether the very search that a lost outcome depends on finds this message, by our marks alone."""
        if self.mailbox.marker_survives or self._has_probed or delivery.submitted_at is None:
            return False
        self._has_probed = True
        markers = Markers(delivery.token, f"<{delivery.submitted_message_id}>")
        state = line.client.find_sent(
            line.token, since=delivery.submitted_at, recipient=delivery.recipient, markers=markers
        )
        return isinstance(state, Found)

    def _record_marker(self) -> None:
        """From now on "absent" can be believed here; what had to wait for that is looked for once more."""
        Mailbox.objects.filter(pk=self.mailbox.pk).update(marker_survives=True)
        self.mailbox.marker_survives = True
        Delivery.objects.filter(
            mailbox=self.mailbox,
            status=Status.UNKNOWN,
            next_try_at__isnull=True,
            looks__gte=LOOKS_NEEDED,
            draft_id="",
        ).update(next_try_at=self.clock.now())
        logger.info("marker proved to survive", mailbox=self.mailbox.email)


def _submitted(delivery: Delivery) -> Submitted:
    known = Receipt(delivery.provider_message_id, "", delivery.thread_id)
    return Submitted(known, markers_of(delivery))


def _store(known: Sequence[tuple[Delivery, Receipt]]) -> None:
    if not known:
        return
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(known))
    values = [value for delivery, receipt in known for value in (delivery.pk, *_ids_of(receipt))]
    with connection.cursor() as cursor:
        cursor.execute(STORE.format(rows=rows), values)


def _ids_of(receipt: Receipt) -> tuple[str, str, str]:
    ids = known_ids(receipt)
    return ids.get("provider_message_id", ""), ids.get("sent_message_id", ""), ids.get("thread_id", "")


def _ask_later(delivery: Delivery, now: datetime) -> None:
    if delivery.looks >= len(WAITS_SECONDS):
        Delivery.objects.filter(pk=delivery.pk).update(ids_wanted=False, next_try_at=None)
        return
    wait = timedelta(seconds=WAITS_SECONDS[delivery.looks])
    Delivery.objects.filter(pk=delivery.pk).update(looks=delivery.looks + 1, next_try_at=now + wait)

"""Handling what was collected: each message with its effects and its ledger row in one transaction.

A message that cannot be read is tried again in later cycles and quarantined after the third time, one that the
provider cannot give after a day; one bad message never stops the others. Nothing here deletes: that is a step of
its own (mailboxes/disposing.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, transaction

from mail.charsets import clean_text
from mail.headers import Headers, parse_mailboxes, split_headers
from mailboxes.budgets import Budget
from mailboxes.leases import Lease, LeaseLost
from mailboxes.models import ProcessedMessage, Purpose, SyncRun
from mailboxes.opening import REFUSALS, OpenMailbox
from mailboxes.wishes import Wish
from providers.base import MailProvider
from providers.errors import ProviderError, TemporaryError, Throttled, TokenRefused, Unavailable
from providers.messages import AccessToken, MessageRef, RawMessage

logger = structlog.get_logger(__name__)
Meaning = TypeVar("Meaning")

BATCH = 20
MAX_TRIES = 3
# A message that the provider cannot give for the moment is asked for this long.
PATIENCE = timedelta(days=1)
# So many batches in a row of which nothing comes are no longer the messages' own trouble.
MAX_BARREN = 3
QUARANTINE_BYTES = 1024 * 1024
HEADER_BYTES = 256 * 1024
# Faults of our own place, never of the message: they end the reading and count against nothing.
NOT_THE_MESSAGE = (LeaseLost, OperationalError, InterfaceError)
# Why a message did not come, said of it or of the whole mailbox: the rest of the batch tells which.
NOT_GIVEN = (TemporaryError, *REFUSALS)
State = ProcessedMessage.State


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a handler made of a message: an outcome in a word or two, detail, and who wants it gone (nobody: stays).

    `unmatched` says why nothing in it is anybody's, naming nobody; "" where it concerns somebody.
    """

    outcome: str
    detail: str = ""
    matched: bool = False
    unmatched: str = ""
    wishes: Sequence[Wish] = ()


GONE = Verdict(
    "gone", "Moved away or deleted before it could be read.", unmatched="gone before it could be read"
)
SET_ASIDE = "could not be read, set aside for the platform's administrators"


class Handler(Protocol[Meaning]):
    """What a purpose does with a message."""

    def understand(self, raw: bytes) -> Meaning:
        """What the bytes mean; pure, outside of any transaction."""

    def act(self, row: ProcessedMessage, meaning: Meaning, raw: bytes) -> Verdict:
        """The effects, inside the transaction that also closes `row`."""


def handle_pending(
    opened: OpenMailbox,
    purpose: Purpose,
    handler: Handler[Meaning],
    lease: Lease,
    budget: Budget,
    run: SyncRun,
) -> None:
    """Handle the pending rows of `purpose`, oldest first, as far as the budget goes; counts go to `run`.

    Raises ProviderError for what concerns the whole mailbox; everything handled until then stays.
    """
    worker = _Worker(opened.now, handler, lease, run)
    last = 0
    while rows := _next_rows(opened, purpose, last):
        if budget.is_spent:
            run.complete = False
            return
        lease.renew()
        opened.call(partial(worker.work, rows=rows))
        budget.spend(len(rows))
        last = rows[-1].pk


def _next_rows(opened: OpenMailbox, purpose: Purpose, after: int) -> list[ProcessedMessage]:
    pending = ProcessedMessage.objects.filter(
        mailbox=opened.mailbox, purpose=purpose, state=State.PENDING, pk__gt=after
    )
    return list(pending.defer("raw").order_by("pk")[:BATCH])


class _Worker(Generic[Meaning]):
    """Fetches a batch and handles what comes, message by message."""

    def __init__(self, now: datetime, handler: Handler[Meaning], lease: Lease, run: SyncRun) -> None:
        self.now = now
        self.handler = handler
        self.lease = lease
        self.run = run
        self.barren = 0

    def work(self, provider: MailProvider, token: AccessToken, rows: Sequence[ProcessedMessage]) -> None:
        """Rows that are done already (a renewed token begins the batch anew) are left out."""
        waiting = {row.provider_message_id: row for row in rows if row.state == State.PENDING}
        missing: list[tuple[ProcessedMessage, ProviderError]] = []
        for message in provider.fetch(token, [_ref(row) for row in waiting.values()]):
            row = waiting[message.ref.id]
            if isinstance(message.error, NOT_GIVEN):
                missing.append((row, message.error))
            else:
                self._take(row, message)
        if missing:
            self._pass_over(missing, any_came=len(missing) < len(waiting))
        else:
            self.barren = 0

    def _pass_over(
        self, missing: Sequence[tuple[ProcessedMessage, ProviderError]], *, any_came: bool
    ) -> None:
        """Leave single messages for later; raise what is the whole mailbox's trouble and count it on none."""
        errors = [error for _, error in missing]
        of_all = (Throttled, TokenRefused) if any_came else (Throttled, *REFUSALS)
        for error in errors:
            if isinstance(error, of_all):
                raise error
        for row, error in missing:
            self._fail(row, error.message, b"", may_pass=isinstance(error, TemporaryError))
        self.run.complete = False
        self.barren = 0 if any_came else self.barren + 1
        if self.barren == MAX_BARREN or any(_is_to_wait(error) for error in errors):
            raise max(errors, key=_is_to_wait)

    def _take(self, row: ProcessedMessage, message: RawMessage) -> None:
        if message.gone and row.raw:  # it was quarantined, and is tried again from its kept bytes
            self._handle(row, bytes(row.raw))
        elif message.gone:
            self._close(row, GONE)
        elif message.raw:
            self._handle(row, message.raw)
        else:
            self._fail(row, message.error.message if message.error else "The message is empty.", b"")

    def _handle(self, row: ProcessedMessage, raw: bytes) -> None:
        try:
            describe(row, raw)
            meaning = self.handler.understand(raw)
            with transaction.atomic():
                self.lease.require()
                self._finish(row, self.handler.act(row, meaning, raw))
        except NOT_THE_MESSAGE:
            raise
        except Exception as error:
            logger.exception("a message could not be handled", message=row.pk)
            self._fail(row, f"{type(error).__name__}: {error}", raw)
        else:
            self.run.handled += 1

    def _close(self, row: ProcessedMessage, verdict: Verdict) -> None:
        with transaction.atomic():
            self.lease.require()
            self._finish(row, verdict)
        self.run.handled += 1

    def _finish(self, row: ProcessedMessage, verdict: Verdict) -> None:
        row.state, row.handled_at, row.run = State.DONE, self.now, self.run
        row.outcome, row.detail = verdict.outcome[:40], clean_text(verdict.detail)
        row.unmatched = verdict.unmatched[:200]
        if verdict.wishes:
            row.want_disposal(verdict.wishes)
        row.raw = None
        row.save()
        if verdict.matched:
            self.run.matched += 1
        elif verdict.outcome != "gone":
            self.run.left_alone += 1

    def _fail(self, row: ProcessedMessage, why: str, raw: bytes, *, may_pass: bool = False) -> None:
        """One try less; after the last one the message is set aside with its bytes, visible, to try again.

        What may pass by itself has a day for it.
        """
        row.tries += 1
        row.state, row.detail = State.PENDING, clean_text(why)
        is_too_early = may_pass and self.now - row.listed_at < PATIENCE
        if row.tries >= MAX_TRIES and not is_too_early:
            row.state, row.outcome, row.handled_at = State.QUARANTINED, "quarantined", self.now
            row.raw, row.run, row.unmatched = raw[:QUARANTINE_BYTES], self.run, SET_ASIDE
            self.run.quarantined += 1
        with transaction.atomic():
            self.lease.require()
            row.save()


def _is_to_wait(error: ProviderError) -> bool:
    """Whether the provider said when to come back."""
    return isinstance(error, Unavailable) and error.retry_at is not None


def _ref(row: ProcessedMessage) -> MessageRef:
    return MessageRef(
        id=row.provider_message_id,
        folder=row.folder,
        message_id=row.internet_message_id,
        thread_id=row.thread_id,
        sender=row.sender,
        subject=row.subject,
        received_at=row.received_at,
    )


def describe(row: ProcessedMessage, raw: bytes) -> None:
    """Fill in sender, subject and Message-ID where the listing told none."""
    if row.sender and row.subject and row.internet_message_id:
        return
    headers, _ = split_headers(raw[:HEADER_BYTES].replace(b"\r\n", b"\n"))
    row.subject = row.subject or clean_text(headers.first("subject"))[:250]
    row.sender = row.sender or _sender(headers)
    message_id = headers.first("message-id").strip("<> ")
    row.internet_message_id = row.internet_message_id or clean_text(message_id)[:998]


def _sender(headers: Headers) -> str:
    found = parse_mailboxes(headers.raw("from"))
    return clean_text(found[0][1])[:320] if found else ""


def try_again(row: ProcessedMessage) -> bool:
    """Put a quarantined message back into the queue; False where it is not quarantined."""
    quarantined = ProcessedMessage.objects.filter(pk=row.pk, state=State.QUARANTINED)
    return bool(quarantined.update(state=State.PENDING, tries=0, outcome="", unmatched="", handled_at=None))

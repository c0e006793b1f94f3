"""Collecting what is new in a mailbox: pending ledger rows and the cursor in one transaction.

The cursor is seeded before the first sweep, so that nothing falls between; a message that is listed twice
meets its own row. The unread flag is a starting point of the first sweep and never the queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from mail.charsets import clean_text
from mailboxes.budgets import Budget
from mailboxes.leases import Lease
from mailboxes.models import ProcessedMessage, Watch
from mailboxes.opening import OpenMailbox
from mailboxes.watching import CLOCK_MARGIN
from providers.messages import Cursor, Folder, MessageRef, News, Start, StartKind

FOLDERS = (Folder.INBOX, Folder.JUNK)
REFS_PER_CALL = 500
START_NOW = Start(StartKind.NOW)


@dataclass
class Collected:
    """How many messages were listed, whether to the end, and whether a lost cursor was listed anew."""

    listed: int = 0
    complete: bool = True
    relisted: bool = False

    def add(self, news: News) -> None:
        self.listed += len(news.refs)
        self.relisted = self.relisted or news.relisted


def collect(opened: OpenMailbox, watches: Sequence[Watch], lease: Lease, budget: Budget) -> Collected:
    """Bring the ledger up to date with the mailbox, as far as the budget goes. Raises ProviderError."""
    collected = Collected()
    if opened.mailbox.cursor is None:
        _collect_news(opened, watches, lease, Budget(REFS_PER_CALL), collected)
    for watch in watches:
        if watch.swept_at is None:
            _sweep(opened, watch, lease, budget, collected)
    _collect_news(opened, watches, lease, budget, collected)
    return collected


def _collect_news(
    opened: OpenMailbox, watches: Sequence[Watch], lease: Lease, budget: Budget, collected: Collected
) -> None:
    mailbox = opened.mailbox
    while True:
        news = _list(opened, mailbox.cursor, START_NOW, budget, since=mailbox.complete_until)
        rows = [row for watch in watches for row in _pending(watch, news.refs, opened.now)]
        with transaction.atomic():
            lease.require()
            _insert(rows)
            mailbox.cursor = dict(news.cursor)
            mailbox.newest_at = _latest(mailbox.newest_at, *(ref.received_at for ref in news.refs))
            if news.complete:
                mailbox.complete_until = _latest(mailbox.complete_until, opened.now - CLOCK_MARGIN)
            mailbox.save(update_fields=["cursor", "newest_at", "complete_until"])
            if news.complete:
                _serve(watches, opened.now)
        collected.add(news)
        if news.complete:
            return
        if _is_over(budget, news, lease):
            collected.complete = False
            return


def _serve(watches: Sequence[Watch], now: datetime) -> None:
    for watch in watches:
        watch.served_at = now
    Watch.objects.filter(pk__in=[watch.pk for watch in watches]).update(served_at=now)


def _sweep(opened: OpenMailbox, watch: Watch, lease: Lease, budget: Budget, collected: Collected) -> None:
    """A purpose's first look at what lay in the mailbox before it was watched."""
    start = _start_of(watch)
    while start.kind is not StartKind.NOW:
        news = _list(opened, watch.sweep_cursor, start, budget)
        with transaction.atomic():
            lease.require()
            _insert(_pending(watch, news.refs, opened.now))
            watch.sweep_cursor = dict(news.cursor)
            watch.save(update_fields=["sweep_cursor"])
        collected.add(news)
        if news.complete:
            break
        if _is_over(budget, news, lease):
            collected.complete = False
            return
    with transaction.atomic():
        lease.require()
        watch.swept_at, watch.sweep_cursor = opened.now, None
        watch.save(update_fields=["swept_at", "sweep_cursor"])


def _start_of(watch: Watch) -> Start:
    kind = StartKind(watch.first_read)
    if kind is StartKind.NOW and watch.first_read_from:
        kind = StartKind.DATE  # "now" was when the server was added
    return Start(kind, watch.first_read_from if kind is StartKind.DATE else None)


def _list(
    opened: OpenMailbox,
    cursor: Cursor | None,
    start: Start,
    budget: Budget,
    *,
    since: datetime | None = None,
) -> News:
    room = max(1, min(REFS_PER_CALL, budget.messages))
    return opened.call(
        lambda provider, token: provider.new_messages(
            token, FOLDERS, cursor, start=start, since=since, budget=room
        )
    )


def _is_over(budget: Budget, news: News, lease: Lease) -> bool:
    budget.spend(len(news.refs))
    lease.renew()
    return budget.is_spent


def _pending(watch: Watch, refs: Iterable[MessageRef], now: datetime) -> list[ProcessedMessage]:
    longest = ProcessedMessage._meta.get_field("provider_message_id").max_length or 0
    return [
        ProcessedMessage(
            mailbox_id=watch.mailbox_id,
            purpose=watch.purpose,
            provider_message_id=ref.id,
            folder=ref.folder[:40],
            thread_id=ref.thread_id[:512],
            internet_message_id=clean_text(ref.message_id.strip("<> "))[:998],
            sender=clean_text(ref.sender)[:320],
            subject=clean_text(ref.subject)[:250],
            received_at=ref.received_at,
            listed_at=now,
        )
        for ref in refs
        if len(ref.id) <= longest
    ]


def _insert(rows: list[ProcessedMessage]) -> None:
    ProcessedMessage.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)

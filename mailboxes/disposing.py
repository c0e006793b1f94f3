"""Disposing of handled messages: after the commit, in batches, repeated until it is done or refused.

Only with the access of those whose servers asked for it: who may only read has nothing deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from mailboxes.budgets import Budget
from mailboxes.leases import Lease
from mailboxes.models import Mailbox, ProcessedMessage
from mailboxes.opening import REFUSALS, OpenMailbox
from providers.base import MailProvider
from providers.errors import TemporaryError
from providers.messages import AccessToken, Disposal, Disposed, MessageRef

logger = structlog.get_logger(__name__)

# Customers, None being the system.
Askers = frozenset[int | None]

BATCH = 100
State = ProcessedMessage.State
Done = ProcessedMessage.Disposal
_DONE = {Disposal.DELETE: Done.DELETED, Disposal.TRASH: Done.TRASHED, Disposal.LEAVE: Done.NONE}


def wanted(mailbox: Mailbox) -> QuerySet[ProcessedMessage]:
    """Messages to dispose of that no purpose still has to look at."""
    open_rows = ProcessedMessage.objects.filter(
        mailbox=mailbox,
        provider_message_id=OuterRef("provider_message_id"),
        state__in=[State.PENDING, State.QUARANTINED],
    )
    rows = ProcessedMessage.objects.filter(mailbox=mailbox, disposal=Done.WANTED)
    return rows.filter(~Exists(open_rows)).defer("raw").order_by("pk")


def dispose_handled(opened: OpenMailbox, lease: Lease, budget: Budget) -> int:
    """Delete what may go; moved to Trash where the scope allows no delete. Returns how many are gone.

    What fails for a moment, or is left when the budget is spent, is tried again next time; a refusal is shown
    on the message and left alone. Raises ProviderError for what concerns the whole mailbox.
    """
    count = 0
    last = 0
    while not budget.is_spent and (rows := list(wanted(opened.mailbox).filter(pk__gt=last)[:BATCH])):
        for askers, group in _by_askers(rows).items():
            lease.renew()
            count += _dispose(opened, lease, askers, group)
        budget.spend(len(rows))
        last = rows[-1].pk
    return count


def _by_askers(rows: Sequence[ProcessedMessage]) -> dict[Askers, list[ProcessedMessage]]:
    groups: dict[Askers, list[ProcessedMessage]] = {}
    for row in rows:
        groups.setdefault(frozenset(row.disposal_for), []).append(row)
    return groups


def _dispose(opened: OpenMailbox, lease: Lease, askers: Askers, rows: Sequence[ProcessedMessage]) -> int:
    by_id = {row.provider_message_id: row for row in rows}
    results = _ask(opened, askers, [_ref(row) for row in by_id.values()])
    with transaction.atomic():
        lease.require()
        return sum(_record(by_id[result.ref.id], result) for result in results)


def _ask(opened: OpenMailbox, askers: Askers, refs: Sequence[MessageRef]) -> list[Disposed]:
    """What became of each, with the access of one asker after the other until one is allowed to.

    Nothing where none of them has access for now: it is tried again next time.
    """
    sources = {(source.customer_id, source.api_key.pk): source for source in opened.sources}
    results: dict[str, Disposed] = {}
    left = list(refs)
    for source in (source for source in sources.values() if source.customer_id in askers):
        try:
            answers = OpenMailbox(opened.mailbox, opened.now, [source]).call(partial(_delete, refs=left))
        except REFUSALS:  # shown on the server that was refused
            continue
        results.update((answer.ref.id, answer) for answer in answers)
        left = [answer.ref for answer in answers if isinstance(answer.error, REFUSALS)]
        if not left:
            break
    return list(results.values())


def _delete(provider: MailProvider, token: AccessToken, refs: Sequence[MessageRef]) -> list[Disposed]:
    return list(provider.dispose(token, refs, Disposal.DELETE))


def _ref(row: ProcessedMessage) -> MessageRef:
    return MessageRef(id=row.provider_message_id, folder=row.folder)


def _record(row: ProcessedMessage, result: Disposed) -> bool:
    """Write what was done, a message that is gone on the rows of all purposes; whether it has left its folder."""
    if result.error is None:
        state = Done.GONE if result.gone else _DONE[result.how]
        _rows_of(row).filter(disposal=Done.WANTED).update(disposal=state)
        return True
    logger.warning("a message could not be disposed of", message=row.pk, code=result.error.code)
    if not isinstance(result.error, TemporaryError):
        detail = f"{row.detail} Not deleted: {result.error.message}".strip()
        ProcessedMessage.objects.filter(pk=row.pk).update(disposal=Done.FAILED, detail=detail)
    return False


def _rows_of(row: ProcessedMessage) -> QuerySet[ProcessedMessage]:
    return ProcessedMessage.objects.filter(
        mailbox_id=row.mailbox_id, provider_message_id=row.provider_message_id
    )


def dispose_again(row: ProcessedMessage) -> bool:
    """Try a refused disposal once more; False where none was refused."""
    failed = ProcessedMessage.objects.filter(pk=row.pk, disposal=Done.FAILED)
    return bool(failed.update(disposal=Done.WANTED))

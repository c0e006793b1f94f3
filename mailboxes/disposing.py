"""Disposing of handled messages: after the commit, in batches, repeated until it is done or refused.

Only with the access of those whose servers asked for it: who may only read has nothing deleted. Where several wish
for different things, deleting comes first, then moving to the first one's folder; the next is tried where one is
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Concat, Trim

from mailboxes.budgets import Budget
from mailboxes.leases import Lease
from mailboxes.models import Mailbox, ProcessedMessage
from mailboxes.opening import REFUSALS, OpenMailbox, Source
from mailboxes.wishes import Wish, strongest_first
from providers.base import MailProvider
from providers.errors import TemporaryError
from providers.messages import AccessToken, Disposal, Disposed, MessageRef

logger = structlog.get_logger(__name__)
Wishes = tuple[Wish, ...]

BATCH = 100
State = ProcessedMessage.State
Done = ProcessedMessage.Disposal
_DONE = {
    Disposal.DELETE: Done.DELETED,
    Disposal.TRASH: Done.TRASHED,
    Disposal.MOVE: Done.MOVED,
    Disposal.LEAVE: Done.NONE,
}


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
    """Delete or move what may go; to Trash where the scope allows no delete. Returns how many have left.

    What fails for a moment, or is left when the budget is spent, is tried again next time; a refusal is shown
    on the message and left alone. Raises ProviderError for what concerns the whole mailbox.
    """
    count = 0
    last = 0
    while not budget.is_spent and (rows := list(wanted(opened.mailbox).filter(pk__gt=last)[:BATCH])):
        for wishes, group in _by_wishes(opened.mailbox, rows).items():
            if not _ways(opened, wishes):
                continue  # nobody who asked for it has access for now: others are not to wait for that
            lease.renew()
            count += _dispose(opened, lease, wishes, group)
            budget.spend(len(group))
        last = rows[-1].pk
    return count


def _by_wishes(mailbox: Mailbox, rows: Sequence[ProcessedMessage]) -> dict[Wishes, list[ProcessedMessage]]:
    """One row for each message, by what all its purposes wish for together."""
    messages = {row.provider_message_id: row for row in rows}
    of_message: dict[str, list[Wish]] = {}
    for row in wanted(mailbox).filter(provider_message_id__in=messages):
        of_message.setdefault(row.provider_message_id, []).extend(row.wishes)
    groups: dict[Wishes, list[ProcessedMessage]] = {}
    for message_id, wishes in of_message.items():
        groups.setdefault(tuple(strongest_first(wishes)), []).append(messages[message_id])
    return groups


def _dispose(opened: OpenMailbox, lease: Lease, wishes: Wishes, rows: Sequence[ProcessedMessage]) -> int:
    by_id = {row.provider_message_id: row for row in rows}
    results = _ask(opened, wishes, [_ref(row) for row in by_id.values()])
    with transaction.atomic():
        lease.require()
        return sum(_record(by_id[result.ref.id], result, folder) for result, folder in results)


def _ask(opened: OpenMailbox, wishes: Wishes, refs: Sequence[MessageRef]) -> list[tuple[Disposed, str]]:
    """What became of each, and of which folder it was asked, one wish after the other until one is allowed."""
    results: dict[str, tuple[Disposed, str]] = {}
    left = list(refs)
    for wish, source in _ways(opened, wishes):
        try:
            opened_alone = OpenMailbox(opened.mailbox, opened.now, [source])
            answers = opened_alone.call(partial(_fulfil, wish=wish, refs=left))
        except REFUSALS:  # shown on the server that was refused
            continue
        results.update((answer.ref.id, (answer, wish.folder)) for answer in answers)
        left = [answer.ref for answer in answers if isinstance(answer.error, REFUSALS)]
        if not left:
            break
    return list(results.values())


def _ways(opened: OpenMailbox, wishes: Wishes) -> list[tuple[Wish, Source]]:
    """Each wish with every access of its own customer."""
    sources = {(source.customer_id, source.api_key.pk): source for source in opened.sources}
    return [
        (wish, source)
        for wish in wishes
        for source in sources.values()
        if source.customer_id == wish.customer_id
    ]


def _fulfil(
    provider: MailProvider, token: AccessToken, wish: Wish, refs: Sequence[MessageRef]
) -> list[Disposed]:
    how = Disposal.MOVE if wish.folder else Disposal.DELETE
    return list(provider.dispose(token, refs, how, wish.folder))


def _ref(row: ProcessedMessage) -> MessageRef:
    return MessageRef(id=row.provider_message_id, folder=row.folder)


def _record(row: ProcessedMessage, result: Disposed, folder: str) -> bool:
    """Write what was done on the rows of all purposes; whether the message has left its folder."""
    rows = ProcessedMessage.objects.filter(
        mailbox_id=row.mailbox_id, provider_message_id=row.provider_message_id, disposal=Done.WANTED
    )
    if result.error is None:
        state = Done.GONE if result.gone else _DONE[result.how]
        rows.update(disposal=state, disposal_folder=folder)
        return True
    logger.warning("a message could not be disposed of", message=row.pk, code=result.error.code)
    if not isinstance(result.error, TemporaryError):
        refusal = f"{f'Not moved to “{folder}”' if folder else 'Not deleted'}: {result.error.message}"
        detail = Trim(Concat("detail", Value(f" {refusal}"), output_field=TextField()))
        rows.update(disposal=Done.FAILED, detail=detail)
    return False


def dispose_again(row: ProcessedMessage) -> bool:
    """Try a refused disposal once more; False where none was refused."""
    failed = ProcessedMessage.objects.filter(pk=row.pk, disposal=Done.FAILED)
    return bool(failed.update(disposal=Done.WANTED))

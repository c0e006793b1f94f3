"""Disposing of handled messages: after the commit, in batches, repeated until it is done or refused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from mailboxes.leases import Lease
from mailboxes.models import Mailbox, ProcessedMessage
from mailboxes.opening import OpenMailbox
from providers.base import MailProvider
from providers.errors import TemporaryError
from providers.messages import AccessToken, Disposal, Disposed, MessageRef

logger = structlog.get_logger(__name__)

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


def dispose_handled(opened: OpenMailbox, lease: Lease) -> int:
    """Delete what may go; moved to Trash where the scope allows no delete. Returns how many are gone.

    What fails for a moment is tried again next time; a refusal is shown on the message and left alone.
    Raises ProviderError for what concerns the whole mailbox.
    """
    count = 0
    last = 0
    while rows := list(wanted(opened.mailbox).filter(pk__gt=last)[:BATCH]):
        lease.renew()
        by_id = {row.provider_message_id: row for row in rows}
        results = opened.call(partial(_dispose, refs=[_ref(row) for row in rows]))
        with transaction.atomic():
            lease.require()
            for result in results:
                count += _record(by_id[result.ref.id], result)
        last = rows[-1].pk
    return count


def _dispose(provider: MailProvider, token: AccessToken, refs: Sequence[MessageRef]) -> list[Disposed]:
    return list(provider.dispose(token, refs, Disposal.DELETE))


def _ref(row: ProcessedMessage) -> MessageRef:
    return MessageRef(id=row.provider_message_id, folder=row.folder)


def _record(row: ProcessedMessage, result: Disposed) -> bool:
    """Write what was really done, on the rows of all purposes; whether the message has left its folder."""
    if result.error is None:
        state = Done.GONE if result.gone else _DONE[result.how]
        _rows_of(row).filter(disposal=Done.WANTED).update(disposal=state)
        return True
    logger.warning("a message could not be disposed of", message=row.pk, code=result.error.code)
    if not isinstance(result.error, TemporaryError):
        _rows_of(row).filter(disposal=Done.WANTED).update(disposal=Done.FAILED)
        detail = f"{row.detail} Not deleted: {result.error.message}".strip()
        ProcessedMessage.objects.filter(pk=row.pk).update(detail=detail)
    return False


def _rows_of(row: ProcessedMessage) -> QuerySet[ProcessedMessage]:
    return ProcessedMessage.objects.filter(
        mailbox_id=row.mailbox_id, provider_message_id=row.provider_message_id
    )


def dispose_again(row: ProcessedMessage) -> bool:
    """Try a refused disposal once more; False where none was refused."""
    failed = ProcessedMessage.objects.filter(pk=row.pk, disposal=Done.FAILED)
    return bool(failed.update(disposal=Done.WANTED))

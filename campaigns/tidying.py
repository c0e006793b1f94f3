"""Removing drafts of messages that are not sent after all: nothing of ours stays in a customer's Drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from campaigns.lines import Line, open_line
from campaigns.models import QUEUED_AFRESH, Delivery, DeliveryQuerySet
from campaigns.settling import server_for
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import PermanentError, ProviderError, TemporaryError
from providers.messages import Draft

logger = structlog.get_logger(__name__)

BATCH_SIZE = 20


def remove_leftover_drafts(mailbox: Mailbox, lease: Lease, now: datetime) -> int:
    """Remove one batch of drafts, under the mailbox's sending lease; returns how many are gone or given up.

    One that the provider refuses to remove is forgotten; one that it cannot remove now is left for next time.
    Raises LeaseLost.
    """
    rows = Delivery.objects.filter(mailbox=mailbox).with_leftover_draft()
    return _remove_batch(rows, lease, now, {"draft_id": ""})


def free_stranded(mailbox: Mailbox, lease: Lease, now: datetime) -> int:
    """As above for messages whose campaign lost its server here: queued again, they leave by another one."""
    rows = Delivery.objects.filter(mailbox=mailbox).with_stranded_draft(now)
    return _remove_batch(rows, lease, now, QUEUED_AFRESH)


def _remove_batch(rows: DeliveryQuerySet, lease: Lease, now: datetime, changes: dict[str, Any]) -> int:
    lines: dict[int, Line] = {}
    done = 0
    for delivery in rows.select_related("server__mailbox", "server__api_key", "mailbox").order_by("pk")[
        :BATCH_SIZE
    ]:
        lease.renew()
        try:
            _remove(delivery, lines, now)
        except TemporaryError:
            break
        except ProviderError as error:
            logger.info("draft left behind", delivery=delivery.pk, code=error.code)
        with transaction.atomic():
            lease.require()
            done += rows.filter(pk=delivery.pk).update(**changes)
    return done


def _remove(delivery: Delivery, lines: dict[int, Line], now: datetime) -> None:
    server = server_for(delivery)
    if server is None:
        raise PermanentError("No delivery server of this mailbox is left.", code="no-server")
    line = lines.get(server.pk) or lines.setdefault(server.pk, open_line(server, now))
    line.client.discard_draft(line.token, Draft(delivery.draft_id))

"""Removing drafts of messages that are not sent after all: nothing of ours stays in a customer's Drafts."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from campaigns.lines import Line, open_line
from campaigns.models import Delivery
from campaigns.settling import server_for
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import PermanentError, ProviderError, TemporaryError
from providers.messages import Draft

logger = structlog.get_logger(__name__)

BATCH_SIZE = 20


def remove_leftover_drafts(mailbox: Mailbox, lease: Lease, now: datetime) -> int:
    """Remove one batch of drafts, under the mailbox's sending lease; returns how many are gone.

    One that the provider refuses to remove is forgotten; one that it cannot remove now is left for next time.
    Raises LeaseLost.
    """
    rows = Delivery.objects.filter(mailbox=mailbox).with_leftover_draft()
    lines: dict[int, Line] = {}
    removed = 0
    for delivery in rows.select_related("server__mailbox", "server__api_key").order_by("pk")[:BATCH_SIZE]:
        try:
            removed += _remove(delivery, lines, now)
        except TemporaryError:
            break
        except ProviderError as error:
            logger.info("draft left behind", mailbox=mailbox.email, code=error.code)
        with transaction.atomic():
            lease.require()
            Delivery.objects.filter(pk=delivery.pk).with_leftover_draft().update(draft_id="")
    return removed


def _remove(delivery: Delivery, lines: dict[int, Line], now: datetime) -> bool:
    server = server_for(delivery)
    if server is None:
        raise PermanentError("No delivery server of this mailbox is left.", code="no-server")
    line = lines.get(server.pk) or lines.setdefault(server.pk, open_line(server, now))
    line.client.discard_draft(line.token, Draft(delivery.draft_id))
    return True

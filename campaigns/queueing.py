"""From a list to deliveries: streamed in keyset batches, each committed together with its resume point."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

import structlog
from django.db import transaction

from audience.models import Subscriber
from campaigns.models import Campaign, Delivery

logger = structlog.get_logger(__name__)

# Subscribers per transaction: small enough to hold no lock for long, large enough to keep a million flat.
BATCH_SIZE = 1000


def take_up(campaign: Campaign, now: datetime) -> bool:
    """Start a ready campaign whose time has come; False when it is not due or another worker took it."""
    due = Campaign.objects.due(now).filter(pk=campaign.pk, status=Campaign.Status.READY)
    taken = due.update(status=Campaign.Status.SENDING, started_at=now, pause_reason="") == 1
    if taken:
        campaign.refresh_from_db(fields=["status", "started_at", "pause_reason"])
        logger.info("campaign taken up", campaign=campaign.uid)
    return taken


def queue_up(campaign: Campaign, now: datetime, *, budget_seconds: float = 120) -> int:
    """Make deliveries for the confirmed subscribers of a sending campaign; returns how many were made.

    Stops when all are queued, the campaign is no longer sending or another worker is at it, or after
    `budget_seconds` and a batch at least; whoever calls next goes on from the last committed batch.
    """
    stop_at, made = time.monotonic() + budget_seconds, 0
    while (new := _queue_batch(campaign, now)) is not None:
        made += new
        if time.monotonic() >= stop_at:
            break
    campaign.refresh_from_db(fields=["status", "queued_up_to", "checked_up_to", "queued_all"])
    return made


def _queue_batch(campaign: Campaign, now: datetime) -> int | None:
    """How many were made of the next batch; None when there is none, or it is another worker's."""
    with transaction.atomic():
        unqueued = Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.SENDING, queued_all=False)
        # Two would only read the same batch. Not locked against those who insert what points to the row.
        locked = unqueued.select_for_update(skip_locked=True, no_key=True).first()
        if locked is None:
            return None
        rows, progress = _next_batch(locked)
        new = _without_delivery(locked, rows)
        unqueued.update(**progress)
        Delivery.objects.bulk_create(
            (
                Delivery(
                    customer_id=locked.customer_id,
                    campaign_id=locked.pk,
                    subscriber_id=row.pk,
                    recipient=row.email,
                    recipient_key=row.email_key,
                    created_at=now,
                )
                for row in new
            ),
            ignore_conflicts=True,
        )
    return len(new)


class _Row(NamedTuple):
    pk: int
    email: str
    email_key: str


def _next_batch(campaign: Campaign) -> tuple[list[_Row], dict[str, int | bool]]:
    """The next subscribers, and the campaign's progress with them.

    The list is walked twice: some rows are committed behind the resume point meanwhile, as by a long import.
    """
    if rows := _read_confirmed(campaign, campaign.queued_up_to):
        return rows, {"queued_up_to": rows[-1].pk}
    if rows := _read_confirmed(campaign, campaign.checked_up_to):
        return rows, {"checked_up_to": rows[-1].pk}
    return [], {"queued_all": True}


def _read_confirmed(campaign: Campaign, after: int) -> list[_Row]:
    rows = Subscriber.objects.confirmed().filter(list_id=campaign.list_id, pk__gt=after).order_by("pk")
    return [_Row(*row) for row in rows.values_list("pk", "email", "email_key")[:BATCH_SIZE]]


def _without_delivery(campaign: Campaign, rows: list[_Row]) -> list[_Row]:
    """Those of a batch whom the campaign does not reach yet, neither by row nor by address.

    An address that was deleted and added again is a new row; only what was never tried for the old one leaves
    room for it. Asked by keys: joined, a database without statistics compares every row with every delivery.
    """
    deliveries = campaign.deliveries.order_by()
    same_row = deliveries.filter(subscriber__in=[row.pk for row in rows])
    same_address = deliveries.filter(recipient_key__in=[row.email_key for row in rows])
    known_rows = set(same_row.values_list("subscriber_id", flat=True))
    reached = same_address.exclude(subscriber__isnull=True, tries=0)
    known_addresses = set(reached.values_list("recipient_key", flat=True))
    return [row for row in rows if row.pk not in known_rows and row.email_key not in known_addresses]


def finish(campaign: Campaign, now: datetime) -> bool:
    """Close a campaign that has nothing left to do by itself; outcomes that only a person can settle may stay."""
    with transaction.atomic():
        Campaign.objects.get_locked(campaign.pk)
        if Campaign.objects.filter(pk=campaign.pk).with_something_open().exists():
            return False
        sending = Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.SENDING, queued_all=True)
        finished = sending.update(status=Campaign.Status.SENT, finished_at=now) == 1
    if finished:
        logger.info("campaign finished", campaign=campaign.uid)
    return finished

"""Removing what is past its retention, in small transactions that never hold a table for long."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import models
from django.db.models import F, Q

from accounts.models import AuditEntry, SystemSettings
from audience.journal import erase_deleted
from audience.models import Change
from bounces.models import Bounce, BounceSource
from campaigns.models import Attempt, Campaign, Delivery
from mailboxes.models import ProcessedMessage, SyncRun
from monitors.models import MonitorHit
from operations.models import Cycle, PhaseItem, Tally
from servers.models import QuotaUse
from servers.tables import RATE_DAYS

logger = structlog.get_logger(__name__)

BATCH = 2000
EVERY = timedelta(days=1)
SLICE_SECONDS = 20
# When a purge last reached its end (a time stamp), as a row among the metrics.
PURGED_AT = "purged_at"
# The ledger outlives anything that a lost cursor may list again: twice the overlap of a re-listing.
LEDGER_MARGIN = timedelta(days=2)
CYCLES_KEPT = timedelta(days=30)
# A server's bounce rate adds up days; ten thousand servers open a quarter of a million hours a day.
QUOTAS_KEPT = timedelta(days=RATE_DAYS + 1)
HOURS_KEPT = timedelta(days=2)
# Ten thousand mailboxes make more than a million of them a day.
ITEMS_KEPT = timedelta(days=2)
FINISHED = (Campaign.Status.SENT, Campaign.Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Purge:
    """What may go: rows of one kind that are past their time."""

    what: str
    rows: models.QuerySet[models.Model]


def due(now: datetime) -> list[Purge]:
    """Everything that is past its retention, in an order that follows the foreign keys."""
    settings = SystemSettings.load()
    raw_cutoff = now - timedelta(days=settings.raw_mail_retention_days)
    cutoff = now - timedelta(days=settings.log_retention_days)
    ledger = ProcessedMessage.objects.filter(
        handled_at__lt=cutoff,
        listed_at__lt=F("mailbox__complete_until") - LEDGER_MARGIN,
    ).exclude(disposal=ProcessedMessage.Disposal.WANTED)
    # The causes of a blacklisting stay as long as it does: an address leaves with its last cause.
    journal = Change.objects.filter(at__lt=cutoff).exclude(
        action=Change.Action.BLACKLIST, undone_at__isnull=True
    )
    deliveries = Delivery.objects.filter(created_at__lt=cutoff, campaign__status__in=FINISHED)
    # Those of campaigns go with their deliveries.
    system_mail = Attempt.objects.filter(delivery__isnull=True, finished_at__lt=cutoff)
    past_hours = Q(window="hour", starts_at__lt=now - HOURS_KEPT)
    return [
        Purge("raw mail of bounces", BounceSource.objects.filter(created_at__lt=raw_cutoff)),
        Purge("monitor hits", MonitorHit.objects.filter(at__lt=cutoff)),
        Purge("bounces", Bounce.objects.filter(created_at__lt=cutoff)),
        Purge("deliveries", deliveries),
        Purge("attempts of system mail", system_mail),
        Purge("ledger rows", ledger),
        Purge("sync runs", SyncRun.objects.filter(started_at__lt=cutoff)),
        Purge("journal entries", journal),
        Purge("audit entries", AuditEntry.objects.filter(at__lt=cutoff)),
        Purge("work items of cycles", PhaseItem.objects.filter(cycle__finished_at__lt=now - ITEMS_KEPT)),
        Purge("quota windows", QuotaUse.objects.filter(past_hours | Q(starts_at__lt=now - QUOTAS_KEPT))),
        Purge("cycles", Cycle.objects.filter(finished_at__lt=now - CYCLES_KEPT)),
    ]


def purge(now: datetime, *, stop_at: float = math.inf) -> Iterator[tuple[str, int]]:
    """Remove all that is due; yields (what, rows). It can be stopped and run again.

    `stop_at` is of time.monotonic(); a purge that reached its end notes so for `is_purge_due` and the metrics.
    """
    yield "data of deleted subscribers", erase_deleted(now)
    for one in due(now):
        yield one.what, _delete_in_batches(one.rows, stop_at)
    if time.monotonic() < stop_at:
        Tally.objects.update_or_create(name=PURGED_AT, labels="{}", defaults={"value": now.timestamp()})


def purge_for_a_while(now: datetime) -> None:
    """The tick's share: once a day, in as many slices as it takes, so that no tick is held up for long."""
    if is_purge_due(now):
        removed = dict(purge(now, stop_at=time.monotonic() + SLICE_SECONDS))
        logger.info("purged", **{what.replace(" ", "_"): rows for what, rows in removed.items() if rows})


def is_purge_due(now: datetime) -> bool:
    """Whether the last purge that reached its end is a day old, or there was none."""
    last = Tally.objects.filter(name=PURGED_AT).values_list("value", flat=True).first()
    return last is None or now.timestamp() - last >= EVERY.total_seconds()


def _delete_in_batches(rows: models.QuerySet[models.Model], stop_at: float) -> int:
    done = 0
    while time.monotonic() < stop_at and (numbers := _next_batch(rows)):
        rows.model._default_manager.filter(pk__in=numbers).delete()
        done += len(numbers)
    return done


def _next_batch(rows: models.QuerySet[models.Model]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])

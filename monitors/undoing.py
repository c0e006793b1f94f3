"""Undoing what monitors did: one hit, those of one message, or a monitor's last run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from audience.models import Change
from audience.undo import Undone, undo_changes
from mailboxes.models import ProcessedMessage, Purpose, SyncRun
from monitors.models import Monitor, MonitorHit


def undo_hits(hits: Iterable[MonitorHit], *, by: User | None, now: datetime) -> list[Undone]:
    """Undo what these hits changed; each change says whether it was undone or why not."""
    numbers = [str(hit.pk) for hit in hits]
    changes = Change.objects.filter(
        cause_kind=Change.Cause.MONITOR, cause_id__in=numbers, undone_at__isnull=True
    )
    if by is not None and by.customer is not None:
        changes = changes.for_customer(by.customer)
    results = undo_changes(changes, by=by, now=now)
    undone = {int(result.change.cause_id) for result in results if result.outcome.changed}
    when = f"undone{f' by {by.email}' if by else ''} on {now:%Y-%m-%d %H:%M} UTC"
    for hit in MonitorHit.objects.filter(pk__in=undone):
        hit.outcome, hit.changed = f"{hit.outcome}; {when}"[:250], False
        hit.save(update_fields=["outcome", "changed"])
    return results


def undo_message(message: ProcessedMessage, *, by: User | None, now: datetime) -> list[Undone]:
    """Undo everything that monitors did because of one message."""
    return undo_hits(message.hits.all(), by=by, now=now)


def hits_of_last_run(monitor: Monitor) -> QuerySet[MonitorHit]:
    """What the monitor did in the newest reading of its mailbox that found something."""
    run = SyncRun.objects.filter(
        mailbox_id=monitor.mailbox_id, purpose=Purpose.MONITORS, handled__gt=0
    ).first()
    return monitor.hits.filter(message__run=run) if run else monitor.hits.none()


def undo_last_run(monitor: Monitor, *, by: User | None, now: datetime) -> list[Undone]:
    """Undo what the monitor's last run did."""
    return undo_hits(hits_of_last_run(monitor), by=by, now=now)

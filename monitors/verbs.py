"""What a person may do to monitors' hits and to monitors, in both faces."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from audience.editing import summed
from audience.undo import Undone
from monitors.models import MonitorHit
from monitors.undoing import hits_of_last_run, undo_hits, undo_last_run
from pages.tables import Act, Done


def undo(hits: QuerySet[MonitorHit], act: Act) -> Done:
    """Take back what these hits did; a change that cannot be undone says why."""
    return _done(undo_hits(list(hits), by=act.actor, now=act.now))


def undo_messages(hits: QuerySet[MonitorHit], act: Act) -> Done:
    """Take back everything that monitors did because of the messages of these hits."""
    rows = list(hits.values_list("pk", "message_id"))
    chosen = Q(pk__in=[pk for pk, _ in rows])
    whole = MonitorHit.objects.filter(chosen | Q(message_id__in=[message for _, message in rows if message]))
    return _done(undo_hits(whole, by=act.actor, now=act.now))


def undo_last_runs(monitors: QuerySet[Any], act: Act) -> Done:
    """Take back what each monitor did in the newest reading of its mailbox."""
    found = [undo_last_run(monitor, by=act.actor, now=act.now) for monitor in monitors]
    return _done([undone for results in found for undone in results])


def last_runs(monitors: QuerySet[Any]) -> list[str]:
    """What an undoing of the last runs would take back, monitor by monitor."""
    return [
        f"“{monitor.name}”: {hits_of_last_run(monitor).count():,} hits of its last run are taken back."
        for monitor in monitors[:20]
    ]


def _done(results: list[Undone]) -> Done:
    return summed((one.change.email, one.outcome) for one in results)

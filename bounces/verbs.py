"""What a person may do to rows of the bounce log and to bounce servers, in both faces."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from audience.editing import summed
from audience.undo import Undone
from bounces.models import Bounce
from bounces.releasing import apply_held, drop_held, held_alike
from bounces.undoing import bounces_of_last_run, undo_bounces, undo_last_run
from pages.tables import Act, Done


def undo(bounces: QuerySet[Bounce], act: Act) -> Done:
    """Take back what these bounces did; a change that cannot be undone says why."""
    return _done(undo_bounces(list(bounces), by=act.actor, now=act.now))


def undo_reports(bounces: QuerySet[Bounce], act: Act) -> Done:
    """Take back everything that the reports of these bounces did, for all their recipients."""
    rows = list(bounces.values_list("pk", "message_id"))
    chosen = Q(pk__in=[pk for pk, _ in rows])
    whole = Bounce.objects.filter(chosen | Q(message_id__in=[message for _, message in rows if message]))
    return _done(undo_bounces(whole, by=act.actor, now=act.now))


def undo_last_runs(servers: QuerySet[Any], act: Act) -> Done:
    """Take back what the newest reading of each server's mailbox did for the server's customer."""
    found = [undo_last_run(server, by=act.actor, now=act.now) for server in servers]
    return _done([undone for results in found for undone in results])


def last_runs(servers: QuerySet[Any]) -> list[str]:
    """What an undoing of the last runs would take back, server by server."""
    return [
        f"“{server.name}”: {bounces_of_last_run(server).count():,} bounces of its last run are taken back."
        for server in servers[:20]
    ]


def apply_alike(bounces: QuerySet[Bounce], act: Act) -> int:
    """Do what is held for the refusals and servers of these bounces, all of it."""
    return apply_held(held_alike(bounces), act.now)


def drop_alike(bounces: QuerySet[Bounce], act: Act) -> int:
    """Let all that is held for the refusals and servers of these bounces have no effect."""
    return drop_held(held_alike(bounces), act.actor, act.now)


def held_with_them(bounces: QuerySet[Bounce]) -> list[str]:
    """How much is held for the same reasons."""
    count = held_alike(bounces).count()
    return [f"{count:,} effects are held for the same refusal or the same server: this decides about all."]


def _done(results: list[Undone]) -> Done:
    return summed((one.change.email, one.outcome) for one in results)

"""Undoing what bounces did: one, those of one message, or a bounce server's last run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from audience.models import Change
from audience.undo import Undone, undo_changes
from bounces.models import Bounce, BounceServer, EffectState
from mailboxes.models import ProcessedMessage, Purpose, SyncRun

CAUSES = (Change.Cause.BOUNCE, Change.Cause.COMPLAINT)


def undo_bounces(bounces: Iterable[Bounce], *, by: User | None, now: datetime) -> list[Undone]:
    """Undo the effects of these bounces; each change says whether it was undone or why not."""
    numbers = {str(bounce.pk): bounce.pk for bounce in bounces}
    changes = Change.objects.filter(cause_kind__in=CAUSES, cause_id__in=list(numbers), undone_at__isnull=True)
    results = undo_changes(_visible(changes, by), by=by, now=now)
    undone = {numbers[result.change.cause_id] for result in results if result.outcome.changed}
    Bounce.objects.filter(pk__in=undone).update(
        effect_state=EffectState.UNDONE,
        effect=f"Undone{f' by {by.email}' if by else ''} on {now:%Y-%m-%d %H:%M} UTC.",
    )
    return results


def _visible(changes: QuerySet[Change], by: User | None) -> list[Change]:
    if by is None or by.customer is None:
        return list(changes)
    return list(changes.filter(customer=by.customer))


def undo_message(message: ProcessedMessage, *, by: User | None, now: datetime) -> list[Undone]:
    """Undo everything that one report did."""
    return undo_bounces(message.bounces.all(), by=by, now=now)


def bounces_of_last_run(server: BounceServer) -> QuerySet[Bounce]:
    """What the newest reading that found something did for this server's customer (all of it without one)."""
    run = SyncRun.objects.filter(mailbox_id=server.mailbox_id, purpose=Purpose.BOUNCES, handled__gt=0).first()
    bounces = Bounce.objects.filter(message__run=run) if run else Bounce.objects.none()
    return bounces if server.customer is None else bounces.for_customer(server.customer)


def undo_last_run(server: BounceServer, *, by: User | None, now: datetime) -> list[Undone]:
    """Undo what the server's last run did."""
    return undo_bounces(bounces_of_last_run(server), by=by, now=now)

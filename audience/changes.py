"""The one way a subscriber changes: change, journal row and cause in one transaction, twice without harm.

Nothing else sets a subscriber's status or touches the blacklist. Every verb returns an Outcome in words; one
with nothing to do changes nothing, yet a new cause is noted, so that undoing the first never undoes the last.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from audience.blacklisting import blacklist, covers, lift
from audience.journal import PLATFORM, Cause, Outcome, entry_for, is_noted, snapshot
from audience.models import CampaignGroup, Change, GroupStop, MailingList, Subscriber
from mail.addresses import normalize_address

__all__ = [
    "Cause",
    "Outcome",
    "blacklist",
    "confirm",
    "copy_to_list",
    "delete",
    "edit",
    "lift",
    "move_to_list",
    "stop_group",
    "subscribe",
    "unconfirm",
    "unsubscribe",
]

Status = Subscriber.Status
Action = Change.Action
NOBODY = Outcome(False, "no such subscriber")
# Only these may raise a standing; an import or a monitor never does.
RAISING_CAUSES = frozenset({Change.Cause.PERSON, Change.Cause.SUBSCRIBER})
RANK = {Status.CONFIRMED: 2, Status.UNCONFIRMED: 1}


def unsubscribe(subscriber: Subscriber, cause: Cause, now: datetime) -> Outcome:
    """No campaign is sent to this subscriber any more."""
    allowed = {Status.CONFIRMED, Status.UNCONFIRMED, Status.DISABLED}
    return _stand(subscriber, Status.UNSUBSCRIBED, Action.UNSUBSCRIBE, allowed, cause, now)


def unconfirm(subscriber: Subscriber, cause: Cause, now: datetime) -> Outcome:
    """Back to unconfirmed; somebody who has unsubscribed stays so."""
    return _stand(subscriber, Status.UNCONFIRMED, Action.UNCONFIRM, {Status.CONFIRMED}, cause, now)


def confirm(subscriber: Subscriber, cause: Cause, now: datetime) -> Outcome:
    """Campaigns may be sent; only a person or the subscriber brings back one who had left."""
    allowed = {Status.UNCONFIRMED}
    if cause.kind in RAISING_CAUSES:
        allowed |= {Status.UNSUBSCRIBED, Status.DISABLED}
    return _stand(subscriber, Status.CONFIRMED, Action.CONFIRM, allowed, cause, now)


@transaction.atomic(savepoint=False)
def _stand(
    subscriber: Subscriber,
    standing: str,
    action: Change.Action,
    allowed: Collection[str],
    cause: Cause,
    now: datetime,
) -> Outcome:
    row = _lock(subscriber)
    if row is None:
        return NOBODY
    before = row.standing
    label = Status(before).label.lower()
    if before == standing:
        _note_again(row, action, cause, now)
        return Outcome(False, f"already {label}", row)
    if before not in allowed:
        return Outcome(False, f"{label}, left as it was", row)
    row.stand(standing)
    row.save(update_fields=["status", "status_beneath"])
    _record(action, cause, now, row, {"status": before}, {"status": standing})
    return Outcome(True, Status(standing).label.lower(), row)


def _lock(subscriber: Subscriber) -> Subscriber | None:
    """The subscriber's row as it is now, locked; one that was moved is followed to where it lives."""
    pk = subscriber.pk
    for _ in range(10):
        row: Subscriber | None = Subscriber.objects.select_for_update().filter(pk=pk).first()
        if row is None or row.standing != Status.MOVED or row.moved_to_id is None:
            return row
        pk = row.moved_to_id
    return row


def _record(
    action: Change.Action,
    cause: Cause,
    now: datetime,
    row: Subscriber,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    entry_for(action, cause, now, subscriber=row, before=before, after=after).save(force_insert=True)


def _note_again(row: Subscriber, action: Change.Action, cause: Cause, now: datetime) -> None:
    """A second cause for what is so already: it must outlive an undo of the first."""
    live = Change.objects.filter(subscriber_uid=row.uid, action=action, undone_at__isnull=True)
    if not is_noted(live, cause):
        _record(action, cause, now, row, {"status": row.standing}, {"status": row.standing})


@transaction.atomic(savepoint=False)
def delete(subscriber: Subscriber, cause: Cause, now: datetime) -> Outcome:
    """Remove the subscriber from every list, page and export; the journal can bring it back for 30 days."""
    row: Subscriber | None = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if row is None:
        return NOBODY
    if row.moved_to is not None:
        delete(row.moved_to, cause, now)
    _record(Action.DELETE, cause, now, row, snapshot(row), {})
    row.delete()
    return Outcome(True, "deleted")


@transaction.atomic(savepoint=False)
def copy_to_list(subscriber: Subscriber, target: MailingList, cause: Cause, now: datetime) -> Outcome:
    """Put a copy on `target`, standing as it stands here; nothing happens where the address is there."""
    row = _lock(subscriber)
    if row is None:
        return NOBODY
    if refused := _refuse_target(row, target):
        return refused
    copy, created = _copy(row, target, cause, now)
    if not created:
        return Outcome(False, f"already on “{target.name}”", copy)
    return Outcome(True, f"copied to “{target.name}”", copy)


@transaction.atomic(savepoint=False)
def move_to_list(subscriber: Subscriber, target: MailingList, cause: Cause, now: datetime) -> Outcome:
    """Put it on `target` and mark it moved here, so that links in mail already sent still find it."""
    row = _lock(subscriber)
    if row is None:
        return NOBODY
    if refused := _refuse_target(row, target):
        return refused
    copy, created = _copy(row, target, cause, now)
    before = {"status": row.standing, "moved_to": None}
    row.stand(Status.MOVED)
    row.moved_to = copy
    row.save(update_fields=["status", "status_beneath", "moved_to"])
    after = {"status": Status.MOVED, "moved_to": copy.uid}
    _record(Action.MOVE, cause, now, row, before, after)
    where = f"moved to “{target.name}”"
    return Outcome(True, where if created else f"{where}, where the address already was", copy)


def _refuse_target(row: Subscriber, target: MailingList) -> Outcome | None:
    if target.customer_id != row.customer_id:
        return Outcome(False, "the target list belongs to another customer", row)
    if target.pk == row.list_id:
        return Outcome(False, f"already on “{target.name}”", row)
    return None


def _copy(row: Subscriber, target: MailingList, cause: Cause, now: datetime) -> tuple[Subscriber, bool]:
    """The address on `target`, and whether it was put there: made, or called back from where it had moved."""
    there = target.subscribers.select_for_update().filter(email_key=row.email_key).first()
    if there is not None and there.standing != Status.MOVED:
        return there, False
    if there is None:
        made = Subscriber(
            list=target, email=row.email, status=row.standing, fields=row.fields, created_at=now
        )
        _insert(made, Action.COPY, cause, now)
        return made, True
    before = {"status": there.standing, "moved_to": there.moved_to.uid if there.moved_to else None}
    there.stand(row.standing)
    there.moved_to = None
    there.save(update_fields=["status", "status_beneath", "moved_to"])
    _record(Action.COPY, cause, now, there, before, {"status": row.standing, "moved_to": None})
    return there, True


def _insert(made: Subscriber, action: Change.Action, cause: Cause, now: datetime) -> None:
    """Save a new subscriber; one whose address is on the blacklist is marked from the start."""
    made.save(force_insert=True)
    after = {"status": made.standing, "list": made.list_id}
    _record(action, cause, now, made, {}, after)
    if not covers(made.email_key, made.customer_id):
        return
    made.enter_blacklist()
    made.save(update_fields=["status", "status_beneath"])
    on_list = Cause(PLATFORM.kind, text="the address is on the blacklist", batch=cause.batch)
    _record(Action.BLACKLIST, on_list, now, made, {"blacklisted": False}, {"blacklisted": True})


@transaction.atomic(savepoint=False)
def stop_group(subscriber: Subscriber, group: CampaignGroup, cause: Cause, now: datetime) -> Outcome:
    """No campaign of `group` is sent to this subscriber any more."""
    row = _lock(subscriber)
    if row is None:
        return NOBODY
    if group.customer_id != row.customer_id:
        return Outcome(False, "the campaign group belongs to another customer", row)
    _, created = GroupStop.objects.get_or_create(
        group=group, subscriber=row, defaults={"customer_id": row.customer_id, "created_at": now}
    )
    if not created:
        return Outcome(False, f"already stopped “{group.name}”", row)
    _record(Action.STOP_GROUP, cause, now, row, {"stopped": False}, {"stopped": True, "group": group.pk})
    return Outcome(True, f"stopped “{group.name}”", row)


@transaction.atomic(savepoint=False)
def subscribe(
    mailing_list: MailingList,
    email: str,
    fields: dict[str, Any],
    status: str,
    cause: Cause,
    now: datetime,
    *,
    uid: str = "",
) -> Outcome:
    """Put `email` on the list with `status`. One that is there keeps what it has: field values are added or
    replaced, its standing may be lowered, and is raised by a person or the subscriber only, never an import.
    """
    standing = Status.UNCONFIRMED if status == Status.BLACKLISTED else status
    row = mailing_list.subscribers.select_for_update().filter(email_key=normalize_address(email)).first()
    if row is None:
        row = Subscriber(
            list=mailing_list, email=email.strip(), status=standing, fields=fields, created_at=now
        )
        row.uid = uid or row.uid
        _insert(row, Action.SUBSCRIBE, cause, now)
        outcome = Outcome(True, "subscribed", row)
    else:
        outcome = _subscribe_again(row, fields, standing, cause, now)
    if status == Status.BLACKLISTED and blacklist(row.email, row.customer, cause, now, shared=False).changed:
        row.refresh_from_db(fields=["status", "status_beneath"])
        return Outcome(True, "blacklisted", row)
    return outcome


def _subscribe_again(
    row: Subscriber, fields: dict[str, Any], standing: str, cause: Cause, now: datetime
) -> Outcome:
    before = {"status": row.standing, "fields": row.fields}
    is_lower = RANK.get(Status(standing), 0) < RANK.get(Status(row.standing), 0)
    if is_lower or cause.kind in RAISING_CAUSES:
        row.stand(standing)
    row.fields = {**row.fields, **fields}
    after = {"status": row.standing, "fields": row.fields}
    if before == after:
        return Outcome(False, f"already {Status(row.standing).label.lower()}", row)
    row.save(update_fields=["status", "status_beneath", "fields"])
    _record(Action.EDIT, cause, now, row, *_differences(before, after))
    return Outcome(True, "updated", row)


@transaction.atomic(savepoint=False)
def edit(
    subscriber: Subscriber, *, email: str, fields: dict[str, Any], cause: Cause, now: datetime
) -> Outcome:
    """Change the address or the field values; a new address is marked if it is on the blacklist."""
    row = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if row is None:
        return NOBODY
    key = normalize_address(email)
    if row.list.subscribers.filter(email_key=key).exclude(pk=row.pk).exists():
        return Outcome(False, "this address is on the list already", row)
    before = {"email": row.email, "fields": row.fields, "blacklisted": row.is_blacklisted}
    row.email, row.fields = email.strip(), fields
    if key != row.email_key:
        mark_by_address(row, key)
    after = {"email": row.email, "fields": row.fields, "blacklisted": row.is_blacklisted}
    if before == after:
        return Outcome(False, "unchanged", row)
    row.save()
    _record(Action.EDIT, cause, now, row, *_differences(before, after))
    return Outcome(True, "saved", row)


def mark_by_address(row: Subscriber, email_key: str) -> None:
    """Marked exactly when an entry covers the address. Does not save."""
    if covers(email_key, row.customer_id):
        row.enter_blacklist()
    else:
        row.leave_blacklist()


def _differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    changed = [key for key in before if before[key] != after[key]]
    return {key: before[key] for key in changed}, {key: after[key] for key in changed}

"""Undoing what the journal tells: one change, one message, one run. A conflict is shown, never forced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from audience.blacklisting import (
    ONLY_BACKEND,
    causes,
    free_subscribers,
    hold_entries,
    mark_subscribers,
    owned_by,
)
from audience.changes import mark_by_address
from audience.journal import RESTORE_FOR, Cause, Outcome, sentence
from audience.models import BlacklistEntry, CampaignGroup, Change, GroupStop, MailingList, Subscriber
from mail.addresses import normalize_address

Action = Change.Action
UNDONE_ALREADY = "undone already"
DELETED = "the subscriber was deleted since"


class Conflict(Exception):
    """A change cannot be undone without overwriting something; the text says what."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of one change: undone, or why it was left as it is."""

    change: Change
    outcome: Outcome


def undo_changes(changes: Iterable[Change], *, by: User | None, now: datetime) -> list[Undone]:
    """Undo them, newest first; those that conflict with something later stay and say why."""
    newest_first = sorted(changes, key=lambda change: -change.pk)
    results = [Undone(change, undo_change(change, by=by, now=now)) for change in newest_first]
    # Parts of a change that was undone as a whole a moment ago are nothing to report.
    return [result for result in results if result.outcome.text != UNDONE_ALREADY]


def undo_change(change: Change, *, by: User | None, now: datetime) -> Outcome:
    """Undo one change for `by` (None: the system), who is the backend or of the change's own customer."""
    with transaction.atomic():
        if change.action in (Action.BLACKLIST, Action.LIFT):
            hold_entries(change.email_key, change.customer_id)
        current = Change.objects.select_for_update().get(pk=change.pk)
        if current.undone_at is not None:
            return Outcome(False, UNDONE_ALREADY)
        if not _may_undo(current, by):
            return Outcome(False, ONLY_BACKEND)
        try:
            text = HANDLERS[Action(current.action)](current, by, now)
        except Conflict as conflict:
            return Outcome(False, str(conflict))
        _mark_undone([current.pk], by, now)
    return Outcome(True, text)


def _may_undo(change: Change, by: User | None) -> bool:
    return by is None or by.customer_id is None or by.customer_id == change.customer_id


def _mark_undone(pks: list[int], by: User | None, now: datetime) -> None:
    Change.objects.filter(pk__in=pks, undone_at__isnull=True).update(undone_at=now, undone_by=by)


def _subscriber(change: Change) -> Subscriber:
    """The change's subscriber, locked."""
    row: Subscriber | None = Subscriber.objects.select_for_update().filter(uid=change.subscriber_uid).first()
    if row is None:
        raise Conflict(DELETED)
    return row


def _refuse_later(change: Change, keys: set[str]) -> None:
    """Raise Conflict where a later change, not undone itself, touched one of `keys`."""
    later = Change.objects.filter(
        subscriber_uid=change.subscriber_uid, pk__gt=change.pk, undone_at__isnull=True
    )
    for other in later.order_by("-pk"):
        if keys & {*other.before, *other.after}:
            raise Conflict(f"changed later: {sentence(other)}")


def _undo_standing(change: Change, _by: User | None, _now: datetime) -> str:
    if change.before == change.after:
        return "one cause less"
    row = _subscriber(change)
    _refuse_later(change, {"status"})
    if row.standing != change.after["status"]:
        raise Conflict(f"is {row.standing} now")
    row.stand(change.before["status"])
    row.save(update_fields=["status", "status_beneath"])
    return f"{Subscriber.Status(row.standing).label.lower()} again"


def _undo_edit(change: Change, _by: User | None, _now: datetime) -> str:
    row = _subscriber(change)
    before = change.before
    _refuse_later(change, set(before) - {"blacklisted"})
    if "email" in before:
        _rename(row, before["email"])
    if "status" in before:
        row.stand(before["status"])
    row.fields = before.get("fields", row.fields)
    row.save()
    return "as before"


def _rename(row: Subscriber, email: str) -> None:
    key = normalize_address(email)
    if row.list.subscribers.filter(email_key=key).exclude(pk=row.pk).exists():
        raise Conflict(f"{email} is on the list as another subscriber now")
    row.email = email
    mark_by_address(row, key)


def _undo_addition(change: Change, by: User | None, now: datetime) -> str:
    """Take a subscriber away that was put on a list, or send back one that had been called back."""
    row = _subscriber(change)
    _refuse_later(change, {"status", "email", "fields", "stopped"})
    if change.before:
        row.stand(change.before["status"])
        row.moved_to = Subscriber.objects.filter(uid=change.before["moved_to"] or "").first()
        row.save(update_fields=["status", "status_beneath", "moved_to"])
        return "moved again"
    marks = Change.objects.filter(subscriber_uid=row.uid, action=Action.BLACKLIST, undone_at__isnull=True)
    _mark_undone(list(marks.values_list("pk", flat=True)), by, now)
    row.delete()
    return "taken off the list"


def _undo_move(change: Change, by: User | None, now: datetime) -> str:
    row = _subscriber(change)
    _refuse_later(change, {"status"})
    copies = Change.objects.filter(
        batch=change.batch,
        action=Action.COPY,
        subscriber_uid=change.after["moved_to"],
        undone_at__isnull=True,
    )
    for copy in copies:
        _undo_addition(copy, by, now)
        _mark_undone([copy.pk], by, now)
    row.stand(change.before["status"])
    row.moved_to = None
    row.save(update_fields=["status", "status_beneath", "moved_to"])
    return "back on its list"


def _undo_stop(change: Change, _by: User | None, _now: datetime) -> str:
    stops = GroupStop.objects.filter(group_id=change.after["group"], subscriber=_subscriber(change))
    if not stops.delete()[0]:
        raise Conflict("the campaign group is not stopped any more")
    return "receives the campaign group again"


def _undo_delete(change: Change, _by: User | None, now: datetime) -> str:
    """Bring the subscriber back under its own number and uid, so that no campaign takes it for a new one."""
    kept = change.before
    if not kept or now - change.at > RESTORE_FOR:
        raise Conflict(f"deleted more than {RESTORE_FOR.days} days ago: the data was erased")
    home = MailingList.objects.filter(pk=kept["list"]).first()
    if home is None:
        raise Conflict("the list was deleted since")
    key = normalize_address(kept["email"])
    if home.subscribers.filter(email_key=key).exists():
        raise Conflict("the address is on the list again, as a new subscriber")
    if Subscriber.objects.filter(uid=kept["uid"]).exists():
        raise Conflict("the uid is taken by another subscriber now")
    row = Subscriber(
        pk=kept["pk"],
        uid=kept["uid"],
        list=home,
        email=kept["email"],
        status=kept["status"],
        fields=kept["fields"],
        created_at=datetime.fromisoformat(kept["created_at"]),
    )
    row.customer_id = home.customer_id
    mark_by_address(row, key)
    row.save(force_insert=True)
    _reattach(row, kept["stopped_groups"], kept.get("deliveries", []))
    return "restored"


def _reattach(row: Subscriber, stopped_groups: list[int], deliveries: list[int]) -> None:
    """What pointed to the subscriber does so again: a complaint about an old message must find it."""
    sent = row.deliveries.model._default_manager.filter(pk__in=deliveries, customer_id=row.customer_id)
    sent.update(subscriber=row)
    Change.objects.filter(subscriber_uid=row.uid).update(subscriber=row)
    for group in CampaignGroup.objects.filter(pk__in=stopped_groups, customer_id=row.customer_id):
        GroupStop.objects.create(group=group, subscriber=row, customer_id=row.customer_id)


def _undo_blacklisting(change: Change, by: User | None, now: datetime) -> str:
    """Take one cause from the entry; with its last cause the address leaves the blacklist."""
    cause = _of_entry(change, by)
    _mark_undone([cause.pk], by, now)
    if left := causes(cause.email_key, cause.customer_id).count():
        return f"one cause less; stays on the blacklist for {left} other{'s' if left > 1 else ''}"
    BlacklistEntry.objects.filter(owned_by(cause.customer_id), email_key=cause.email_key).delete()
    freed = free_subscribers(cause.email_key, cause.customer_id)
    marks = Change.objects.filter(
        subscriber_uid__in=[row.uid for row in freed], action=Action.BLACKLIST, undone_at__isnull=True
    )
    _mark_undone(list(marks.values_list("pk", flat=True)), by, now)
    return "off the blacklist"


def _of_entry(change: Change, by: User | None) -> Change:
    """The entry's own row of this batch: what a subscriber's row is part of."""
    entry = (
        change
        if not change.subscriber_uid
        else Change.objects.filter(
            batch=change.batch, action=change.action, email_key=change.email_key, subscriber_uid=""
        ).first()
    )
    if entry is None:
        raise Conflict("the address is on the blacklist for a reason of its own: lift it there")
    if entry.undone_at is not None and entry.pk != change.pk:
        raise Conflict("this cause was taken away already")
    if not _may_undo(entry, by):
        raise Conflict(ONLY_BACKEND)
    return entry


def _undo_lift(change: Change, by: User | None, now: datetime) -> str:
    lifted = _of_entry(change, by)
    if BlacklistEntry.objects.filter(owned_by(lifted.customer_id), email_key=lifted.email_key).exists():
        raise Conflict("the address is on the blacklist again")
    entry = BlacklistEntry.objects.create(
        customer_id=lifted.customer_id,
        email=lifted.email,
        reason=lifted.before["reason"],
        created_at=now,
    )
    Change.objects.filter(pk__in=lifted.before["causes"]).update(undone_at=None, undone_by=None)
    parts = Change.objects.filter(batch=lifted.batch, action=Action.LIFT, email_key=lifted.email_key)
    _mark_undone(list(parts.values_list("pk", flat=True)), by, now)
    cause = Cause(Change.Cause.PERSON, text="the lift was undone", actor=by)
    mark_subscribers(entry, cause, now, lifted.customer_id)
    return "on the blacklist again"


HANDLERS: dict[Change.Action, Callable[[Change, User | None, datetime], str]] = {
    Action.SUBSCRIBE: _undo_addition,
    Action.COPY: _undo_addition,
    Action.CONFIRM: _undo_standing,
    Action.UNCONFIRM: _undo_standing,
    Action.UNSUBSCRIBE: _undo_standing,
    Action.BLACKLIST: _undo_blacklisting,
    Action.LIFT: _undo_lift,
    Action.DELETE: _undo_delete,
    Action.MOVE: _undo_move,
    Action.STOP_GROUP: _undo_stop,
    Action.EDIT: _undo_edit,
}

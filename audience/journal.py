"""The journal: what every change writes beside itself, so that it can be explained and undone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from audience.models import Change, Subscriber
from mail.addresses import normalize_address

# For this long the journal can bring back a deleted subscriber; afterwards the row's data is erased.
RESTORE_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something changes: kind, the row that caused it, a sentence for people, and who acted.

    Changes of one batch (one message, one import) can be undone together.
    """

    kind: str
    id: str = ""
    text: str = ""
    actor: User | None = None
    batch: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb did, as a sentence fragment; `changed` False where there was nothing to do."""

    changed: bool
    text: str
    subscriber: Subscriber | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence of "why?", and the row behind it: a page turns `kind` and `id` into a link."""

    text: str
    at: datetime
    kind: str
    id: str
    change: Change


PLATFORM = Cause(Change.Cause.PLATFORM, text="blacklisted by the platform")


def hidden(cause: Cause) -> Cause:
    """What customers other than the cause's own see of it; the batch stays, to undo it as one."""
    return replace(PLATFORM, batch=cause.batch)


def entry_for(
    action: Change.Action,
    cause: Cause,
    now: datetime,
    *,
    subscriber: Subscriber | None = None,
    email: str = "",
    customer_id: int | None = None,
    before: dict[str, Any],
    after: dict[str, Any],
) -> Change:
    """The unsaved journal row of one change: of `subscriber`, or of a blacklist entry without one."""
    address = subscriber.email if subscriber else email.strip()
    return Change(
        customer_id=subscriber.customer_id if subscriber else customer_id,
        email=address,
        email_key=subscriber.email_key if subscriber else normalize_address(address),
        subscriber=subscriber,
        subscriber_uid=subscriber.uid if subscriber else "",
        action=action,
        before=before,
        after=after,
        batch=cause.batch,
        cause_kind=cause.kind,
        cause_id=cause.id,
        cause_text=cause.text[:250],
        actor=cause.actor,
        at=now,
    )


def is_noted(changes: Iterable[Change], cause: Cause) -> bool:
    """Whether one of `changes` has this very cause already, so that it is not written twice."""
    return any(
        (change.cause_kind, change.cause_id, change.cause_text) == (cause.kind, cause.id, cause.text[:250])
        for change in changes
    )


def snapshot(subscriber: Subscriber) -> dict[str, Any]:
    """Everything of a subscriber that a restore needs."""
    return {
        "pk": subscriber.pk,
        "uid": subscriber.uid,
        "list": subscriber.list_id,
        "email": subscriber.email,
        "status": subscriber.standing,
        "fields": subscriber.fields,
        "created_at": subscriber.created_at.isoformat(),
        "stopped_groups": list(subscriber.stops.values_list("group_id", flat=True)),
        "deliveries": list(subscriber.deliveries.values_list("pk", flat=True)),
    }


def why(subscriber: Subscriber) -> list[Reason]:
    """The subscriber's history in words, newest first, with the rows behind each sentence."""
    changes = Change.objects.filter(subscriber_uid=subscriber.uid).select_related("actor", "undone_by")
    return [
        Reason(sentence(change), change.at, change.cause_kind, change.cause_id, change)
        for change in changes.order_by("-pk")
    ]


def sentence(change: Change) -> str:
    """One change in words: what, when, because of what, by whom, and whether it was undone."""
    words = f"{_deed(change)} on {_moment(change.at)}"
    if change.cause_text:
        words += f": {change.cause_text}"
    if change.cause_kind != Change.Cause.PLATFORM:
        words += f" ({_author(change)})"
    if change.undone_at:
        by = f" by {change.undone_by.email}" if change.undone_by else ""
        words += f". Undone{by} on {_moment(change.undone_at)}"
    return words + "."


def _deed(change: Change) -> str:
    deed = change.get_action_display()
    return f"{deed} once more" if change.before == change.after else deed


def _author(change: Change) -> str:
    if change.actor:
        return f"{change.get_cause_kind_display()}: {change.actor.email}"
    return str(change.get_cause_kind_display())


def _moment(at: datetime) -> str:
    """In the reader's time zone, which is named."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M %Z}"


def erase_deleted(now: datetime) -> int:
    """Forget the data of subscribers deleted before RESTORE_FOR; that they were stays known."""
    old = Change.objects.filter(action=Change.Action.DELETE, at__lt=now - RESTORE_FOR)
    return old.exclude(before={}).update(before={})

"""What a person does to the audience, translated into the journalled verbs of audience/changes.py."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from audience import changes
from audience.changes import Cause, Outcome
from audience.models import BlacklistEntry, Change, MailingList, Subscriber
from audience.undo import undo_changes
from mail.addresses import normalize_address
from pages.tables import Act, Done

# A list with more subscribers is emptied in several rounds, so that no page waits for minutes.
MOST_AT_ONCE = 2000


def by_person(actor: User, text: str = "", batch: uuid.UUID | None = None) -> Cause:
    """A person as the cause; what is done in one go shares a batch and can be undone together."""
    return Cause(Change.Cause.PERSON, text=text, actor=actor, batch=batch or uuid.uuid4())


def save_subscriber(form: Any, actor: User) -> Subscriber:
    """Store a subscriber's form by the verbs. Raises ValidationError where the address is there already."""
    values, now, cause = form.cleaned_data, timezone.now(), by_person(actor)
    if form.instance.pk:
        outcome = changes.edit(
            form.instance, email=values["email"], fields=values["fields_text"], cause=cause, now=now
        )
    elif values["list"].subscribers.filter(email_key=normalize_address(values["email"])).exists():
        raise ValidationError("This address is on the list already.")
    else:
        outcome = changes.subscribe(
            values["list"], values["email"], values["fields_text"], values["status"], cause, now
        )
    return stored(outcome)


def stored(outcome: Outcome) -> Subscriber:
    """The subscriber of an outcome. Raises ValidationError where the verb refused."""
    if outcome.subscriber is None or not (outcome.changed or outcome.text == "unchanged"):
        raise ValidationError(f"Not saved: {outcome.text}.")
    return outcome.subscriber


def save_blacklist_entry(form: Any, actor: User) -> BlacklistEntry:
    """Put an address on the customer's own blacklist."""
    email, customer = form.cleaned_data["email"], form.owner
    reason = form.cleaned_data["reason"]
    outcome = changes.blacklist(email, customer, by_person(actor, reason), timezone.now())
    if not outcome.changed:
        raise ValidationError("This address is on the blacklist already.")
    return BlacklistEntry.objects.for_customer(customer).get(email_key=normalize_address(email))


def remove_subscriber(row: Subscriber, actor: User) -> None:
    changes.delete(row, by_person(actor), timezone.now())


def remove_entry(row: BlacklistEntry, actor: User) -> None:
    outcome = changes.lift(row, by_person(actor), timezone.now())
    if not outcome.changed:
        raise ValidationError(f"Not lifted: {outcome.text}.")


def remove_list(row: MailingList, actor: User) -> None:
    """Delete a list with its subscribers, each journalled. Raises ValidationError where it is too large."""
    count = row.subscribers.count()
    if count > MOST_AT_ONCE:
        raise ValidationError(
            f"The list has {count:,} subscribers. Delete or move them first, until at most "
            f"{MOST_AT_ONCE:,} are left."
        )
    cause, now = by_person(actor, f"list “{row.name}” deleted"), timezone.now()
    for subscriber in row.subscribers.all():
        changes.delete(subscriber, cause, now)
    row.delete()


Verb = Callable[[Subscriber, Cause, Any], Outcome]


def blacklist_subscriber(subscriber: Subscriber, cause: Cause, now: Any) -> Outcome:
    return changes.blacklist(subscriber.email, subscriber.customer, cause, now)


VERBS: dict[str, tuple[str, Verb]] = {
    "confirm": ("Confirm", changes.confirm),
    "unconfirm": ("Unconfirm", changes.unconfirm),
    "unsubscribe": ("Unsubscribe", changes.unsubscribe),
    "blacklist": ("Blacklist", blacklist_subscriber),
}

# What each of them makes of a subscriber.
STANDINGS = {
    "confirm": Subscriber.Status.CONFIRMED,
    "unconfirm": Subscriber.Status.UNCONFIRMED,
    "unsubscribe": Subscriber.Status.UNSUBSCRIBED,
    "blacklist": Subscriber.Status.BLACKLISTED,
}


def bulk(verb: Verb) -> Callable[[QuerySet[Any], Act], Done]:
    """A verb on many subscribers as one batch; those it left alone say why."""

    def run(rows: QuerySet[Any], act: Act) -> Done:
        cause = by_person(act.actor)
        outcomes = [(row, verb(row, cause, act.now)) for row in rows.select_related("list", "customer")]
        return summed((row.email, outcome) for row, outcome in outcomes)

    return run


def lift_all(rows: QuerySet[Any], act: Act) -> Done:
    cause = by_person(act.actor)
    return summed((row.email, changes.lift(row, cause, act.now)) for row in list(rows))


def undo_all(rows: QuerySet[Any], act: Act) -> Done:
    done = undo_changes(list(rows), by=act.actor, now=act.now)
    return summed((one.change.email, one.outcome) for one in done)


def summed(outcomes: Iterable[tuple[str, Outcome]]) -> Done:
    """How many changed, and for the others why not."""
    found = list(outcomes)
    notes = tuple(f"{name}: {outcome.text}." for name, outcome in found if not outcome.changed)
    return Done(sum(outcome.changed for _, outcome in found), notes)

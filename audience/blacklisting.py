"""The blacklist: who is on it and why. An address leaves it only with its last cause.

An entry's causes are the journal rows "blacklisted" of its address and scope that name no subscriber and are
not undone. Every subscriber in reach is marked, each in its own customer's journal.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Customer, SystemSettings
from audience.journal import Cause, Outcome, entry_for, hidden, is_noted
from audience.models import BlacklistEntry, Change, Subscriber
from mail.addresses import normalize_address

# Hand-made and imported entries stay the customer's own (promise 3).
SHARING_CAUSES = frozenset({Change.Cause.BOUNCE, Change.Cause.COMPLAINT, Change.Cause.MONITOR})
ONLY_BACKEND = "shared by all customers: only the platform's own staff can lift it"


@transaction.atomic(savepoint=False)
def blacklist(
    email: str, customer: Customer | None, cause: Cause, now: datetime, *, shared: bool = False
) -> Outcome:
    """Put `email` on the blacklist and mark its subscribers; one more cause where it is there already.

    The entry is `customer`'s own, or holds for all where `customer` is None, or where `shared` is asked for
    by a bounce, complaint or monitor action while the settings let customers share one blacklist.
    """
    owner = None if customer is None or (shared and _may_share(cause)) else customer
    entry, created = _locked_entry(email, owner, cause, now)
    if created or not is_noted(causes_of(entry), cause):
        _note_cause(entry, cause, now, created)
    marked = mark_subscribers(entry, cause, now, customer.pk if customer else None)
    if created or marked:
        return Outcome(True, "blacklisted for all customers" if owner is None else "blacklisted")
    return Outcome(False, "already blacklisted")


def _may_share(cause: Cause) -> bool:
    return cause.kind in SHARING_CAUSES and SystemSettings.load().customer_blacklist_is_global


def _locked_entry(
    email: str, owner: Customer | None, cause: Cause, now: datetime
) -> tuple[BlacklistEntry, bool]:
    """The entry, locked: nobody lifts it between its creation and its cause."""
    while True:
        entry, created = BlacklistEntry.objects.get_or_create(
            customer=owner,
            email_key=normalize_address(email),
            defaults={"email": email.strip(), "reason": cause.text[:250], "created_at": now},
        )
        if created or BlacklistEntry.objects.select_for_update().filter(pk=entry.pk).exists():
            return entry, created


def hold_entries(email_key: str, customer_id: int | None) -> None:
    """Lock what this customer may see of an address, inside a transaction and before any of its causes.

    Everybody takes the entry first and the rows of its causes after it.
    """
    rows = BlacklistEntry.objects.filter(
        owned_by(customer_id) | Q(customer__isnull=True), email_key=email_key
    )
    list(rows.select_for_update().order_by("pk").values_list("pk"))


def _note_cause(entry: BlacklistEntry, cause: Cause, now: datetime, created: bool) -> None:
    entry_for(
        Change.Action.BLACKLIST,
        cause,
        now,
        email=entry.email,
        customer_id=entry.customer_id,
        before={"blacklisted": not created},
        after={"blacklisted": True},
    ).save(force_insert=True)


def causes_of(entry: BlacklistEntry) -> QuerySet[Change]:
    """The causes for which the entry still stands."""
    return causes(entry.email_key, entry.customer_id)


def causes(email_key: str, owner_id: int | None) -> QuerySet[Change]:
    return Change.objects.filter(
        owned_by(owner_id),
        email_key=email_key,
        action=Change.Action.BLACKLIST,
        subscriber_uid="",
        undone_at__isnull=True,
    )


def owned_by(owner_id: int | None) -> Q:
    """Rows of one owner: a customer, or everybody where it is None."""
    return Q(customer__isnull=True) if owner_id is None else Q(customer_id=owner_id)


def covers(email_key: str, customer_id: int) -> bool:
    """Whether an entry holds for this address of this customer."""
    scope = Q(customer_id=customer_id) | Q(customer__isnull=True)
    return BlacklistEntry.objects.filter(scope, email_key=email_key).exists()


def subscribers_in_reach(email_key: str, owner_id: int | None) -> QuerySet[Subscriber]:
    """The subscribers whom an entry of this scope concerns, locked in one order for everybody."""
    reach = Subscriber.objects.filter(email_key=email_key)
    if owner_id is not None:
        reach = reach.filter(customer_id=owner_id)
    return reach.select_for_update().order_by("pk")


def mark_subscribers(entry: BlacklistEntry, cause: Cause, now: datetime, cause_of: int | None) -> int:
    """Mark everybody in reach; only the customer `cause_of` sees the cause. Returns how many changed."""
    reach = subscribers_in_reach(entry.email_key, entry.customer_id)
    # Asked of the locked rows: one that another entry is just leaving shows so only after the wait for it.
    rows = [row for row in reach if row.status != Subscriber.Status.BLACKLISTED]
    for row in rows:
        row.enter_blacklist()
    Subscriber.objects.bulk_update(rows, ["status", "status_beneath"], batch_size=500)
    _journal(Change.Action.BLACKLIST, rows, cause, now, cause_of)
    return len(rows)


def free_subscribers(email_key: str, owner_id: int | None) -> list[Subscriber]:
    """Take the mark from everybody in reach whom no other entry covers. The caller journals it."""
    rows = list(subscribers_in_reach(email_key, owner_id).filter(status=Subscriber.Status.BLACKLISTED))
    free = [row for row in rows if not covers(email_key, row.customer_id)]
    for row in free:
        row.leave_blacklist()
    Subscriber.objects.bulk_update(free, ["status", "status_beneath"], batch_size=500)
    return free


def _journal(
    action: Change.Action, rows: list[Subscriber], cause: Cause, now: datetime, cause_of: int | None
) -> None:
    on = action == Change.Action.BLACKLIST
    Change.objects.bulk_create(
        [
            entry_for(
                action,
                cause if row.customer_id == cause_of else hidden(cause),
                now,
                subscriber=row,
                before={"blacklisted": not on},
                after={"blacklisted": on},
            )
            for row in rows
        ],
        batch_size=500,
    )


@transaction.atomic(savepoint=False)
def lift(entry: BlacklistEntry, cause: Cause, now: datetime) -> Outcome:
    """Take an address off the blacklist with all its causes; its subscribers stand as they did beneath it.

    A customer's user cannot lift a shared entry: nothing changes and the outcome says so.
    """
    if entry.customer_id is None and cause.actor is not None and cause.actor.customer_id is not None:
        return Outcome(False, ONLY_BACKEND)
    locked = BlacklistEntry.objects.select_for_update().filter(pk=entry.pk).first()
    if locked is None:
        return Outcome(False, "not on the blacklist")
    live = causes_of(locked)
    ended = list(live.values_list("pk", flat=True))
    live.update(undone_at=now, undone_by=cause.actor)
    locked.delete()
    _note_lift(entry, cause, now, ended)
    freed = free_subscribers(entry.email_key, entry.customer_id)
    _journal(Change.Action.LIFT, freed, cause, now, entry.customer_id)
    return Outcome(True, "lifted from the blacklist")


def _note_lift(entry: BlacklistEntry, cause: Cause, now: datetime, ended: list[int]) -> None:
    entry_for(
        Change.Action.LIFT,
        cause,
        now,
        email=entry.email,
        customer_id=entry.customer_id,
        before={"blacklisted": True, "reason": entry.reason, "causes": ended},
        after={"blacklisted": False},
    ).save(force_insert=True)

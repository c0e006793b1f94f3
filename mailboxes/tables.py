"""The list of a customer's mailboxes."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.db.models import Q, QuerySet

from accounts.models import Customer
from mailboxes.models import Mailbox
from pages.badges import Badge, Tone
from pages.tables import Empty, Table

SyncState = Mailbox.SyncState
LOOKS = {
    SyncState.NEVER: (Tone.INFO, "clock"),
    SyncState.VALID: (Tone.GOOD, "check"),
    SyncState.RUNNING: (Tone.INFO, "sync"),
    SyncState.PARTIAL: (Tone.WARNING, "clock"),
    SyncState.ATTENTION: (Tone.BAD, "alert"),
    SyncState.STOPPED: (Tone.QUIET, "pause"),
}
USERS = ("deliveryservers", "bounceservers", "monitors")


def mailboxes_of(customer: Customer) -> QuerySet[Any]:
    """The mailboxes that a connected server of the customer uses: naming an address alone shows nothing."""
    mine = Q()
    for users in USERS:
        mine |= Q(**{f"{users}__customer": customer, f"{users}__connected_at__isnull": False})
    return Mailbox.objects.filter(pk__in=Mailbox.objects.filter(mine).values("pk"))


def is_shared(mailbox: Mailbox, customer: Customer) -> bool:
    """Whether somebody else's servers use the mailbox too."""
    return any(getattr(mailbox, users).exclude(customer=customer).exists() for users in USERS)


@display(description="State", ordering="sync_state")
def sync_state(mailbox: Mailbox) -> Badge:
    tone, icon = LOOKS[SyncState(mailbox.sync_state)]
    return Badge(mailbox.get_sync_state_display(), tone, icon, mailbox.sync_error)


MAILBOXES = Table(
    columns=("email", "provider", "last_read_at", "newest_at", sync_state),
    search=("email_key__icontains",),
    search_hint="Address",
    filters=("provider", "sync_state"),
    order_by=("email", "pk"),
    empty=Empty("No mailboxes yet", "A mailbox appears here once a server of yours is connected to it."),
)

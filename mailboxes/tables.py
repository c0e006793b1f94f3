"""The list of a customer's mailboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import Customer
from mailboxes.models import Mailbox, MessageMatch, ProcessedMessage, Purpose
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


@display(description="Received")
def match_received(match: MessageMatch) -> datetime | None:
    return match.message.received_at


@display(description="From")
def match_sender(match: MessageMatch) -> str:
    return match.message.sender


@display(description="Subject")
def match_subject(match: MessageMatch) -> str:
    return match.message.subject


@display(description="What came of it")
def match_summary(match: MessageMatch) -> str:
    return match.summary


MATCHED = Table(
    columns=(match_received, match_sender, match_subject, match_summary),
    search=("message__sender__icontains", "message__subject__icontains", "summary__icontains"),
    search_hint="Sender, subject or outcome",
    filters=("at",),
    related=("message",),
    is_log=True,
    link_first=False,
    empty=Empty(
        "Nothing yet", "Bounces of your campaigns and messages that your monitors acted on appear here."
    ),
)


@display(description="Received")
def received(message: ProcessedMessage) -> datetime | None:
    return message.received_at


@display(description="From")
def sender(message: ProcessedMessage) -> str:
    return message.sender


@display(description="Why it is unmatched")
def why_unmatched(message: Any) -> SafeString:
    return format_html("<div>{}</div>", format_html_join("", "<div>{}: {}</div>", reasons_of(message)))


def reasons_of(message: Any) -> list[tuple[str, str]]:
    """What the mailbox is read for, and why the message is nobody's there."""
    own = Purpose(message.purpose)
    reasons = {own: message.unmatched}
    if message.also:
        reasons[next(purpose for purpose in Purpose if purpose != own)] = message.also
    return [(purpose.label, reason) for purpose, reason in sorted(reasons.items())]


UNMATCHED = Table(
    columns=(received, sender, "subject", why_unmatched),
    search=("sender__icontains", "subject__icontains"),
    search_hint="Sender or subject",
    filters=("purpose", "received_at"),
    is_log=True,
    link_first=False,
    empty=Empty("Nothing yet", "Messages that were read and are nobody's appear here, each with the reason."),
)

"""What a mailbox is watched for, and where reading begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from mailboxes.models import Mailbox, Purpose, Watch

# The provider's index may lag and its clock differ: what came this long before is listed again.
CLOCK_MARGIN = timedelta(minutes=10)
# Bounces that wait unread are wanted; old replies are better left to people.
DEFAULT_FIRST_READ = {Purpose.BOUNCES: Watch.FirstRead.UNREAD, Purpose.MONITORS: Watch.FirstRead.NOW}


def watch(
    mailbox: Mailbox, purpose: Purpose, first_read: str = "", first_read_from: datetime | None = None
) -> Watch:
    """Watch the mailbox for `purpose`. An explicit `first_read` begins anew: what was handled stays handled."""
    row, created = Watch.objects.get_or_create(
        mailbox=mailbox,
        purpose=purpose,
        defaults={
            "first_read": first_read or DEFAULT_FIRST_READ[purpose],
            "first_read_from": first_read_from,
        },
    )
    if first_read and not created:
        row.begin(first_read, first_read_from)
    return row


def watches_for(mailbox: Mailbox, purposes: Mapping[Purpose, datetime]) -> list[Watch]:
    """The watch of each purpose, made where a server has just been added; `purposes` says when it was.

    "From now" is from that moment, not from the first cycle after it: what came between is not lost.
    """
    known = {row.purpose: row for row in Watch.objects.filter(mailbox=mailbox, purpose__in=purposes)}
    watches = [
        known.get(purpose) or watch(mailbox, purpose, first_read_from=purposes[purpose])
        for purpose in sorted(purposes)
    ]
    _resume(mailbox, watches, purposes)
    return watches


@transaction.atomic
def _resume(mailbox: Mailbox, watches: list[Watch], added: Mapping[Purpose, datetime]) -> None:
    """Make up for the time in which a purpose was switched off; servers added since then begin anew."""
    for row in watches:
        purpose = Purpose(row.purpose)
        if row.served_at and added[purpose] > row.served_at:
            row.begin(DEFAULT_FIRST_READ[purpose], added[purpose])
    if mailbox.complete_until is None:
        return
    if all(row.served_at is None for row in watches):
        # Nobody has read on meanwhile: what the old cursor has missed was for servers that are gone.
        mailbox.cursor = mailbox.complete_until = None
        mailbox.save(update_fields=["cursor", "complete_until"])
        return
    last_listed = mailbox.complete_until + CLOCK_MARGIN
    for row in watches:
        if row.served_at and row.served_at < last_listed:
            row.begin(Watch.FirstRead.DATE, row.served_at - CLOCK_MARGIN)

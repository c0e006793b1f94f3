"""What a mailbox is watched for, and where reading begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mailboxes.models import Mailbox, Purpose, Watch

# Bounces that wait unread are wanted; old replies are better left to people.
DEFAULT_FIRST_READ = {Purpose.BOUNCES: Watch.FirstRead.UNREAD, Purpose.MONITORS: Watch.FirstRead.NOW}


def watch(
    mailbox: Mailbox, purpose: Purpose, first_read: str = "", first_read_from: datetime | None = None
) -> Watch:
    """Watch the mailbox for `purpose`. `first_read` is taken over while its first sweep has not begun."""
    row, created = Watch.objects.get_or_create(
        mailbox=mailbox,
        purpose=purpose,
        defaults={
            "first_read": first_read or DEFAULT_FIRST_READ[purpose],
            "first_read_from": first_read_from,
        },
    )
    has_begun = row.swept_at is not None or row.sweep_cursor is not None
    if first_read and not created and not has_begun:
        row.first_read, row.first_read_from = first_read, first_read_from
        row.save(update_fields=["first_read", "first_read_from"])
    return row


def watches_for(mailbox: Mailbox, purposes: Mapping[Purpose, datetime]) -> list[Watch]:
    """The watch of each purpose, made where a server has just been added; `purposes` says when it was.

    "From now" is from that moment, not from the first cycle after it: what came between is not lost.
    """
    known = {row.purpose: row for row in Watch.objects.filter(mailbox=mailbox, purpose__in=purposes)}
    return [
        known.get(purpose) or watch(mailbox, purpose, first_read_from=purposes[purpose])
        for purpose in sorted(purposes)
    ]

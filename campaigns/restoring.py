"""After a backup was put back: what it calls waiting may have been sent since, so nothing of it leaves unseen.

A waiting message becomes one of unknown outcome and is looked for in Sent of every mailbox that its campaign may
have used, by its own token, which the backup and the lost hours have in common. What the backup does not know at
all (people who were not queued yet, campaigns that had not begun) has no token to look for: a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Coalesce, Least

from accounts.auditing import audit, snapshot
from audience.models import Subscriber
from campaigns.claiming import own_servers
from campaigns.models import Attempt, Campaign, Delivery
from mailboxes.models import Mailbox

RESTORED = "restored"
BATCH = 1000
Status = Delivery.Status
WAITING = [Status.QUEUED, Status.DEFERRED, Status.SENDING]
OPEN = [Campaign.Status.READY, Campaign.Status.SENDING, Campaign.Status.PAUSED]


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one campaign: messages to look for, and people whom it leaves out since nobody can tell."""

    campaign: Campaign
    looked_for: int
    left_out: int

    @property
    def had_begun(self) -> bool:
        """Whether the backup has it begun; if not, only a person knows whether it was sent since."""
        return self.campaign.started_at is not None


def doubt(since: datetime, now: datetime) -> Iterator[Restored]:
    """Pause every campaign of a backup made at `since` and put what waits in doubt; may be stopped and run again.

    No worker may run meanwhile.
    """
    for campaign in Campaign.objects.filter(status__in=OPEN).order_by("pk"):
        yield _doubt(campaign, since, now)
    undecided = Delivery.objects.filter(status=Status.UNKNOWN).exclude(error_code=RESTORED)
    _look_again(undecided.filter(mailbox__isnull=False), since, now)


def possible_mailboxes(delivery: Delivery) -> list[Mailbox]:
    """The mailboxes that it may have left through, in the order in which they are looked into.

    One with a draft waits for the mailbox where that lies; any other may have gone through all of its campaign's.
    """
    if delivery.draft_id and delivery.mailbox:
        return [delivery.mailbox]
    servers = own_servers(delivery.campaign).order_by("mailbox_id")
    return list({server.mailbox_id: server.mailbox for server in servers if server.mailbox}.values())


def _doubt(campaign: Campaign, since: datetime, now: datetime) -> Restored:
    """First nothing more leaves, then each batch is a transaction of its own."""
    left_out = _unqueued(campaign)
    _pause(campaign, since, left_out)
    looked_for, last = 0, 0
    waiting = campaign.deliveries.filter(status__in=WAITING).order_by("pk")
    while numbers := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        _put_in_doubt(campaign, numbers, since, now)
        looked_for, last = looked_for + len(numbers), numbers[-1]
    return Restored(campaign, looked_for, left_out)


def _unqueued(campaign: Campaign) -> int:
    """How many the backup had not queued yet of a campaign that had begun."""
    if campaign.started_at is None or campaign.queued_all:
        return 0
    people = Subscriber.objects.confirmed().filter(list_id=campaign.list_id, pk__gt=campaign.queued_up_to)
    return people.count()


def _pause(campaign: Campaign, since: datetime, left_out: int) -> None:
    made = f"{since:%Y-%m-%d %H:%M} UTC"
    if campaign.started_at is None:
        text = f"It had not begun in the backup of {made}. Look into Sent: cancel it if it was sent since, else resume."
    else:
        text = f"Restored from the backup of {made}. What waited is looked for in Sent; then resume."
    if left_out:
        text += f" {left_out} people who were not queued yet are left out, since nobody can tell who got it."
    before = snapshot(campaign)
    changes: dict[str, Any] = {"status": Campaign.Status.PAUSED, "pause_reason": text}
    if campaign.started_at is not None:
        changes["queued_all"] = True
    with transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(**changes)
        campaign.refresh_from_db()
        audit(None, "campaign paused after a restore", campaign, before=before, after=snapshot(campaign))


def _put_in_doubt(campaign: Campaign, numbers: list[int], since: datetime, now: datetime) -> None:
    first = own_servers(campaign).filter(mailbox__isnull=False).order_by("mailbox_id").first()
    rows = Delivery.objects.filter(pk__in=numbers)
    with transaction.atomic():
        Attempt.objects.filter(delivery__in=numbers, finished_at__isnull=True).update(
            outcome=Attempt.Outcome.UNKNOWN, finished_at=now, code=RESTORED
        )
        rows.update(status=Status.UNKNOWN)
        rows.filter(draft_id="").update(mailbox=first.mailbox if first else None, server=None)
        _look_again(rows.filter(mailbox__isnull=False), since, now)
        _look_again(rows.filter(mailbox__isnull=True), since, None)


def _look_again(rows: QuerySet[Delivery], since: datetime, at: datetime | None) -> None:
    """Look into everything that was sent since the backup; without a mailbox (`at` None) a person decides."""
    earliest = Value(since, output_field=DateTimeField())
    rows.update(
        submitted_at=Least(Coalesce("submitted_at", earliest), earliest),
        next_try_at=at,
        looks=0,
        error="Restored from a backup: it may have been sent since.",
        error_code=RESTORED,
    )

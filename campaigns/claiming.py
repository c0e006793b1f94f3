"""Reserving deliveries for a mailbox: by one transaction under its lease, within quota, the excluded left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Concat

from campaigns.models import Attempt, Campaign, Delivery
from campaigns.skipping import find_reasons
from mail.addresses import domain_of
from mailboxes.leases import Lease
from servers import quotas
from servers.models import DeliveryServer

# No POST of an attempt starts later than this after it was opened; a dead worker's claim is judged from then.
ATTEMPT_SECONDS = 60
BATCH_SIZE = 20

Status = Delivery.Status


def sending_campaigns(server: DeliveryServer) -> QuerySet[Campaign]:
    """Campaigns that may send through `server` now: its own customer's alone (promise 3)."""
    return Campaign.objects.filter(
        delivery_servers=server,
        customer=server.customer_id,
        status=Campaign.Status.SENDING,
        customer__status="active",
    ).select_related("customer", "list")


def own_servers(campaign: Campaign) -> QuerySet[DeliveryServer]:
    """The campaign's servers that are its customer's own; any other is ignored."""
    servers = DeliveryServer.objects.filter(campaigns=campaign, customer_id=campaign.customer_id)
    return servers.select_related("mailbox", "api_key")


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one transaction reserved, and how many excluded it skipped; behind those, more may wait."""

    deliveries: list[Delivery]
    skipped: int = 0


def reserve(
    lease: Lease, server: DeliveryServer, campaign: Campaign, wanted: int, now: datetime
) -> Reservation:
    """Up to `wanted` waiting deliveries of `campaign`, now "sending" through `server`.

    Excluded subscribers among them are skipped; the quota is claimed for exactly those returned. Raises
    LeaseLost. Neither reserved nor skipped: nothing waits, the quota is used up, or the campaign stopped.
    """
    with transaction.atomic():
        lease.require()
        if not sending_campaigns(server).filter(pk=campaign.pk).exists():
            return Reservation([])
        found = lock_waiting(campaign, server.mailbox_id, wanted, now)
        rows = _skip_excluded(campaign, found)
        granted = quotas.claim(server, len(rows), now) if rows else 0
        return Reservation(_take(rows[:granted], server, now), len(found) - len(rows))


def release(deliveries: Sequence[Delivery], *, claimed_at: datetime, now: datetime) -> None:
    """Give reserved deliveries back that were not tried after all, and their quota to the hour it is from."""
    if not deliveries:
        return
    rows = Delivery.objects.filter(pk__in=[one.pk for one in deliveries], status=Status.SENDING)
    with transaction.atomic():
        count = put_back(rows, now)
        server = deliveries[0].server
        if count and server:
            quotas.give_back(server, count, claimed_at)


def put_back(rows: QuerySet[Delivery], now: datetime) -> int:
    """Reserved deliveries wait again; one whose draft lies in a mailbox waits for that mailbox alone."""
    waiting = {"tries": F("tries") - 1}
    drafted = rows.exclude(draft_id="").update(status=Status.DEFERRED, next_try_at=now, **waiting)
    queued = rows.filter(draft_id="").update(
        status=Status.QUEUED, next_try_at=None, mailbox=None, server=None, **waiting
    )
    return drafted + queued


def open_attempts(deliveries: Sequence[Delivery], now: datetime) -> list[Attempt]:
    """Commit, with the caller's transaction, that these are about to be tried."""
    return Attempt.objects.bulk_create(
        Attempt(
            delivery=delivery,
            server_id=delivery.server_id,
            mailbox_id=delivery.mailbox_id,
            number=delivery.tries,
            started_at=now,
            deadline=now + timedelta(seconds=ATTEMPT_SECONDS),
        )
        for delivery in deliveries
    )


def lock_waiting(campaign: Campaign, mailbox_id: int, wanted: int, now: datetime) -> list[Delivery]:
    """Deferred ones whose time has come, then queued ones; two queries, so that each has its index.

    Both in the order of that index: with the rows of a campaign in any other order, a database reads all that was
    sent before it finds what is left.
    """
    ours = Q(draft_id="") | Q(mailbox_id=mailbox_id)
    rows = Delivery.objects.filter(campaign=campaign).select_related("subscriber")
    locked = rows.select_for_update(skip_locked=True, of=("self",))
    deferred = locked.filter(ours, status=Status.DEFERRED, next_try_at__lte=now).order_by("next_try_at")
    found = list(deferred[:wanted])
    if len(found) < wanted:
        found += locked.filter(status=Status.QUEUED).order_by("token")[: wanted - len(found)]
    return found


def _skip_excluded(campaign: Campaign, rows: list[Delivery]) -> list[Delivery]:
    reasons = find_reasons(campaign, rows)
    skipped = [row for row in rows if row.pk in reasons]
    for row in skipped:
        row.status, row.error, row.next_try_at = Status.SKIPPED, reasons[row.pk], None
    if skipped:
        Delivery.objects.bulk_update(skipped, ["status", "error", "next_try_at"])
    return [row for row in rows if row.pk not in reasons]


def _take(rows: list[Delivery], server: DeliveryServer, now: datetime) -> list[Delivery]:
    if not rows:
        return []
    domain = domain_of(server.email)
    doubtful = _perhaps_sent(rows)
    for row in rows:
        row.status, row.server, row.mailbox = Status.SENDING, server, server.mailbox
        row.next_try_at = now + timedelta(seconds=ATTEMPT_SECONDS)
        row.tries, row.looks = row.tries + 1, 0
        row.submitted_at = row.submitted_at if row.pk in doubtful else now
        # A repeated message keeps its Message-ID: a receiver that got both copies can tell.
        row.submitted_message_id = row.submitted_message_id or f"{row.token}@{domain}"
    common = {
        name: getattr(rows[0], name) for name in ("status", "server", "mailbox", "next_try_at", "looks")
    }
    taken = Delivery.objects.filter(pk__in=[row.pk for row in rows])
    taken.update(
        **common,
        tries=F("tries") + 1,
        submitted_at=Case(When(pk__in=doubtful, then=F("submitted_at")), default=Value(now)),
        submitted_message_id=Case(
            When(submitted_message_id="", then=Concat("token", Value(f"@{domain}"))),
            default=F("submitted_message_id"),
        ),
    )
    return rows


def _perhaps_sent(rows: list[Delivery]) -> set[int]:
    """Those with an earlier attempt that may have got through: they are looked for from that one on."""
    tried = [row.pk for row in rows if row.tries]
    if not tried:
        return set()
    certainly_not = [Attempt.Outcome.REFUSED, Attempt.Outcome.DEFERRED]
    attempts = Attempt.objects.filter(delivery__in=tried).exclude(outcome__in=certainly_not)
    return set(attempts.values_list("delivery_id", flat=True))

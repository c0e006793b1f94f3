"""How a campaign stands, in a constant number of queries: for its page, the command and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from audience.models import Subscriber
from campaigns.claiming import own_servers
from campaigns.models import Campaign, Delivery
from campaigns.pace import limits_of
from providers.registry import PROVIDERS
from servers.selecting import Standing, forecast, reasons, standings, usable

Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a campaign's deliveries and what to expect of the rest.

    `left` still wait, deferred ones and those not queued yet included; `delayed_until` (UTC) is set while no
    server can send; `ends_at` (UTC) is an estimate from limits and quotas; `note` says why nothing moves.
    """

    status: str
    total: int
    sent: int
    deferred: int
    unknown: int
    failed: int
    skipped: int
    bounced: int
    sending: int
    left: int
    delayed_until: datetime | None = None
    ends_at: datetime | None = None
    note: str = ""

    @property
    def percent_done(self) -> int:
        return 100 if self.total == 0 else 100 * (self.total - self.left - self.sending) // self.total

    @property
    def quarters_done(self) -> int:
        """In steps that may be read aloud while somebody does something else."""
        return self.percent_done // 25 * 25


def progress_of(campaign: Campaign, now: datetime) -> Progress:
    """The campaign's progress; about six queries, however large it is."""
    counted = dict(campaign.deliveries.order_by().values_list("status").annotate(Count("pk")))
    to_queue = _count_unqueued(campaign)
    left = to_queue + counted.get(Status.QUEUED, 0) + counted.get(Status.DEFERRED, 0)
    found = standings(own_servers(campaign), now) if left else []
    expected = forecast(found, now)
    is_sending = campaign.status == Campaign.Status.SENDING
    return Progress(
        status=campaign.status,
        total=to_queue + sum(counted.values()),
        sent=counted.get(Status.SENT, 0),
        deferred=counted.get(Status.DEFERRED, 0),
        unknown=counted.get(Status.UNKNOWN, 0),
        failed=counted.get(Status.FAILED, 0),
        skipped=counted.get(Status.SKIPPED, 0),
        bounced=counted.get(Status.BOUNCED, 0),
        sending=counted.get(Status.SENDING, 0),
        left=left,
        delayed_until=expected if is_sending and expected and expected > now else None,
        ends_at=_ends_at(found, left, expected) if is_sending and left and expected else None,
        note=campaign.pause_reason or (reasons(found) if left and not usable(found) else ""),
    )


def _count_unqueued(campaign: Campaign) -> int:
    if campaign.queued_all or campaign.status == Campaign.Status.CANCELLED:
        return 0
    confirmed = Subscriber.objects.confirmed().filter(list_id=campaign.list_id)
    return confirmed.filter(pk__gt=campaign.queued_up_to).count()


def _ends_at(found: Sequence[Standing], left: int, start: datetime) -> datetime:
    """From what the usable servers (or all that return, while none is usable) send per hour."""
    senders = usable(found) or [one for one in found if one.returns_by_itself]
    per_hour = sum(_per_hour(one) for one in senders)
    return start + timedelta(hours=left / max(per_hour, 1))


def _per_hour(standing: Standing) -> float:
    server = standing.server
    limits = limits_of([server], PROVIDERS[server.provider].limits)
    rates: list[float] = [limits.sends_per_minute * 60, limits.recipients_per_day / 24]
    if server.hourly_quota:
        rates.append(server.hourly_quota)
    if server.daily_quota:
        rates.append(server.daily_quota / 24)
    return min(rates)

"""The numbers of a customer's dashboard: what was sent, what came back, what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Customer
from bounces.models import Bounce, BounceType
from campaigns.models import Delivery
from monitors.models import MonitorHit
from pages.charts import Chart, Series
from servers.models import DeliveryServer
from servers.tables import with_uses_today

DAYS = 30


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, with what stands below it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class QuotaBar:
    """How much of today's quota a delivery server has used."""

    name: str
    used: int
    quota: int

    @property
    def high(self) -> int:
        """From here on the bar warns."""
        return round(self.quota * 0.9)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Per day of the last `DAYS` days, oldest first, in the customer's time zone."""

    days: list[date]
    sent: list[int]
    bounced: list[int]
    complaints: list[int]
    acted_on: list[int]

    def tiles(self) -> list[Tile]:
        week, month = sum(self.sent[-7:]), sum(self.sent)
        bounced, complaints = sum(self.bounced[-7:]), sum(self.complaints[-7:])
        return [
            Tile("Sent, 7 days", f"{week:,}", f"{month:,} in {DAYS} days"),
            Tile("Bounced, 7 days", f"{bounced:,}", share(bounced, week)),
            Tile("Complaints, 7 days", f"{complaints:,}", share(complaints, week)),
            Tile(
                "Replies acted on, 7 days",
                f"{sum(self.acted_on[-7:]):,}",
                f"{sum(self.acted_on):,} in {DAYS} days",
            ),
        ]

    def chart(self) -> Chart:
        """Sent messages as bars."""
        return Chart(f"Sent in the last {DAYS} days", self.days, (Series("Sent", "bar-sent", self.sent),))

    def rates(self) -> Chart:
        """What came back of each hundred sent, each day looking back a week: single days tell little."""
        bounced, complaints = self.weekly(self.bounced), self.weekly(self.complaints)
        return Chart(
            "Bounces and complaints of what was sent",
            self.days,
            (
                Series("Bounced", "bar-bounced", bounced),
                Series("Complaints", "bar-complaints", complaints),
            ),
            unit=" %",
            said=f"{bounced[-1]} % bounced and {complaints[-1]} % complaints in the last week",
        )

    def weekly(self, back: list[int]) -> list[float]:
        """Per cent of what was sent in the seven days that end with each day; 0 where nothing was."""
        weeks = [slice(max(end - 7, 0), end) for end in range(1, len(self.days) + 1)]
        return [
            round(100 * sum(back[week]) / sent, 1) if (sent := sum(self.sent[week])) else 0 for week in weeks
        ]


def share(part: int, whole: int) -> str:
    """How much of what was sent came back, in per cent."""
    return f"{part / whole:.1%} of what was sent" if whole else "nothing was sent"


def numbers_of(customer: Customer, now: datetime) -> Numbers:
    """The customer's own numbers up to `now`, day by day in the active time zone."""
    today = timezone.localdate(now)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    since = timezone.make_aware(datetime.combine(days[0], time.min))
    sent = Delivery.objects.for_customer(customer).filter(sent_at__gte=since)
    back = Bounce.objects.for_customer(customer).filter(created_at__gte=since, is_delay=False)
    hits = MonitorHit.objects.for_customer(customer).filter(at__gte=since, changed=True)
    return Numbers(
        days,
        per_day(sent, "sent_at", days),
        per_day(back.exclude(type=BounceType.COMPLAINT), "created_at", days),
        per_day(back.filter(type=BounceType.COMPLAINT), "created_at", days),
        per_day(hits, "at", days),
    )


def per_day(rows: Any, field: str, days: list[date]) -> list[int]:
    """How many rows fall on each of `days`."""
    counts = dict(
        rows.order_by().annotate(day=TruncDate(field)).values_list("day").annotate(count=Count("pk"))
    )
    return [counts.get(day, 0) for day in days]


def quota_bars(customer: Customer) -> list[QuotaBar]:
    """Today's use of every active delivery server with a daily quota, the fullest first."""
    servers = DeliveryServer.objects.for_customer(customer).active().filter(daily_quota__gt=0)
    bars = [
        QuotaBar(server.name, sum(use.used for use in server.uses_today), server.daily_quota)
        for server in with_uses_today(servers)
    ]
    return sorted(bars, key=lambda bar: -bar.used / bar.quota)[:8]


def unsettled_count(customer: Customer) -> int:
    """Deliveries whose outcome nobody knows, and that wait for a person or the next look."""
    return Delivery.objects.for_customer(customer).filter(Q(status=Delivery.Status.UNKNOWN)).count()

"""A mailbox's pace: how many sends its provider's limits allow now, counted from committed attempts."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from campaigns.models import Attempt
from mailboxes.models import Mailbox
from providers.messages import Limits
from servers.models import DeliveryServer

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# A mailbox at its limit comes back when so many places are free, not for each single one.
PLACES_WORTH_WAKING = 10


@dataclass(slots=True)
class RunningClock:
    """The time during one run: the `now` that was passed in, plus what has passed since."""

    began_at: datetime
    _zero: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.began_at + timedelta(seconds=time.monotonic() - self._zero)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many sends may start now; with none, from when on (UTC) some may."""

    count: int
    resumes_at: datetime | None = None


def limits_of(servers: Iterable[DeliveryServer], declared: Limits) -> Limits:
    """What the provider declares for a mailbox, lowered by any of the mailbox's own servers."""
    lowered = [server.sends_per_minute for server in servers if server.sends_per_minute]
    return replace(declared, sends_per_minute=min([declared.sends_per_minute, *lowered]))


def allowance(mailbox: Mailbox, limits: Limits, now: datetime) -> Allowance:
    """The tighter of the per-minute and per-day limits, over rolling windows."""
    minute = _window(mailbox, limits.sends_per_minute, MINUTE, now)
    if minute.count == 0:
        return minute
    day = _window(mailbox, limits.recipients_per_day, DAY, now)
    return min(minute, day, key=lambda allowed: allowed.count)


def _window(mailbox: Mailbox, limit: int, length: timedelta, now: datetime) -> Allowance:
    started = Attempt.objects.filter(mailbox=mailbox, started_at__gt=now - length).order_by("started_at")
    used = started.count()
    if used < limit:
        return Allowance(limit - used)
    leaving = used - limit + min(limit, PLACES_WORTH_WAKING)
    return Allowance(0, started.values_list("started_at", flat=True)[leaving - 1] + length)

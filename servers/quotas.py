"""Hourly and daily quotas of delivery servers: claimed by conditional UPDATEs, so that no two processes overrun one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from servers.models import DeliveryServer, QuotaUse

# Two processes may claim the last messages of a window at once; the loser looks again.
CLAIM_TRIES = 5


@dataclass(frozen=True, slots=True)
class Window:
    """One quota window (UTC): its name, its bounds, and the server's quota in it (0: none)."""

    name: str
    starts_at: datetime
    ends_at: datetime
    quota: int


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of a server's quotas: `left` messages (None: no quota), and when an empty one renews."""

    left: int | None
    renews_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self.left == 0


def windows_of(server: DeliveryServer, now: datetime) -> tuple[Window, Window]:
    """The hour and the day (UTC) that `now` lies in."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return (
        Window("hour", hour, hour + timedelta(hours=1), server.hourly_quota),
        Window("day", day, day + timedelta(days=1), server.daily_quota),
    )


def room(server: DeliveryServer, now: datetime) -> Room:
    """What may still be sent in the present windows; the tighter one decides, the later one tells when."""
    limited = [window for window in windows_of(server, now) if window.quota]
    if not limited:
        return Room(left=None)
    left = {window: max(0, window.quota - _used(server, window)) for window in limited}
    empty = [window.ends_at for window in limited if left[window] == 0]
    return Room(left=min(left.values()), renews_at=max(empty) if empty else None)


def claim(server: DeliveryServer, wanted: int, now: datetime) -> int:
    """Claim up to `wanted` messages of both windows; returns how many were granted."""
    windows = windows_of(server, now)
    for _ in range(CLAIM_TRIES):
        left = room(server, now).left
        granted = wanted if left is None else min(wanted, left)
        if granted <= 0:
            return 0
        if _claim_all(server, windows, granted):
            return granted
        for window in windows:  # overtaken, or the first claim of a new hour
            QuotaUse.objects.get_or_create(server=server, window=window.name, starts_at=window.starts_at)
    return 0


def give_back(server: DeliveryServer, count: int, claimed_at: datetime) -> None:
    """Return what was claimed at `claimed_at` and certainly not sent."""
    for window in windows_of(server, claimed_at):
        QuotaUse.give_back(server, window.name, window.starts_at, count)


def _claim_all(server: DeliveryServer, windows: tuple[Window, ...], count: int) -> bool:
    try:
        with transaction.atomic():
            for window in windows:
                if not QuotaUse.claim(server, window.name, window.starts_at, window.quota, count):
                    raise _Overtaken
    except _Overtaken:
        return False
    return True


class _Overtaken(Exception):
    """No row has the room: another process took it after our look, or there is no row yet; rolls both back."""


def _used(server: DeliveryServer, window: Window) -> int:
    row = QuotaUse.objects.filter(server=server, window=window.name, starts_at=window.starts_at)
    return row.values_list("used", flat=True).first() or 0

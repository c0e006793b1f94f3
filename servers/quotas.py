"""Hourly and daily quotas of delivery servers: claimed by conditional UPDATEs, so that no two processes overrun one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q

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


def starts_of(now: datetime) -> dict[str, datetime]:
    """When the hour and the day (UTC) began that `now` lies in, by their names."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return {"hour": hour, "day": hour.replace(hour=0)}


def windows_of(server: DeliveryServer, now: datetime) -> tuple[Window, Window]:
    """The present hour and day, with the server's quota in each."""
    hour, day = starts_of(now).values()
    return (
        Window("hour", hour, hour + timedelta(hours=1), server.hourly_quota),
        Window("day", day, day + timedelta(days=1), server.daily_quota),
    )


def room(server: DeliveryServer, now: datetime) -> Room:
    """What may still be sent in the present windows; the tighter one decides, the later one tells when."""
    return rooms([server], now)[server.pk]


def rooms(servers: Sequence[DeliveryServer], now: datetime) -> dict[int, Room]:
    """The `room` of each by its number, however many they are with one query."""
    limited = {
        server.pk: [window for window in windows_of(server, now) if window.quota] for server in servers
    }
    used = _used_by([pk for pk, windows in limited.items() if windows], now)
    return {pk: _room(windows, used.get(pk, {})) for pk, windows in limited.items()}


def _room(windows: list[Window], used: dict[str, int]) -> Room:
    if not windows:
        return Room(left=None)
    left = {window: max(0, window.quota - used.get(window.name, 0)) for window in windows}
    empty = [window.ends_at for window in windows if left[window] == 0]
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


def _used_by(servers: list[int], now: datetime) -> dict[int, dict[str, int]]:
    """What each server has used of the present windows, by their names."""
    used: dict[int, dict[str, int]] = {}
    if not servers:
        return used
    present = Q()
    for name, starts_at in starts_of(now).items():
        present |= Q(window=name, starts_at=starts_at)
    rows = QuotaUse.objects.filter(present, server__in=servers)
    for pk, name, count in rows.values_list("server", "window", "used"):
        used.setdefault(pk, {})[name] = count
    return used

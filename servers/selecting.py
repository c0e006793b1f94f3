"""Which delivery server sends next: rotation by remaining quota, fallback, and a forecast when none can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import SystemSettings
from keys.models import ApiKey
from providers.registry import PROVIDERS
from servers import quotas
from servers.models import DeliveryServer


@dataclass(frozen=True, slots=True)
class Standing:
    """How a server stands at one moment.

    `reason` is empty for a usable one; `until` (UTC) is when it comes back by itself, None where a person must
    do something; `left` is its remaining quota (None: no quota).
    """

    server: DeliveryServer
    reason: str = ""
    until: datetime | None = None
    left: int | None = None
    needs_attention: bool = False

    @property
    def is_usable(self) -> bool:
        return not self.reason

    @property
    def returns_by_itself(self) -> bool:
        return self.is_usable or (self.until is not None and not self.needs_attention)


def standings(
    servers: Iterable[DeliveryServer], now: datetime, settings: SystemSettings | None = None
) -> list[Standing]:
    """Every server's standing; the usable ones first, most remaining quota first (no quota before all)."""
    settings = settings or SystemSettings.load()
    servers = list(servers)
    rooms = quotas.rooms(servers, now)
    return sorted((_standing(server, now, settings, rooms[server.pk]) for server in servers), key=_order)


def standing_of(server: DeliveryServer, now: datetime, settings: SystemSettings) -> Standing:
    """Why `server` may not send now, in words with the fix, or that it may."""
    return standings([server], now, settings)[0]


def _standing(server: DeliveryServer, now: datetime, settings: SystemSettings, room: quotas.Room) -> Standing:
    if refusal := _lasting_refusal(server, settings):
        return Standing(server, refusal, needs_attention=True)
    if server.paused_until and server.paused_until > now:
        # Trouble that was recorded on the server is tried again after a while, but nobody counts on it.
        reason = server.paused_reason or server.last_error or "It is paused."
        return Standing(server, reason, server.paused_until, needs_attention=bool(server.last_error))
    if server.mailbox.blocked_until and server.mailbox.blocked_until > now:
        return Standing(server, "The provider asked this mailbox to wait.", server.mailbox.blocked_until)
    if room.is_empty:
        return Standing(server, "Its quota is used up.", room.renews_at, left=0)
    return Standing(server, left=room.left)


def usable(found: Iterable[Standing]) -> list[Standing]:
    return [standing for standing in found if standing.is_usable]


def share(server: DeliveryServer, found: Iterable[Standing], waiting: int, *, at_least: int = 1) -> int:
    """How many of `waiting` messages fall to `server`: in proportion to remaining quota among the usable.

    A server without quota weighs as much as the largest that has one. Rounded up, so that the shares cover
    everything, `at_least` so many, and never above what waits or the server's own quota; 0 when it is not usable.
    """
    left = {one.server.pk: one.left for one in usable(found)}
    if server.pk not in left:
        return 0
    largest = max([1, waiting, *(count for count in left.values() if count is not None)])
    weights = {pk: largest if count is None else count for pk, count in left.items()}
    part = max(at_least, -(-waiting * weights[server.pk] // sum(weights.values())))
    return min(part, waiting, weights[server.pk])


def forecast(found: Sequence[Standing], now: datetime) -> datetime | None:
    """When sending may go on: `now` while a server is usable, else the earliest return, None for never."""
    if usable(found):
        return now
    return min((one.until for one in found if one.returns_by_itself and one.until), default=None)


def reasons(found: Iterable[Standing]) -> str:
    """One sentence per server that cannot send, for a person."""
    return " ".join(f"“{one.server.name}”: {one.reason}" for one in found if one.reason)


def _lasting_refusal(server: DeliveryServer, settings: SystemSettings) -> str:
    provider = PROVIDERS[server.provider]
    key = server.api_key
    if not settings.is_provider_enabled(server.provider):
        return f"{provider.label} is switched off; a backend admin enables it in the settings."
    if not server.is_connected:
        return f"It is not connected: {server.last_error or 'never tested'} Open it and choose Connect again."
    if not server.is_active:
        return "It is inactive. Enable it in the list of delivery servers."
    if key.status == ApiKey.Status.DISABLED:
        return f"Its API key “{key.name}” is disabled. Enable it under Manage API Keys."
    if key.status == ApiKey.Status.FAILING:
        return f"Its API key “{key.name}” needs attention: {key.last_error}"
    if key.provider != server.provider or not key.may_serve(server.customer_id):
        return f"It may not use the API key “{key.name}”. Choose one of its own customer and provider."
    return ""


def _order(standing: Standing) -> tuple[bool, bool, int, int]:
    return (
        not standing.is_usable,
        standing.left is not None,
        -(standing.left or 0),
        standing.server.pk,
    )

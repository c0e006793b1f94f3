"""How many servers a customer may have, and where that number comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accounts.models import UNLIMITED, Customer, SystemSettings
from providers.registry import PROVIDERS


class Kind(StrEnum):
    """What is limited; the value is the suffix of the fields that hold the number."""

    DELIVERY_SERVERS = "delivery_servers"
    BOUNCE_SERVERS = "bounce_servers"
    MONITORS = "monitors"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force: -1 unlimited, 0 the feature is off, N at most N; `source` says who set it."""

    value: int
    source: str

    @property
    def is_off(self) -> bool:
        return self.value == 0

    @property
    def is_unlimited(self) -> bool:
        return self.value == UNLIMITED

    def allows(self, used: int) -> bool:
        """Whether one more may be made where `used` exist."""
        return self.is_unlimited or used < self.value

    @property
    def words(self) -> str:
        return "unlimited" if self.is_unlimited else "off" if self.is_off else str(self.value)

    def __str__(self) -> str:
        return f"{self.words} ({self.source})"


def effective_limit(customer: Customer, kind: Kind, settings: SystemSettings | None = None) -> Limit:
    """The limit in force for `customer`: the group's number where it sets one, else the system default."""
    group = customer.group
    override = getattr(group, f"max_{kind}") if group else None
    if group and override is not None:
        return Limit(override, f"customer group “{group.name}”")
    settings = settings or SystemSettings.load()
    return Limit(getattr(settings, f"default_max_{kind}"), "system default")


def allowed_server_types(customer: Customer | None, settings: SystemSettings | None = None) -> list[str]:
    """Server types that may be created: the enabled providers', narrowed by the customer's group."""
    settings = settings or SystemSettings.load()
    enabled = [kind.server_type for name, kind in PROVIDERS.items() if settings.is_provider_enabled(name)]
    if customer is None or customer.group is None:
        return enabled
    return [kind for kind in enabled if kind in customer.group.allowed_server_types]

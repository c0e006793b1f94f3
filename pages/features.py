"""Features that a customer has or has not; one that is off is absent from the sidebar and 404 by URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.limits import Kind, allowed_server_types, effective_limit
from accounts.models import Customer, SystemSettings


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a customer may have; `kind` names the limit that also caps how many."""

    name: str
    is_on: Callable[[Customer, SystemSettings], bool]
    kind: Kind | None = None


def _limit_is_not_zero(kind: Kind) -> Callable[[Customer, SystemSettings], bool]:
    def is_on(customer: Customer, system: SystemSettings) -> bool:
        return not effective_limit(customer, kind, system).is_off

    return is_on


def _may_send(customer: Customer, system: SystemSettings) -> bool:
    limit = effective_limit(customer, Kind.DELIVERY_SERVERS, system)
    return not limit.is_off and bool(allowed_server_types(customer, system))


def _has_keys(_customer: Customer, system: SystemSettings) -> bool:
    return system.customer_keys_enabled


DELIVERY_SERVERS = Feature("delivery servers", _may_send, Kind.DELIVERY_SERVERS)
BOUNCE_SERVERS = Feature("API bounce servers", _limit_is_not_zero(Kind.BOUNCE_SERVERS), Kind.BOUNCE_SERVERS)
MONITORS = Feature("API monitors", _limit_is_not_zero(Kind.MONITORS), Kind.MONITORS)
API_KEYS = Feature("API keys", _has_keys)

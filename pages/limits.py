"""Holding a customer to a limit under a race: whoever creates holds the customer's row first."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts.limits import effective_limit
from accounts.models import Customer
from pages.features import Feature


def require_room(feature: Feature | None, customer: Customer, rows: QuerySet, more: int = 1) -> None:  # type: ignore[type-arg]
    """Inside a transaction: hold the customer's row and make sure that `more` rows still fit.

    Two tabs that create at once wait for each other here. Raises ValidationError.
    """
    if feature is None or feature.kind is None:
        return
    customer = Customer.objects.select_for_update().get(pk=customer.pk)
    limit, used = effective_limit(customer, feature.kind), rows.count()
    if not limit.is_unlimited and used + more > limit.value:
        raise ValidationError(
            f"{used} of {limit.value} {feature.name} are used, and {more} more would be too many "
            f"(limit of the {limit.source}). Delete some, or ask the platform's administrators for more."
        )

"""The tenant scope: the one place that decides whose rows a customer sees (promise 3).

Every model of ours inherits `CustomerOwned` or `CustomerOrSystem`, or is on the SHARED list of
tests/accounts/test_tenancy.py. Portal code never filters by customer itself: it calls `for_customer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from accounts.models import Customer

M = TypeVar("M", bound=models.Model)


class CustomerQuerySet(models.QuerySet[M]):
    """A queryset that can be narrowed to one customer's own rows, and is so nowhere else."""

    def for_customer(self, customer: Customer) -> Self:
        """Only what is `customer`'s own. Refuses None: a system row is nobody's."""
        if customer is None:
            raise ValueError("for_customer needs a customer: rows without one belong to the system")
        return self.filter(customer=customer)

    def for_user(self, user: Any) -> Self:
        """All rows for the backend, own rows for a customer's user."""
        return self.all() if user.customer_id is None else self.for_customer(user.customer)


class CustomerOwned(models.Model):
    """A row that belongs to exactly one customer. PROTECT: losing the customer must never free the row."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class CustomerOrSystem(models.Model):
    """A row that belongs to one customer, or to the system where `customer` is null."""

    customer = models.ForeignKey(
        "accounts.Customer", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        abstract = True

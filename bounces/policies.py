"""Which bounce policy holds for a customer, and whether soft bounces have become a hard one."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Customer
from bounces.models import Bounce, BouncePolicy, BounceType


class Policies:
    """The policies in force, loaded once for a reading."""

    def __init__(self) -> None:
        self._by_group = {policy.group_id: policy for policy in BouncePolicy.objects.all()}

    def of(self, customer: Customer) -> BouncePolicy:
        """The customer group's own, else the default for all; one with everything off where none is set."""
        default = self._by_group.get(None) or BouncePolicy()
        return self._by_group.get(customer.group_id) or default


def soft_bounces_that_count(bounce: Bounce, policy: BouncePolicy, now: datetime) -> int:
    """How many deliveries to this address failed for good as soft within the policy's days, this one too.

    0 where the policy does not count, or has not enough of them. Delay notices never count.
    """
    if not policy.soft_bounces or bounce.delivery is None:
        return 0
    softs = Bounce.objects.filter(
        customer_id=bounce.delivery.customer_id,
        delivery__recipient_key=bounce.delivery.recipient_key,
        type=BounceType.SOFT,
        is_delay=False,
        created_at__gte=now - timedelta(days=policy.soft_bounce_days),
    )
    count = softs.values("delivery_id").distinct().count()
    return count if count >= policy.soft_bounces else 0

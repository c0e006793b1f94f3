"""The brake: when one refusal or one server would touch too many people within an hour, a person decides."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from bounces.models import Bounce, BouncePolicy, EffectState
from campaigns.models import Delivery

HOUR = timedelta(hours=1)
# Below this many effects a share says nothing.
LEAST_FOR_A_SHARE = 10
# What differs from one recipient to the next in the same refusal.
_PARTICULAR = re.compile(r"\S*@\S*|\b[0-9a-f-]*\d[0-9a-f-]*\b", re.IGNORECASE)
MAX_COMPARED = 500
COUNTED = (EffectState.APPLIED, EffectState.HELD)


def cause_key(status: str, diagnostic: str) -> str:
    """The same refusal in the same words, whoever the recipient and whatever the queue id."""
    words = " ".join(_PARTICULAR.sub(" ", diagnostic[:MAX_COMPARED]).casefold().split())
    return hashlib.sha256(f"{status} {words}".encode()).hexdigest()[:32] if words or status else ""


def reason_to_hold(bounce: Bounce, policy: BouncePolicy, now: datetime) -> str:
    """Why the effect of `bounce` has to wait for a person, in words; "" where it need not."""
    recent = Bounce.objects.filter(effect_state__in=COUNTED, created_at__gt=now - HOUR).exclude(pk=bounce.pk)
    if reason := _too_many(recent, bounce, policy):
        return reason
    if policy.brake_percent and bounce.server_id is not None:
        return _too_large_a_share(recent, bounce, policy, now)
    return ""


def _too_many(recent: QuerySet[Bounce], bounce: Bounce, policy: BouncePolicy) -> str:
    if not policy.brake_effects:
        return ""
    own = recent.filter(customer=bounce.customer)
    if bounce.cause_key and _reaches(own.filter(cause_key=bounce.cause_key), policy.brake_effects):
        return f"more than {policy.brake_effects} effects within an hour for the same refusal"
    if bounce.server_id and _reaches(own.filter(server_id=bounce.server_id), policy.brake_effects):
        return f"more than {policy.brake_effects} effects within an hour for the same server"
    return ""


def _reaches(rows: QuerySet[Bounce], number: int) -> bool:
    """Whether there are `number` rows; counts no further than that."""
    return len(rows.order_by().values_list("pk")[:number]) >= number


def _too_large_a_share(recent: QuerySet[Bounce], bounce: Bounce, policy: BouncePolicy, now: datetime) -> str:
    effects = recent.filter(server_id=bounce.server_id).count() + 1
    if effects < LEAST_FOR_A_SHARE:
        return ""
    sent = Delivery.objects.filter(
        Q(sent_at__gt=now - HOUR), server_id=bounce.server_id, customer=bounce.customer
    ).count()
    if effects * 100 < policy.brake_percent * max(sent, 1):
        return ""
    return f"{effects} effects for {sent} messages that this server sent within an hour"

"""What the brake held: a person applies or drops it, all of it with one act."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from bounces.consequences import act, reason_to_act
from bounces.models import Bounce, EffectState
from bounces.policies import Policies


def held_with(bounce: Bounce) -> QuerySet[Bounce]:
    """Everything of the same customer that is held for the same refusal or the same server."""
    held = Bounce.objects.filter(customer=bounce.customer, effect_state=EffectState.HELD)
    alike = held.filter(cause_key=bounce.cause_key)
    return alike | held.filter(server=bounce.server) if bounce.server else alike


def apply_held(bounces: QuerySet[Bounce], now: datetime) -> int:
    """Do what was held; returns how many. Each in its own transaction: a long list may be interrupted."""
    policies = Policies()
    return sum(_apply(pk, policies, now) for pk in _held(bounces))


def _held(bounces: QuerySet[Bounce]) -> list[int]:
    held = bounces.filter(effect_state=EffectState.HELD)
    return list(held.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _apply(pk: int, policies: Policies, now: datetime) -> bool:
    bounce = _lock(pk)
    if bounce is None or bounce.delivery is None:
        return False
    reason = reason_to_act(bounce, policies.of(bounce.delivery.customer), now)
    if not reason:
        # The policy that counted soft bounces was changed since.
        bounce.effect_state, bounce.effect = EffectState.DROPPED, "Dropped: it would only be logged now."
    else:
        act(bounce, reason, now)
    bounce.save(update_fields=["effect", "effect_state"])
    return bounce.effect_state == EffectState.APPLIED


def drop_held(bounces: QuerySet[Bounce], by: User | None, now: datetime) -> int:
    """Let what was held have no effect; returns how many."""
    name = by.email if by else "the system"
    return bounces.filter(pk__in=_held(bounces), effect_state=EffectState.HELD).update(
        effect_state=EffectState.DROPPED, effect=f"Dropped by {name} on {now:%Y-%m-%d %H:%M} UTC."
    )


def _lock(pk: int) -> Bounce | None:
    rows = Bounce.objects.select_for_update(of=("self",)).filter(pk=pk, effect_state=EffectState.HELD)
    return rows.select_related("message", "campaign", "subscriber", "delivery__customer").first()

"""What the brake held: a person applies or drops it, all of it with one act."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from bounces.consequences import act, reason_to_act
from bounces.models import Bounce, EffectState
from bounces.policies import Policies


def held_alike(bounces: QuerySet[Bounce]) -> QuerySet[Bounce]:
    """Whatever of these is held, with all that is held of the same customers for the same refusals or servers."""
    held = bounces.filter(effect_state=EffectState.HELD).order_by()
    alike = Q(pk__in=held.values("pk"))
    for customer_id, cause_key, server_id in held.values_list(
        "customer_id", "cause_key", "server_id"
    ).distinct():
        if cause_key:
            alike |= Q(customer_id=customer_id, cause_key=cause_key)
        if server_id:
            alike |= Q(customer_id=customer_id, server_id=server_id)
    return Bounce.objects.filter(alike, effect_state=EffectState.HELD)


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

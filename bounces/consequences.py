"""What a bounce does: hard → blacklisted, complaint → unsubscribed, soft and internal → logged.

The sender's own fault (limits, a blocked account) pauses the delivery server and touches no subscriber.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from audience import changes
from audience.journal import Cause, Outcome
from audience.models import Change
from bounces.braking import reason_to_hold
from bounces.models import Bounce, BouncePolicy, BounceType, EffectState
from bounces.policies import Policies, soft_bounces_that_count
from campaigns.models import Delivery

logger = structlog.get_logger(__name__)

# A mailbox that was told it sends too much, or is blocked, is left alone this long; then it is tried again.
SENDER_PAUSE = timedelta(hours=1)
UNMATCHED = "No effect: it belongs to no campaign message that this mailbox may speak of."
STILL_TRYING = "No effect: the mail system is still trying to deliver."
LOGGED = "Logged for review."


def apply_consequence(bounce: Bounce, policies: Policies, now: datetime) -> None:
    """Do what follows from a saved bounce and write it on it; inside the caller's transaction."""
    bounce.effect_state = EffectState.NONE
    if bounce.delivery is None:
        bounce.effect = UNMATCHED
    elif bounce.is_delay:
        bounce.delivery.record_proof_of_sending(now)
        bounce.effect = STILL_TRYING
    else:
        _record_on_delivery(bounce.delivery, bounce, now)
        _decide(bounce, policies.of(bounce.delivery.customer), now)
    bounce.save(update_fields=["effect", "effect_state"])


def _record_on_delivery(delivery: Delivery, bounce: Bounce, now: datetime) -> None:
    if bounce.type == BounceType.COMPLAINT:
        delivery.record_proof_of_sending(now)
    else:
        said, code = bounce.diagnostic or bounce.evidence, bounce.status_code or bounce.reply_code
        delivery.record_bounced(said, code, now)


def _decide(bounce: Bounce, policy: BouncePolicy, now: datetime) -> None:
    if bounce.is_sender_fault:
        bounce.effect = _pause_server(bounce, now)
        return
    reason = reason_to_act(bounce, policy, now)
    if not reason:
        bounce.effect = LOGGED
    elif held := reason_to_hold(bounce, policy, now):
        bounce.effect_state, bounce.effect = EffectState.HELD, f"Held for a person: {held}."
        logger.warning("the brake holds effects of bounces", bounce=bounce.pk, reason=held)
    else:
        act(bounce, reason, now)


def reason_to_act(bounce: Bounce, policy: BouncePolicy, now: datetime) -> str:
    """Why the subscriber is affected, in words for the journal; "" where the bounce is only logged."""
    campaign = f"of “{bounce.campaign}”" if bounce.campaign else ""
    said = (bounce.diagnostic or bounce.evidence)[:150]
    if bounce.type in (BounceType.HARD, BounceType.COMPLAINT):
        kind = "hard bounce" if bounce.type == BounceType.HARD else "complaint (feedback loop)"
        return f"{kind} {campaign}: {said}".strip(": ")
    if bounce.type == BounceType.SOFT and (count := soft_bounces_that_count(bounce, policy, now)):
        return f"{count} soft bounces within {policy.soft_bounce_days} days, the last {campaign}: {said}"
    return ""


def act(bounce: Bounce, reason: str, now: datetime) -> None:
    """Blacklist or unsubscribe, and say on the bounce what came of it. Does not save."""
    outcome = _unsubscribe(bounce, reason, now) if is_complaint(bounce) else _blacklist(bounce, reason, now)
    bounce.effect_state = EffectState.APPLIED
    bounce.effect = f"{outcome.text[:1].upper()}{outcome.text[1:]}."


def is_complaint(bounce: Bounce) -> bool:
    return bounce.type == BounceType.COMPLAINT


def cause_of(bounce: Bounce, reason: str) -> Cause:
    """The journal's cause: the bounce, in the batch of its message."""
    kind = Change.Cause.COMPLAINT if is_complaint(bounce) else Change.Cause.BOUNCE
    if bounce.message is None:
        return Cause(kind, str(bounce.pk), reason)
    return Cause(kind, str(bounce.pk), reason, batch=bounce.message.batch)


def _blacklist(bounce: Bounce, reason: str, now: datetime) -> Outcome:
    assert bounce.delivery is not None  # only matched bounces get here
    delivery = bounce.delivery
    return changes.blacklist(
        delivery.recipient, delivery.customer, cause_of(bounce, reason), now, shared=True
    )


def _unsubscribe(bounce: Bounce, reason: str, now: datetime) -> Outcome:
    if bounce.subscriber is None:
        return changes.NOBODY
    return changes.unsubscribe(bounce.subscriber, cause_of(bounce, reason), now)


def _pause_server(bounce: Bounce, now: datetime) -> str:
    server = bounce.server
    if server is None:
        return "Logged: the fault is the sender's, and its delivery server is gone."
    until = now + SENDER_PAUSE
    server.pause_until(until, bounce.diagnostic or bounce.evidence)
    return f"The fault is the sender's: “{server}” is paused until {until:%Y-%m-%d %H:%M} UTC."[:250]

"""What people do with campaigns and deliveries: each checked, audited, and refused in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.auditing import audit, snapshot
from accounts.models import User
from campaigns import bells
from campaigns.checking import check_campaign
from campaigns.claiming import own_servers
from campaigns.models import QUEUED_AFRESH, Campaign, Delivery
from campaigns.trying import send_test_message

__all__ = [
    "cancel",
    "cancel_delivery",
    "for_each",
    "mark_ready",
    "pause",
    "release_delivery",
    "resume",
    "retry_delivery",
    "schedule",
    "send_test_message",
]

M = TypeVar("M", bound=Model)
CampaignStatus = Campaign.Status
Status = Delivery.Status
UNFINISHED = (Status.QUEUED, Status.DEFERRED)


class Act(Protocol):
    """Who acts, and when (aware UTC)."""

    actor: User
    now: datetime


def for_each(verb: Callable[..., None]) -> Callable[[Iterable[Model], Act], int]:
    """The verb for many rows, as a bulk action calls it; the first refusal stops it."""

    def verb_for_all(rows: Iterable[Model], act: Act) -> int:
        count = 0
        for row in rows:
            verb(row, actor=act.actor, now=act.now)
            count += 1
        return count

    return verb_for_all


def mark_ready(campaign: Campaign, *, actor: User | None, now: datetime) -> None:
    """Release a draft for sending, now or at its scheduled time. Raises ValidationError with all problems."""
    _require(campaign, [CampaignStatus.DRAFT], "Only a draft can be marked ready.")
    problems = check_campaign(campaign, list(own_servers(campaign)))
    if problems:
        raise ValidationError([problem.text for problem in problems])
    _change(campaign, actor, "campaign marked ready", status=CampaignStatus.READY)
    if campaign.scheduled_at is None or campaign.scheduled_at <= now:
        _ring(campaign)


def schedule(campaign: Campaign, at: datetime, *, actor: User | None, now: datetime) -> None:
    """Send at `at` (aware); a draft still has to be marked ready."""
    _require(
        campaign,
        [CampaignStatus.DRAFT, CampaignStatus.READY],
        "It has begun already; pause it instead.",
    )
    if at <= now:
        raise ValidationError(
            "That time has passed. Choose a later one, or mark the campaign ready to send now."
        )
    _change(campaign, actor, "campaign scheduled", scheduled_at=at)


def pause(campaign: Campaign, *, actor: User | None, now: datetime) -> None:
    """Nothing more is sent until it is resumed; what is on its way is not called back."""
    _require(
        campaign,
        [CampaignStatus.READY, CampaignStatus.SENDING],
        "Only a campaign that is ready or sending can be paused.",
    )
    reason = f"Paused by {actor.email if actor else 'the system'}."
    _change(campaign, actor, "campaign paused", status=CampaignStatus.PAUSED, pause_reason=reason)


def resume(campaign: Campaign, *, actor: User | None, now: datetime) -> None:
    """Go on where it stopped; delayed messages are tried at once."""
    _require(campaign, [CampaignStatus.PAUSED], "Only a paused campaign can be resumed.")
    status = CampaignStatus.SENDING if campaign.started_at else CampaignStatus.READY
    _change(campaign, actor, "campaign resumed", status=status, pause_reason="")
    campaign.deliveries.filter(status=Status.DEFERRED, next_try_at__gt=now).update(next_try_at=now)
    _ring(campaign)


def cancel(campaign: Campaign, *, actor: User | None, now: datetime) -> None:
    """End it for good: what waits is not sent; what was sent stays sent."""
    _require(
        campaign,
        [CampaignStatus.DRAFT, CampaignStatus.READY, CampaignStatus.SENDING, CampaignStatus.PAUSED],
        "It has ended already.",
    )
    with transaction.atomic():
        _change(campaign, actor, "campaign cancelled", status=CampaignStatus.CANCELLED, finished_at=now)
        campaign.deliveries.filter(status__in=UNFINISHED).update(
            status=Status.SKIPPED, next_try_at=None, error="The campaign was cancelled."
        )


def release_delivery(delivery: Delivery, *, actor: User | None, now: datetime) -> None:
    """Send a message of unknown outcome again: a person has decided that it did not arrive."""
    _require_status(delivery, [Status.UNKNOWN], "Only a message with an unknown outcome can be released.")
    if delivery.next_try_at is not None:
        raise ValidationError(
            "It is still being looked for, and may settle by itself. Release it when that has ended."
        )
    _send_again(delivery, actor, "delivery released", now)


def retry_delivery(delivery: Delivery, *, actor: User | None, now: datetime) -> None:
    """Try a failed or delayed message again at once."""
    _require_status(
        delivery, [Status.FAILED, Status.DEFERRED], "Only a failed or delayed message can be tried again."
    )
    if delivery.status == Status.DEFERRED:
        _change_delivery(delivery, actor, "delivery retried", next_try_at=now)
        _ring(delivery.campaign)
    else:
        _send_again(delivery, actor, "delivery retried", now)


def cancel_delivery(delivery: Delivery, *, actor: User | None, now: datetime) -> None:
    """Close a message that is not to be sent (again)."""
    _require_status(
        delivery,
        [Status.QUEUED, Status.DEFERRED, Status.UNKNOWN],
        "Only a message that waits or whose outcome is unknown can be cancelled.",
    )
    was_unknown = delivery.status == Status.UNKNOWN
    who = actor.email if actor else "the system"
    text = f"Cancelled by {who}." + (" Whether it had been sent was not known." if was_unknown else "")
    _change_delivery(
        delivery,
        actor,
        "delivery cancelled",
        status=Status.FAILED,
        next_try_at=None,
        error=text,
        error_code="cancelled",
    )


def _send_again(delivery: Delivery, actor: User | None, action: str, now: datetime) -> None:
    with transaction.atomic():
        campaign = Campaign.objects.get_locked(delivery.campaign_id)
        if campaign.status == CampaignStatus.CANCELLED:
            raise ValidationError("Its campaign is cancelled, so nothing more of it is sent.")
        _change_delivery(
            delivery,
            actor,
            action,
            error="",
            error_code="",
            **QUEUED_AFRESH,
        )
        Campaign.objects.filter(pk=campaign.pk).reopen()
    _ring(campaign)


def _require(campaign: Campaign, allowed: list[Campaign.Status], refusal: str) -> None:
    campaign.refresh_from_db(fields=["status"])
    if campaign.status not in allowed:
        raise ValidationError(f"“{campaign.name}” is {campaign.get_status_display().lower()}. {refusal}")


def _require_status(delivery: Delivery, allowed: list[Delivery.Status], refusal: str) -> None:
    delivery.refresh_from_db(fields=["status", "next_try_at"])
    if delivery.status not in allowed:
        label = delivery.get_status_display().lower()
        raise ValidationError(f"The message to {delivery.recipient} is {label}. {refusal}")


def _change(campaign: Campaign, actor: User | None, action: str, **changes: object) -> None:
    _change_row(Campaign.objects.filter(status=campaign.status), campaign, actor, action, changes)


def _change_delivery(delivery: Delivery, actor: User | None, action: str, **changes: object) -> None:
    _change_row(Delivery.objects.filter(status=delivery.status), delivery, actor, action, changes)


def _change_row(
    rows: QuerySet[M], row: M, actor: User | None, action: str, changes: dict[str, object]
) -> None:
    """One conditional UPDATE and its audit entry; refused when somebody else changed the row meanwhile."""
    before = snapshot(row)
    with transaction.atomic():
        if not rows.filter(pk=row.pk).update(**changes):
            raise ValidationError("Somebody else changed it at the same time. Look again, then decide.")
        row.refresh_from_db()
        audit(actor, action, row, before=before, after=snapshot(row))


def _ring(campaign: Campaign) -> None:
    """Let the workers know after the commit; a bell that is lost is rung again by the next tick."""

    def bell() -> None:
        bells.ring_campaign(campaign.pk)
        for mailbox_id in own_servers(campaign).values_list("mailbox_id", flat=True).distinct():
            bells.ring_mailbox(mailbox_id)

    transaction.on_commit(bell)

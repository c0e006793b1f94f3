"""Unsubscribing by the link in a message: the subscriber's own wish, carried out once however often it comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audience import changes
from audience.models import Change, Subscriber
from campaigns.links import read_ticket
from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an unsubscribe link stands for; without a subscriber it was a test or the subscriber is deleted."""

    subscriber: Subscriber | None
    campaign: Campaign | None

    def end(self, now: datetime, *, how: str) -> None:
        """Unsubscribe; `how` is a few words for the journal."""
        if self.subscriber is None:
            return
        cause = changes.Cause(
            Change.Cause.SUBSCRIBER, id=self.campaign.uid if self.campaign else "", text=self._describe(how)
        )
        changes.unsubscribe(self.subscriber, cause, now)

    def _describe(self, how: str) -> str:
        return f"{how} of “{self.campaign.name}”"[:250] if self.campaign else how


def find_subscription(ticket: str) -> Subscription | None:
    """The subscription behind an unsubscribe link's ticket, or None for a link that is not ours."""
    ids = read_ticket(ticket)
    if ids is None:
        return None
    subscriber_id, campaign_id = ids
    return Subscription(
        Subscriber.objects.select_related("list").filter(pk=subscriber_id).first(),
        Campaign.objects.filter(pk=campaign_id).first(),
    )

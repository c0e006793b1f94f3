"""Who must not get a message after all, decided at the last moment, with the reason in words."""

from __future__ import annotations

from collections.abc import Sequence

from audience.models import BlacklistEntry, GroupStop, Subscriber
from campaigns.models import Campaign, Delivery


def find_reasons(campaign: Campaign, deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Delivery number → why nothing is sent to its subscriber. `deliveries` have their subscriber loaded."""
    blacklisted = _blacklisted(campaign, deliveries)
    stopped = _stopped(campaign, deliveries)
    found = {
        delivery.pk: _reason(delivery, blacklisted.get(delivery.recipient_key), stopped)
        for delivery in deliveries
    }
    return {pk: reason for pk, reason in found.items() if reason}


def _reason(delivery: Delivery, blacklisting: str | None, stopped: set[int]) -> str:
    subscriber = delivery.subscriber
    if subscriber is None:
        return "The subscriber was deleted."
    if blacklisting is not None:
        return blacklisting
    if subscriber.status != Subscriber.Status.CONFIRMED:
        return f"The subscriber is no longer confirmed: {subscriber.get_status_display().lower()}."
    if subscriber.pk in stopped:
        return "The subscriber has stopped this campaign's group."
    return ""


def _blacklisted(campaign: Campaign, deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Address → reason. A customer learns no more of a shared entry than that the platform has one."""
    entries = BlacklistEntry.objects.covering(campaign.customer).filter(
        email_key__in={delivery.recipient_key for delivery in deliveries}
    )
    found: dict[str, str] = {}
    for entry in entries:
        if entry.customer_id is None:
            found.setdefault(entry.email_key, "Blacklisted by the platform.")
        else:
            found[entry.email_key] = f"Blacklisted: {entry.reason or 'the address is on the blacklist.'}"
    return found


def _stopped(campaign: Campaign, deliveries: Sequence[Delivery]) -> set[int]:
    if campaign.group_id is None:
        return set()
    stops = GroupStop.objects.filter(
        group_id=campaign.group_id, subscriber_id__in=[delivery.subscriber_id for delivery in deliveries]
    )
    return set(stops.values_list("subscriber_id", flat=True))

"""What the scenario must give, counted from the rows and from the sandbox's own ledger."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import Customer
from audience.models import GroupStop, Subscriber
from bounces.models import Bounce, BounceType
from campaigns.models import Attempt, Delivery
from mailboxes.models import ProcessedMessage
from monitors.models import MonitorHit
from sandbox.control import SandboxControl

Tally = dict[str, dict[str, int]]

EXPECTED: Tally = {
    "acme": {
        "accepted by the provider": 10,
        "sent twice": 0,
        "lost answers settled": 1,
        "hard bounces": 1,
        "soft bounces": 1,
        "delay notices": 1,
        "complaints": 1,
        "internal bounces": 1,
        "blacklisted": 1,
        "unsubscribed": 2,
        "moved to another list": 1,
        "stopped a campaign group": 0,
        "acted on by a monitor": 2,
        "replies left alone": 2,
        "not sent: unconfirmed": 1,
    },
    "globex": {
        "accepted by the provider": 8,
        "sent twice": 0,
        "lost answers settled": 0,
        "hard bounces": 1,
        "soft bounces": 1,
        "delay notices": 1,
        "complaints": 1,
        "internal bounces": 0,
        "blacklisted": 2,
        "unsubscribed": 1,
        "moved to another list": 0,
        "stopped a campaign group": 1,
        "acted on by a monitor": 2,
        "replies left alone": 1,
        "not sent: unconfirmed": 0,
    },
}


def tally(control: SandboxControl) -> Tally:
    """What is so, per customer."""
    return {uid: _count(Customer.objects.get(uid=uid), control) for uid in EXPECTED}


def _count(customer: Customer, control: SandboxControl) -> dict[str, int]:
    deliveries = Delivery.objects.for_customer(customer)
    bounces = Bounce.objects.for_customer(customer)
    failures = bounces.filter(is_delay=False)
    subscribers = Subscriber.objects.for_customer(customer)
    tokens = set(deliveries.values_list("token", flat=True))
    hits = MonitorHit.objects.for_customer(customer).filter(changed=True)
    mailboxes = set(deliveries.values_list("mailbox_id", flat=True)) - {None}
    replies = ProcessedMessage.objects.filter(mailbox_id__in=mailboxes, purpose="monitors", state="done")
    acted = hits.values_list("message_id", flat=True)
    bounced = bounces.values_list("message__provider_message_id", flat=True)
    return {
        "accepted by the provider": sum(row["token"] in tokens for row in control.ledger()),
        "sent twice": sum(row["token"] in tokens for row in control.sent_twice()),
        "lost answers settled": Attempt.objects.filter(delivery__in=deliveries, outcome="settled").count(),
        "hard bounces": failures.filter(type=BounceType.HARD).count(),
        "soft bounces": failures.filter(type=BounceType.SOFT).count(),
        "delay notices": bounces.filter(is_delay=True).count(),
        "complaints": failures.filter(type=BounceType.COMPLAINT).count(),
        "internal bounces": failures.filter(type=BounceType.INTERNAL).count(),
        "blacklisted": subscribers.filter(status=Subscriber.Status.BLACKLISTED).count(),
        "unsubscribed": subscribers.filter(status=Subscriber.Status.UNSUBSCRIBED).count(),
        "moved to another list": subscribers.filter(status=Subscriber.Status.MOVED).count(),
        "stopped a campaign group": GroupStop.objects.for_customer(customer).count(),
        "acted on by a monitor": hits.count(),
        "replies left alone": replies.exclude(pk__in=acted).exclude(provider_message_id__in=bounced).count(),
        "not sent: unconfirmed": subscribers.filter(status=Subscriber.Status.UNCONFIRMED).count(),
    }


def differences(found: Tally, expected: Tally = EXPECTED, when: str = "") -> list[str]:
    """A sentence for every number that is not what it must be."""
    return list(_differences(found, expected, when))


def _differences(found: Tally, expected: Tally, when: str) -> Iterator[str]:
    for customer, numbers in expected.items():
        for what, number in numbers.items():
            if found[customer][what] != number:
                place = f" {when}" if when else ""
                yield f"{customer}: {what}: {found[customer][what]} instead of {number}{place}"

"""Which delivery a bounce belongs to, among those its mailbox may speak of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from campaigns.models import Delivery
from campaigns.recognizing import MAX_FOUND, by_message_ids, by_thread, by_token
from mail.addresses import normalize_address
from mail.detection import Bounce as Detected
from mailboxes.models import ProcessedMessage

# A report without any id of ours is taken for the last message to its recipient within this time.
RECIPIENT_WINDOW = timedelta(days=7)
# Clocks differ: a report may seem to be a little older than its message.
CLOCK_DIFFERENCE = timedelta(minutes=10)
# Not submitted without a try: no report can be about it, whatever the report says.
NOT_SUBMITTED = (Delivery.Status.QUEUED, Delivery.Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose deliveries a mailbox may speak of: the customers of its servers whose own token is valid.

    A system server without a customer reaches everybody's.
    """

    customer_ids: frozenset[int] = frozenset()
    everyone: bool = False

    @classmethod
    def of(cls, customer_ids: Iterable[int | None]) -> Reach:
        ids = set(customer_ids)
        return cls(frozenset(pk for pk in ids if pk is not None), None in ids)

    def holds(self, delivery: Delivery) -> bool:
        """Whether the mailbox may speak of this delivery, which was submitted at least."""
        is_ours = self.everyone or delivery.customer_id in self.customer_ids
        was_submitted = delivery.tries > 0 or delivery.status not in NOT_SUBMITTED
        return is_ours and was_submitted


@dataclass(frozen=True, slots=True)
class Match:
    """The delivery a bounce belongs to, and by what it was recognised."""

    delivery: Delivery
    by: str


def match(bounce: Detected, message: ProcessedMessage, reach: Reach) -> Match | None:
    """Token, then any known Message-ID, then the thread, then the recipient within a week."""
    keys = recipient_keys(bounce)
    if delivery := by_token(bounce.token, reach.holds):
        return Match(delivery, "token")
    ids = (bounce.message_id, *bounce.message_ids)
    if delivery := _choose(by_message_ids(ids, reach.holds), keys):
        return Match(delivery, "message-id")
    if delivery := _choose(by_thread(message.mailbox, message.thread_id, reach.holds), keys):
        return Match(delivery, "thread")
    if delivery := _last_to(keys, message, reach):
        return Match(delivery, "recipient")
    return None


def recipient_keys(bounce: Detected) -> frozenset[str]:
    """The failed recipient by every name the report gives it."""
    names = (bounce.recipient, bounce.original_recipient, bounce.final_recipient)
    return frozenset(normalize_address(name) for name in names if name)


def _choose(found: list[Delivery], keys: frozenset[str]) -> Delivery | None:
    """The one to the failed recipient; else the only one, as where mail was forwarded."""
    to_recipient = [delivery for delivery in found if delivery.recipient_key in keys]
    if to_recipient:
        return max(to_recipient, key=lambda delivery: delivery.pk)
    return found[0] if len(found) == 1 else None


def _last_to(keys: frozenset[str], message: ProcessedMessage, reach: Reach) -> Delivery | None:
    """The newest message to the failed recipient before the report came."""
    received = message.received_at or message.listed_at
    rows = sent_to(keys, received - RECIPIENT_WINDOW, received + CLOCK_DIFFERENCE) if keys else []
    return next((delivery for delivery in rows if reach.holds(delivery)), None)


def sent_to(keys: frozenset[str], since: datetime, until: datetime) -> QuerySet[Delivery]:
    """What was sent to these addresses within the time, newest first."""
    rows = Delivery.objects.filter(recipient_key__in=keys, sent_at__gte=since, sent_at__lte=until)
    return rows.order_by("-sent_at")[:MAX_FOUND]

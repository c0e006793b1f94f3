"""Which delivery a message that came back or an answer belongs to: our token, any known Message-ID, the thread.

Each question is one look-up in its own index, whatever the size of the delivery log. The rows are few, so what
the caller may see (`is_in_reach`) is asked afterwards: as a condition of the query it would tempt a database
without statistics to walk through all deliveries of a customer instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import QuerySet

from campaigns.models import Delivery
from mailboxes.models import Mailbox

IsInReach = Callable[[Delivery], bool]

# What we wrote, what the draft got, what really went out: the last one first, as reports name it.
MESSAGE_ID_FIELDS = ("sent_message_id", "submitted_message_id", "draft_message_id")
MAX_IDS = 50
MAX_FOUND = 200


def by_token(token: str, is_in_reach: IsInReach) -> Delivery | None:
    """The delivery that carried this token."""
    found = _visible(Delivery.objects.filter(token=token), is_in_reach) if token else []
    return found[0] if found else None


def by_message_ids(message_ids: Iterable[str], is_in_reach: IsInReach) -> list[Delivery]:
    """The deliveries known by one of these Message-IDs, written with or without angle brackets."""
    bare = list(dict.fromkeys(text.strip("<> ") for text in message_ids if text.strip("<> ")))[:MAX_IDS]
    spellings = [spelling for text in bare for spelling in (text, f"<{text}>")]
    if not spellings:
        return []
    for field in MESSAGE_ID_FIELDS:
        if found := _visible(with_message_id(field, spellings), is_in_reach):
            return found
    return []


def with_message_id(field: str, spellings: list[str]) -> QuerySet[Delivery]:
    """The exclusion repeats the partial index's own condition, or SQLite would not use the index."""
    return Delivery.objects.filter(**{f"{field}__in": spellings}).exclude(**{field: ""})


def by_thread(mailbox: Mailbox, thread_id: str, is_in_reach: IsInReach) -> list[Delivery]:
    """The deliveries sent from `mailbox` within this thread of it."""
    return _visible(in_thread(mailbox, thread_id), is_in_reach) if thread_id else []


def in_thread(mailbox: Mailbox, thread_id: str) -> QuerySet[Delivery]:
    """As `with_message_id`, for a thread."""
    return Delivery.objects.filter(mailbox=mailbox, thread_id=thread_id).exclude(thread_id="")


def _visible(rows: QuerySet[Delivery], is_in_reach: IsInReach) -> list[Delivery]:
    return [delivery for delivery in rows.order_by()[:MAX_FOUND] if is_in_reach(delivery)]

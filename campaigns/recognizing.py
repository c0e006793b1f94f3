"""Which delivery a message that came back or an answer belongs to: our token, any known Message-ID, the thread.

Each question is one indexed look-up, whatever the size of the delivery log; the caller passes the deliveries
it may see, so that mail in one customer's mailbox never reaches another's.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from campaigns.models import Delivery
from mailboxes.models import Mailbox

# What we wrote, what the draft got, what really went out: the last one first, as reports name it.
MESSAGE_ID_FIELDS = ("sent_message_id", "submitted_message_id", "draft_message_id")
MAX_IDS = 50


def by_token(reach: QuerySet[Delivery], token: str) -> Delivery | None:
    """The delivery that carried this token."""
    return reach.filter(token=token).first() if token else None


def by_message_ids(reach: QuerySet[Delivery], message_ids: Iterable[str]) -> list[Delivery]:
    """The deliveries known by one of these Message-IDs, written with or without angle brackets."""
    bare = list(dict.fromkeys(text.strip("<> ") for text in message_ids if text.strip("<> ")))[:MAX_IDS]
    spellings = [spelling for text in bare for spelling in (text, f"<{text}>")]
    if not spellings:
        return []
    for field in MESSAGE_ID_FIELDS:
        # The exclusion repeats the partial index's own condition, or SQLite would not use it.
        found = reach.filter(**{f"{field}__in": spellings}).exclude(**{field: ""})
        if deliveries := list(found[:MAX_IDS]):
            return deliveries
    return []


def by_thread(reach: QuerySet[Delivery], mailbox: Mailbox, thread_id: str) -> list[Delivery]:
    """The deliveries sent from `mailbox` within this thread of it."""
    if not thread_id:
        return []
    found = reach.filter(mailbox=mailbox, thread_id=thread_id).exclude(thread_id="")
    return list(found[:MAX_IDS])

"""Messages of a mailbox that concern nobody, and which customers may see that they came.

The ledger is one mailbox's, whoever shares it, so a line of it is shown by a right of the customer's own alone:

- A server of theirs reads the mailbox for that purpose by an API key of their own, its last connection test opened
  the mailbox for reading, nothing has been refused to it since, and its token is valid now. Who has all that can
  read the mail itself. A key of the platform gives no such right, and neither does a delivery server or an
  address that is only named.
- Shown is what was listed since that server was made: sender, subject, time, and why it is nobody's, in words
  that name no customer and no server. Never the text.
- What concerned anybody, for any purpose, or has yet to be looked at for one, is neither shown nor counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import Customer
from keys.models import ApiKey, Token
from mailboxes.models import Mailbox, ProcessedMessage, Purpose
from providers.messages import StepState

READERS = {Purpose.BOUNCES: "bounceservers", Purpose.MONITORS: "monitors"}


def open_since(mailbox: Mailbox, customer: Customer, now: datetime) -> dict[Purpose, datetime]:
    """The purposes whose unmatched messages the customer may see, each with the moment from which on."""
    tokens = Token.objects.for_customer(customer).valid(now)
    own = tokens.filter(email_key=mailbox.email_key, provider=mailbox.provider)
    keys = [token.api_key_id for token in own if token.is_valid(now)]
    found = {}
    for purpose, readers in READERS.items():
        servers = getattr(mailbox, readers).for_customer(customer).filter(
            api_key__in=keys,
            api_key__customer=customer,
            api_key__status=ApiKey.Status.ACTIVE,
            connected_at__isnull=False,
            last_error="",
        )  # fmt: skip
        if since := [server.created_at for server in servers if _has_read(server)]:
            found[purpose] = min(since)
    return found


def _has_read(server: Any) -> bool:
    """Whether the last connection test proved the right to read, and not that of sending alone."""
    return any(step["name"] == "read" and step["state"] == StepState.PASSED for step in server.steps)


def unmatched_messages(mailbox: Mailbox, since: Mapping[Purpose, datetime]) -> QuerySet[ProcessedMessage]:
    """A row for each message that is nobody's, `also` being why for another purpose than the row's own."""
    if not since:
        return ProcessedMessage.objects.none()
    is_open = reduce(or_, (Q(purpose=purpose, listed_at__gte=at) for purpose, at in since.items()))
    # The purpose is named so that the index of mailbox, purpose and message finds them.
    same_message = ProcessedMessage.objects.filter(
        mailbox=OuterRef("mailbox"),
        purpose__in=Purpose.values,
        provider_message_id=OuterRef("provider_message_id"),
    )
    others = same_message.filter(is_open)
    rows = ProcessedMessage.objects.filter(is_open, mailbox=mailbox).exclude(unmatched="")
    rows = rows.exclude(Exists(same_message.filter(unmatched="")))
    # The newest row of a message stands for it, so that a page of the newest finds them at once.
    rows = rows.exclude(Exists(others.filter(pk__gt=OuterRef("pk"))))
    also = others.filter(pk__lt=OuterRef("pk")).values("unmatched")[:1]
    return rows.annotate(also=Subquery(also)).defer("raw")

"""Matching a bounce in a large delivery log: each question's time and plan, small log beside large one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Field, QuerySet

from bounces.matching import Reach, sent_to
from campaigns import recognizing
from campaigns.models import Campaign, Delivery
from mailboxes.models import Mailbox
from tests.factories import make_campaign, make_customer, make_list

SMALL = 1_000
REPEATS = 50
SENT_AT = datetime(2026, 11, 1, tzinfo=UTC)
Say = Callable[..., None]


def measure_matching(deliveries: int, say: Say) -> None:
    """Ask the four questions of a small log, then of one with `deliveries` rows, and show the plans."""
    campaign = make_campaign(make_list(make_customer("Large log")))
    mailbox = Mailbox.objects.for_address("microsoft", "large@acme.example")
    fill(campaign, mailbox, 1, SMALL)
    small = times(mailbox, SMALL)
    started = time.perf_counter()
    fill(campaign, mailbox, SMALL + 1, deliveries)
    say("rows", deliveries, "filled in", f"{time.perf_counter() - started:.0f} s")
    say("question", f"of {SMALL}", f"of {deliveries}")
    for name, seconds in times(mailbox, deliveries).items():
        say(name, f"{small[name] * 1000:.2f} ms", f"{seconds * 1000:.2f} ms")
    for name, query in queries(mailbox, deliveries).items():
        say(name)
        say(query.explain())


def questions(mailbox: Mailbox, number: int) -> dict[str, Callable[[], Any]]:
    """What matching asks, as it asks it; the Message-ID is in the field that is looked at last."""
    holds = Reach(everyone=True).holds
    recipient = queries(mailbox, number)["recipient"]
    return {
        "token": lambda: recognizing.by_token(f"token-{number}", holds),
        "message-id": lambda: recognizing.by_message_ids([f"draft-{number}@mail.example"], holds),
        "thread": lambda: recognizing.by_thread(mailbox, f"thread-{number}", holds),
        "recipient": lambda: list(recipient.all()),
    }


def queries(mailbox: Mailbox, number: int) -> dict[str, QuerySet[Delivery]]:
    """The same as querysets, for their plans."""
    spellings = [f"draft-{number}@mail.example", f"<draft-{number}@mail.example>"]
    week = timedelta(days=7)
    return {
        "token": Delivery.objects.filter(token=f"token-{number}").order_by(),
        "message-id": recognizing.with_message_id("draft_message_id", spellings).order_by(),
        "thread": recognizing.in_thread(mailbox, f"thread-{number}").order_by(),
        "recipient": sent_to(frozenset({f"reader{number}@receiver.example"}), SENT_AT - week, SENT_AT + week),
    }


def times(mailbox: Mailbox, number: int) -> dict[str, float]:
    """Median seconds of each question."""
    return {name: median_of(ask) for name, ask in questions(mailbox, number).items()}


def median_of(ask: Callable[[], Any]) -> float:
    assert ask()
    samples = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        ask()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def fill(campaign: Campaign, mailbox: Mailbox, first: int, last: int, **others: str) -> None:
    """Deliveries numbered `first` to `last`, made inside the database; `others` are columns as SQL over `i`."""
    if last < first:
        return
    values = {
        "customer_id": str(campaign.customer_id),
        "campaign_id": str(campaign.pk),
        "mailbox_id": str(mailbox.pk),
        "recipient": "'reader' || i || '@receiver.example'",
        "recipient_key": "'reader' || i || '@receiver.example'",
        "token": "'token-' || i",
        "status": "'sent'",
        "submitted_message_id": "'submitted-' || i || '@mail.example'",
        "draft_message_id": "'draft-' || i || '@mail.example'",
        "sent_message_id": "'sent-' || i || '@mail.example'",
        "thread_id": "'thread-' || i",
        "created_at": f"'{SENT_AT:%Y-%m-%d %H:%M:%S}'",
        "sent_at": f"'{SENT_AT:%Y-%m-%d %H:%M:%S}'",
        **others,
    }
    columns = [field for field in Delivery._meta.concrete_fields if not field.primary_key]
    expressions = [values.get(str(field.attname)) or default_of(field) for field in columns]
    names = ", ".join(str(field.column) for field in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{series(first, last)} INSERT INTO {Delivery._meta.db_table} ({names}) "
            f"SELECT {', '.join(expressions)} FROM numbers"
            if connection.vendor == "sqlite"
            else f"INSERT INTO {Delivery._meta.db_table} ({names}) "
            f"SELECT {', '.join(expressions)} FROM generate_series({first}, {last}) AS numbers(i)"
        )


def series(first: int, last: int) -> str:
    return (
        f"WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers WHERE i < {last})"
    )


def default_of(field: Field[Any, Any]) -> str:
    """The column's default as an SQL literal."""
    if field.null:
        return "NULL"
    value = field.get_default()
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else f"'{value or ''}'"

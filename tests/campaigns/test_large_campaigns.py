"""What was sent already costs nothing: no statement of sending reads through it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import queueing, ticking
from campaigns.models import Delivery
from campaigns.running import run_mailbox
from operations.metrics import gauges

pytestmark = pytest.mark.services

SENT = 6000


def plans(sql: str) -> Iterator[dict[str, Any]]:
    """Every step that was taken to answer a statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    steps = [one["Plan"] for one in (json.loads(found) if isinstance(found, str) else found)]
    while steps:
        step = steps.pop()
        steps += step.get("Plans", [])
        yield step


def test_neither_sending_nor_the_tick_nor_the_metrics_read_what_was_sent(postgres, stage, monkeypatch):
    monkeypatch.setattr(gauges, "MOST", 100)
    server = stage.add_server("google")
    campaign = stage.make_campaign(server, subscribers=1)
    queueing.take_up(campaign, stage.now)
    Delivery.objects.bulk_create(
        Delivery(
            customer=campaign.customer, campaign=campaign, recipient="r@x.example", recipient_key="r@x.example",
            mailbox=server.mailbox, server=server, status="sent", sent_at=stage.now,
        )
        for _ in range(SENT)
    )  # fmt: skip
    stage.add_subscribers(SENT // 2)
    queueing.queue_up(campaign, stage.now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_delivery")

    with CaptureQueriesContext(connection) as captured:
        run_mailbox(server.mailbox, stage.now)
        ticking.ring(stage.now)
        list(gauges.gauges(stage.now))

    asked = {query["sql"] for query in captured if 'FROM "campaigns_delivery"' in query["sql"]}
    asked = {sql for sql in asked if sql.startswith("SELECT")}
    assert len(asked) > 5
    for sql in asked:
        for step in plans(sql):
            passed_over = step.get("Rows Removed by Filter", 0) * step["Actual Loops"]
            assert passed_over < SENT / 10, (step["Node Type"], step.get("Index Name"), sql)

"""Bells over a real broker's queue: counted, bounded, and no harm done while the broker is away."""

from __future__ import annotations

import pytest
from celery import Celery, current_app
from kombu.exceptions import OperationalError

from mailboxes import bells


@pytest.fixture
def broker(monkeypatch, request):
    """An application of its own, so that no other test's bells are counted."""
    app = Celery(request.node.name, broker="memory://", set_as_current=False)
    monkeypatch.setattr(bells, "current_app", app)
    return app


def ring(app, queue, count):
    for _ in range(count):
        app.send_task("campaigns.tasks.deal", queue=queue, ignore_result=True)


def test_it_counts_the_bells_that_nobody_has_answered(broker, request):
    queue = request.node.name
    assert bells.waiting_in(queue) == 0
    ring(broker, queue, 3)
    assert bells.waiting_in(queue) == 3
    assert bells.room_in(queue) == bells.QUEUE_LENGTH - 3


def test_a_full_queue_has_no_room(broker, request):
    ring(broker, request.node.name, bells.QUEUE_LENGTH + 1)
    assert bells.room_in(request.node.name) == 0


@pytest.mark.services
@pytest.mark.xdist_group("redis")
def test_it_counts_over_redis_as_well(monkeypatch, redis_url, request):
    app = Celery("redis", broker=redis_url, set_as_current=False)
    monkeypatch.setattr(bells, "current_app", app)
    queue = request.node.name
    ring(app, queue, 2)
    assert bells.waiting_in(queue) == 2
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(queue)
    assert bells.waiting_in(queue) == 0


def test_a_broker_that_is_away_is_only_noted(monkeypatch, caplog):
    app = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr(bells, "current_app", app)
    assert bells.room_in("sending") == 0
    assert "broker does not answer" in caplog.text


def test_a_bell_that_cannot_be_rung_is_only_noted(monkeypatch, caplog):
    def refuse(*_, **__):
        raise OperationalError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)

    bells.ring("campaigns.tasks.run_mailbox", mailbox_id=1)

    assert "the next tick will" in caplog.text

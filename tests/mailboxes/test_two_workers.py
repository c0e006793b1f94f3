"""Real threads on the real database: one mailbox read by several at once, one address bounced in several."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from audience.models import BlacklistEntry, Change
from bounces.models import Bounce
from mailboxes.models import ProcessedMessage
from operations.reading import ReadReport, read_bounces
from tests.factories import make_customer
from tests.mailroom import Mailroom

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
WORKERS = 4


@pytest.fixture
def rooms(transactional_db, sandbox_world) -> list[Mailroom]:
    """Customers with a mailbox each."""
    found = []
    for number in range(WORKERS):
        customer = make_customer(f"Customer {number}")
        room = Mailroom(sandbox_world, "microsoft", f"news{number}@acme.example", customer)
        room.add_bounce_server()
        room.open_for_business()
        found.append(room)
    return found


def read_at_once(rooms: list[Mailroom]) -> list[ReadReport]:
    barrier = Barrier(len(rooms))
    mailboxes = [(room.mailbox, room.now) for room in rooms]

    def work(pair) -> ReadReport:
        try:
            barrier.wait(10)
            return read_bounces(*pair)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(rooms)) as pool:
        return list(pool.map(work, mailboxes))


def test_workers_at_one_mailbox_handle_each_message_once(rooms):
    room = rooms[0]
    for number in range(12):
        room.bounce(room.subscribe(f"reader{number}@receiver.example"))

    reports = read_at_once([room] * WORKERS)
    room.read()

    assert sum(report.handled for report in reports) == 12
    assert sorted(bool(report.note) for report in reports) == [False, True, True, True]
    assert Bounce.objects.count() == 12
    assert not ProcessedMessage.objects.exclude(state="done", tries=0).exists()


def test_one_address_bounced_in_several_mailboxes_gets_one_entry_with_every_cause(rooms):
    subscribers = [room.subscribe("ada@receiver.example") for room in rooms]
    for room, subscriber in zip(rooms, subscribers, strict=True):
        room.bounce(subscriber)

    read_at_once(rooms)
    for room in rooms:
        room.read()

    for subscriber in subscribers:
        subscriber.refresh_from_db()
    assert {subscriber.status for subscriber in subscribers} == {"blacklisted"}
    assert BlacklistEntry.objects.count() == 1
    causes = Change.objects.filter(subscriber_uid="", action="blacklist")
    assert causes.count() == WORKERS
    # Each subscriber was marked exactly once, whoever came first.
    assert Change.objects.exclude(subscriber_uid="").count() == WORKERS

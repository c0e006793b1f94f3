"""Two at once at one address of the blacklist, on PostgreSQL: the one that comes second sees what the first did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

import pytest
from django.db import connection, connections, transaction

from audience import changes
from audience.journal import Cause
from audience.models import BlacklistEntry, Change, Subscriber
from audience.undo import undo_change
from tests.factories import make_customer, make_list, make_subscriber

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.usefixtures("postgres"),
]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EMAIL = "ada@receiver.example"
Act = Callable[[], object]


@pytest.fixture
def ada() -> Subscriber:
    return make_subscriber(make_list(make_customer()), EMAIL)


@contextmanager
def under_way(act: Act, then: Act = lambda: None) -> Iterator[None]:
    """`act` is done and not yet committed in the body; `then` and the commit follow once somebody waits for it."""
    done = Event()

    def work() -> None:
        act()
        done.set()
        wait_until_somebody_waits()
        then()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_own_transaction, work)
        done.wait(10)
        yield
        first.result(10)


def in_own_transaction(act: Act) -> None:
    try:
        with transaction.atomic():
            act()
    finally:
        connections.close_all()


def wait_until_somebody_waits(seconds: float = 1.0) -> None:
    give_up = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < give_up:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone():
                return
            time.sleep(0.02)


def blacklist(cause_id: str, *, everywhere: bool = False) -> None:
    customer = None if everywhere else Subscriber.objects.get().customer
    changes.blacklist(EMAIL, customer, Cause("bounce", cause_id), NOW)


def test_an_address_stays_on_the_blacklist_for_a_cause_that_comes_while_another_is_undone(ada):
    blacklist("1")
    first = Change.objects.get(subscriber_uid="")

    with under_way(lambda: blacklist("2")):
        outcome = undo_change(first, by=None, now=NOW)

    ada.refresh_from_db()
    assert outcome.text == "one cause less; stays on the blacklist for 1 other"
    assert BlacklistEntry.objects.count() == 1
    assert ada.status == "blacklisted"


def test_undoing_a_cause_waits_for_the_lift_of_its_entry(ada):
    blacklist("1")
    cause = Change.objects.get(subscriber_uid="")

    def lift() -> None:
        changes.lift(BlacklistEntry.objects.get(), Cause("person"), NOW)

    # The lift holds the entry, as its first statement does, and goes on once the undo waits.
    with under_way(BlacklistEntry.objects.select_for_update().get, then=lift):
        outcome = undo_change(cause, by=None, now=NOW)

    ada.refresh_from_db()
    assert outcome.text == "undone already"
    assert ada.status == "confirmed"


def test_a_subscriber_stays_marked_who_is_blacklisted_for_all_while_the_own_entry_is_lifted(ada):
    blacklist("1")

    with under_way(lambda: changes.lift(BlacklistEntry.objects.get(), Cause("person"), NOW)):
        blacklist("2", everywhere=True)

    ada.refresh_from_db()
    assert ada.status == "blacklisted"

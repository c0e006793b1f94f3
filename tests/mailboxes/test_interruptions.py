"""Promise 1 and 2: killed at any statement or request, the next cycle gives the rows of an undisturbed run."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import connection

from accounts.models import SystemSettings
from mailboxes import handling
from providers.session import Http
from tests.factories import make_customer
from tests.mailroom import Mailroom, picture

_numbers = itertools.count(1)


pytestmark = pytest.mark.services


class Killed(BaseException):
    """The worker's process ended here."""


def busy_room(world, provider: str) -> Mailroom:
    """A customer with a mailbox of its own, full of every kind of mail, read by a bounce server and a monitor."""
    customer = make_customer(f"Customer {next(_numbers)}")
    room = Mailroom(world, provider, f"news{customer.pk}@acme.example", customer)
    room.add_bounce_server()
    room.add_monitor({"value": "stop", "action": "unsubscribe"}, name="Replies", processed_folder="Done")
    room.open_for_business()
    room.fill()
    return room


def finish(room: Mailroom) -> None:
    """What follows a crash: the lease runs out, and two cycles later nothing is left to do."""
    room.expire_leases()
    room.read()
    room.read()


@contextmanager
def killed_at_statement(number: int) -> Iterator[Callable[[], bool]]:
    """From statement `number` on the database hears nothing more of this worker."""
    count = itertools.count()
    state = {"dead": False}

    def wrapper(execute, sql, params, many, context):
        if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):
            return execute(sql, params, many, context)  # what the database itself does with a lost client
        if state["dead"] or next(count) == number:
            state["dead"] = True
            raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield lambda: state["dead"]


@pytest.fixture
def _own_blacklists(db) -> None:
    SystemSettings.load()
    SystemSettings.objects.update(customer_blacklist_is_global=False)


@pytest.fixture(params=["microsoft", "google"])
def provider(request) -> str:
    return request.param


@pytest.fixture
def undisturbed(_own_blacklists, sandbox_world, provider) -> dict[str, list]:
    room = busy_room(sandbox_world, provider)
    room.read()
    rows = picture(room.acme)
    assert len(rows["ledger"]) == 14
    assert len(rows["bounces"]) == 5
    assert len(rows["hits"]) == 1
    return rows


# Every so many statements, shifted between the providers; KILL_STEP=1 tries every single one.
STEP = int(os.environ.get("KILL_STEP", "17"))


def test_it_ends_the_same_wherever_the_worker_is_killed(undisturbed, sandbox_world, provider):
    number = 0 if provider == "microsoft" else STEP // 2
    while True:
        room = busy_room(sandbox_world, provider)
        with killed_at_statement(number) as is_dead, suppress(Killed):
            room.read()
        if not is_dead():
            break
        finish(room)
        assert picture(room.acme) == undisturbed, f"killed at statement {number}"
        number += STEP
    assert number > 100


@pytest.mark.parametrize("is_answered", [False, True])
def test_it_ends_the_same_whichever_request_the_worker_dies_at(
    undisturbed, sandbox_world, provider, monkeypatch, is_answered
):
    once = Http.once
    for number in itertools.count():
        room = busy_room(sandbox_world, provider)
        calls = itertools.count()
        dead = False

        def dying(self, call, number=number, calls=calls):
            nonlocal dead
            is_last = next(calls) == number
            answer = once(self, call) if is_answered or not is_last else None
            if is_last:
                dead = True
                raise Killed
            return answer

        monkeypatch.setattr(Http, "once", dying)
        with suppress(Killed):
            room.read()
        monkeypatch.setattr(Http, "once", once)
        if not dead:
            break
        finish(room)
        assert picture(room.acme) == undisturbed, f"died at request {number}"
    assert number >= 4


def test_two_workers_at_once_handle_each_message_once(undisturbed, sandbox_world, provider, monkeypatch):
    """The second one comes by in the middle of the first one's reading and finds the lease taken."""
    room = busy_room(sandbox_world, provider)
    describe = handling.describe
    reports = []

    def interrupted(row, raw):
        reports.append(room.read()[0])
        describe(row, raw)

    monkeypatch.setattr(handling, "describe", interrupted)
    room.read()

    assert {report.note for report in reports} == {"Another worker is reading this mailbox."}
    assert picture(room.acme) == undisturbed


def test_a_worker_that_was_paused_past_its_lease_writes_nothing(
    undisturbed, sandbox_world, provider, monkeypatch
):
    """It sleeps in the middle of a message; another one takes over and finishes; then it wakes up."""
    room = busy_room(sandbox_world, provider)
    describe = handling.describe
    woken = []

    def sleepy(row, raw):
        if not woken:
            woken.append(True)
            room.expire_leases()
            room.read()
        describe(row, raw)

    monkeypatch.setattr(handling, "describe", sleepy)
    report, _ = room.read()
    room.read()

    assert report.note == "Another worker took this mailbox over."
    assert picture(room.acme) == undisturbed

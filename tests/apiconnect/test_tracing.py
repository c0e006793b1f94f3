"""One id runs from a web request through the bell to the task and its calls, and nothing is left behind."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator

import pytest
import structlog
from celery import current_app
from celery.contrib.testing.worker import start_worker
from django.utils import timezone
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from operations.cycle import run_cycle
from operations.phases import PHASES, PhaseWork
from tests.campaigns.conftest import stage  # noqa: F401


@pytest.fixture(autouse=True)
def _nothing_bound() -> Iterator[None]:
    clear_contextvars()
    yield
    clear_contextvars()


@pytest.fixture
def lines(caplog) -> list[dict]:
    """What structlog hands to the handlers, merged with what is bound."""
    caplog.set_level(logging.INFO)

    def all_lines() -> list[dict]:
        return [record.msg for record in caplog.records if isinstance(record.msg, dict)]

    return all_lines  # type: ignore[return-value]


def test_a_request_is_given_an_id_and_told_it(client):
    first, second = (client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second
    assert get_contextvars() == {}


def test_a_proxys_id_is_kept(client):
    answer = client.get("/healthz", headers={"X-Request-ID": "edge-7f3a9c21"})
    assert answer.headers["X-Request-ID"] == "edge-7f3a9c21"


@pytest.mark.parametrize(
    "wrong", ["short", "x" * 65, 'a"b" injected=1', "line\tbreak-line", "-leading-dash", "ä" * 12]
)
def test_an_id_that_is_not_well_formed_is_replaced(client, wrong):
    told = client.get("/healthz", headers={"X-Request-ID": wrong}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", told)


@pytest.mark.django_db
def test_what_a_request_logs_carries_its_id(client, lines):
    client.post(
        "/login/", {"username": "a@b.example", "password": "wrong"}, headers={"X-Request-ID": "login-0001"}
    )
    structlog.get_logger("tests").info("after")
    assert [one["event"] for one in lines() if one.get("request_id") == "login-0001"] != ["after"]
    assert "request_id" not in next(one for one in lines() if one["event"] == "after")


@pytest.mark.django_db
def test_even_an_error_page_tells_the_id(client):
    client.raise_request_exception = False
    answer = client.get("/no-such-page", headers={"X-Request-ID": "lost-page-1"})
    assert answer.headers["X-Request-ID"] == "lost-page-1"


SEEN: list[dict] = []


@pytest.fixture
def worker() -> Iterator[None]:
    """A real worker in a thread, on a broker in memory, with one task that looks around."""
    SEEN.clear()

    @current_app.task(name="tests.look_around", ignore_result=True)
    def look_around(**_numbers: int) -> None:
        SEEN.append(get_contextvars())

    try:
        with start_worker(current_app, pool="solo", perform_ping_check=False, shutdown_timeout=10):
            yield
    finally:
        current_app.tasks.pop("tests.look_around", None)


def ring(count: int, **numbers: int) -> None:
    current_app.send_task("tests.look_around", kwargs=numbers)
    waited = threading.Event()
    for _ in range(100):
        if len(SEEN) >= count:
            return
        waited.wait(0.1)
    raise AssertionError("the bell was not heard")


def test_a_task_logs_under_the_id_of_whoever_rang_and_forgets_it(worker):
    bind_contextvars(request_id="click-12345", email="not-passed-on@acme.example")
    ring(1, mailbox_id=7)
    clear_contextvars()
    ring(2)

    assert SEEN[0]["request_id"] == "click-12345"
    assert SEEN[0]["task"] == "tests.look_around"
    assert SEEN[0]["mailbox_id"] == 7
    assert "email" not in SEEN[0]
    assert SEEN[1]["request_id"] == SEEN[1]["task_id"]
    assert "mailbox_id" not in SEEN[1]


@pytest.mark.django_db
def test_a_cycles_item_is_named_in_all_its_lines(monkeypatch, lines):
    phase = next(iter(PHASES))

    def work(_subject, _now, _lease):
        structlog.get_logger("tests").info("deep inside")
        return {}

    monkeypatch.setitem(PHASES, phase, PhaseWork(PHASES[phase].subjects, work))
    run_cycle(timezone.now(), side_by_side=False)

    inside = next(one for one in lines() if one["event"] == "deep inside")
    assert inside["phase"] == phase
    assert inside["item"]
    assert get_contextvars() == {}


def test_a_providers_error_is_logged_with_its_request_id_under_ours(stage, lines):  # noqa: F811
    """The calls run in threads of their own; the id goes with them."""
    stage.world.fault("status", "graph.messages.create", status=503)
    bind_contextvars(request_id="campaign-run-1")

    stage.run_at(0, stage.make_campaign(stage.add_server(), subscribers=1))

    told = next(one for one in lines() if one["event"] == "provider error")
    assert told["request_id"] == "campaign-run-1"
    assert told["operation"] == "graph.messages.create"
    assert told["status"] == 503
    assert re.fullmatch(r"[0-9a-f-]{36}", told["provider_request_id"])

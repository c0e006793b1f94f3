"""A worker's thread keeps its database connection between tasks, and gives up one that is old or broken."""

from __future__ import annotations

import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun, task_prerun
from django.db import connections

from apiconnect.celery import app
from campaigns.tasks import deal

connection = connections["default"]  # itself, not the proxy


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> list[str]:
    """What happens to the connection from here on."""
    happened: list[str] = []
    connection.ensure_connection()
    monkeypatch.setattr(connection, "close", lambda: happened.append("closed"))
    return happened


def end_a_task() -> None:
    """As the worker tells it: Celery's own fix-up hears of it as well."""
    fixup = DjangoWorkerFixup(app)
    fixup.on_task_postrun(deal)
    task_postrun.send(deal)
    fixup.on_task_prerun(deal)
    task_prerun.send(deal)


def test_a_young_connection_is_kept_between_tasks(closed, monkeypatch):
    monkeypatch.setattr(connection, "close_at", None)

    end_a_task()

    assert closed == []


def test_an_old_connection_is_closed(closed, monkeypatch):
    monkeypatch.setattr(connection, "close_at", 0)

    end_a_task()

    assert closed


def test_a_connection_on_which_something_failed_is_closed_when_it_does_not_answer(closed, monkeypatch):
    monkeypatch.setattr(connection, "close_at", None)
    monkeypatch.setattr(connection, "errors_occurred", True)
    monkeypatch.setattr(connection, "is_usable", lambda: False)

    end_a_task()

    assert closed


def test_a_task_that_is_called_in_line_leaves_its_callers_connection_alone(closed, monkeypatch):
    monkeypatch.setattr(connection, "close_at", 0)
    deal.push_request(is_eager=True)
    try:
        task_prerun.send(deal)
        task_postrun.send(deal)
    finally:
        deal.pop_request()

    assert closed == []

"""A worker that is killed at any step, then run again: nobody gets two messages, nobody is left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import pytest
from django.db import connection

from campaigns.models import Campaign, Delivery
from mailboxes.models import Mailbox
from providers.session import Http
from sandbox.graph.mailbox import GraphMailbox
from tests.campaigns.conftest import statuses

SUBSCRIBERS = 3
# 1 kills at every single step, which takes minutes; the steps in between are of the same few kinds.
KILL_EVERY = int(os.environ.get("KILL_EVERY", "11"))


class Killed(BaseException):
    """What SIGKILL is to the code that runs: nothing of it goes on, no clean-up either."""


class Killer:
    """Counts the steps of a run, each SQL statement and each HTTP call before and after it, and kills at one."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.steps = 0
        self.is_dead = False
        self._lock = Lock()

    def step(self) -> None:
        with self._lock:
            self.steps += 1
            self.is_dead = self.is_dead or self.steps == self.at
            if self.is_dead:
                raise Killed

    def on_statement(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        # A dead process commits nothing, and the database rolls back what it had begun.
        if not sql.startswith("ROLLBACK"):
            self.step()
        return execute(sql, *rest)

    @contextmanager
    def at_work(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        once = Http.once

        def counted(http: Http, call: Any) -> Any:
            self.step()
            answer = once(http, call)
            self.step()
            return answer

        with monkeypatch.context() as patch, connection.execute_wrapper(self.on_statement):
            patch.setattr(Http, "once", counted)
            yield


def run_again_until_settled(stage, campaign) -> None:
    for _ in range(5):
        stage.expire_leases()
        stage.run(campaign, after_seconds=180)


# Who is killed closes no cursor of the database.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.services
@pytest.mark.timeout(1200 if KILL_EVERY < 5 else 120)
@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_killed_at_any_step_nobody_gets_two_and_nobody_is_left_out(stage, provider, monkeypatch):
    server = stage.add_server(provider)
    stage.add_subscribers(SUBSCRIBERS)
    Mailbox.objects.update(marker_survives=True)
    step = 1
    while was_killed(stage, stage.make_campaign(server), step, monkeypatch):
        step += KILL_EVERY
    assert step > 100, "the run has more steps than that"


def drafts_left(stage) -> list[Any]:
    mailbox = stage.world.mailbox("news-1@acme.example")
    return mailbox.in_folder("drafts") if isinstance(mailbox, GraphMailbox) else []


def was_killed(stage, campaign, step, monkeypatch) -> bool:
    """Kill the run at `step`, let it be taken up again, and prove the promise; False when it ended before."""
    stage.world.ledger.copies.clear()
    Mailbox.objects.update(sending_until=None, blocked_until=None)
    try:
        with Killer(step).at_work(monkeypatch):
            stage.run(campaign)
    except Killed:
        pass
    else:
        return False
    run_again_until_settled(stage, campaign)
    assert statuses(campaign) == {"sent": SUBSCRIBERS}, f"killed at step {step}"
    assert stage.tally() == [1] * SUBSCRIBERS, f"killed at step {step}"
    assert drafts_left(stage) == [], f"killed at step {step}"
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SENT
    assert not Delivery.objects.filter(attempts__isnull=False, attempts__finished_at__isnull=True).exists()
    return True

"""Real worker processes over HTTP: killed with SIGKILL at each call, and two at once on the same mailboxes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection

from campaigns.models import Campaign
from mailboxes.models import Mailbox
from sandbox.server import RunningSandbox, running
from servers.models import DeliveryServer, QuotaUse
from tests.campaigns.conftest import statuses

pytestmark = [
    pytest.mark.services,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
]


class Workers:
    """Starts `send_campaign` as processes of their own, on this test's database and sandbox."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "FIELD_ENCRYPTION_KEYS": ",".join(django_settings.FIELD_ENCRYPTION_KEYS),
            "DATABASE_URL": database_url(),
            "SANDBOX": "1",
            **sandbox.urls.environment(),
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, campaign: Campaign) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "send_campaign", campaign.uid],
            cwd=django_settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(worker)
        return worker

    def stop(self) -> None:
        for worker in self.started:
            worker.kill()
            worker.communicate(timeout=10)


def database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    login = quote(str(config["USER"])) + (f":{quote(config['PASSWORD'])}" if config["PASSWORD"] else "")
    return f"postgres://{login}@{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"


@pytest.fixture
def workers(stage) -> Iterator[Workers]:
    with running(stage.world) as sandbox:
        found = Workers(sandbox)
        yield found
        found.stop()


KILLS = [
    ("microsoft", "entra.token", "before", 0),
    ("microsoft", "graph.messages.create", "before", 1),
    ("microsoft", "graph.messages.create", "after", 1),
    ("microsoft", "graph.messages.send", "before", 1),
    ("microsoft", "graph.messages.send", "after", 1),
    ("google", "google.token", "after", 0),
    ("google", "gmail.messages.send", "before", 1),
    ("google", "gmail.messages.send", "after", 1),
    ("google", "gmail.messages.get", "before", 0),
]


@pytest.mark.parametrize(("provider", "call", "when", "skip"), KILLS)
def test_a_worker_killed_at_a_call_repeats_nothing_and_leaves_nobody_out(
    stage, workers, provider, call, when, skip
):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=5)
    Mailbox.objects.update(marker_survives=True)
    struck = threading.Event()

    def kill() -> None:
        worker.kill()
        struck.set()

    stage.world.fault("hook", call, when=when, skip=skip, hook=kill)
    worker = workers.start(campaign)

    output, _ = worker.communicate(timeout=60)
    assert struck.is_set(), output
    assert worker.returncode == -9
    for _ in range(5):
        stage.expire_leases()
        stage.run(campaign, after_seconds=180)

    assert statuses(campaign) == {"sent": 5}
    stage.assert_everyone_got_one(campaign)


def test_two_workers_at_once_keep_quota_leases_and_throttling(stage, workers):
    first = stage.add_server("google", hourly_quota=9)
    second = stage.add_server("google")
    campaign = stage.make_campaign(first, second, subscribers=30)
    stage.world.configure(latency_ms=15)
    stage.world.fault(
        "throttle", "gmail.messages.send", mailbox=second.email, skip=10, retry_after=1, hold=True
    )

    both = [workers.start(campaign) for _ in range(2)]
    outputs = [worker.communicate(timeout=60)[0] for worker in both]
    for _ in range(5):
        stage.run(campaign, after_seconds=2)

    assert [worker.returncode for worker in both] == [0, 0], outputs
    stage.assert_everyone_got_one(campaign)
    assert QuotaUse.objects.get(server=first, window="hour").used <= 9
    assert sum(copy.sender == first.email for copy in stage.world.ledger.copies) <= 9
    for server in DeliveryServer.objects.all():
        assert stage.world.counters()["mailboxes"][server.email]["most_in_flight"] <= 2

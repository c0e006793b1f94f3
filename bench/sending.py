"""What sending costs beside a bare loop of the same HTTP calls, in statements per message, and in memory.

    python -m bench.sending                      speed at 0, 50 and 200 ms on a temporary SQLite file
    python -m bench.sending --memory 1000 100000 1000000    peak memory of queueing and sending so many
    DATABASE_URL=postgres://… python -m bench.sending       on an empty PostgreSQL database

The sandbox answers from a process of its own over loopback, without request limits; the providers' own pace
is lifted, since it would be all there is to see.
"""

from __future__ import annotations

import argparse
import atexit
import base64
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django
import requests
from cryptography.fernet import Fernet

from bench.unpaced import lift_pace

LATENCIES_MS = (0, 50, 200)
PROVIDERS = ("google", "microsoft")
CONCURRENCY = 2
ROOT = Path(__file__).parents[1]
NO_LIMITS: dict[str, Any] = {
    "graph_requests": None,
    "graph_recipients_per_day": None,
    "gmail_units_per_minute": None,
    "gmail_messages_per_day": None,
}


@dataclass(frozen=True)
class Measure:
    """One run: messages per second until the last was accepted, and statements per message."""

    messages: int
    seconds: float
    statements: int = 0

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds


@contextmanager
def served_sandbox() -> Iterator[str]:
    """A sandbox process; its origin. Its addresses are put into the environment for Django to read."""
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            name, _, value = line.strip().partition("=")
            if not value:
                yield line.split()[-1].removesuffix("/_sandbox/")
                break
            os.environ[name] = value
    finally:
        process.terminate()
        process.wait(timeout=10)


def set_up() -> None:
    """Django on a database of its own, its schema made, the providers' pace lifted."""
    folder = tempfile.mkdtemp(prefix="apiconnect-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")
    # As in production: with DEBUG on Django keeps the newest statements in memory.
    os.environ.update(DEBUG="false", SECRET_KEY="bench", FIELD_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    os.environ.update(SANDBOX="1", LOG_LEVEL="ERROR", ENV_FILE=os.devnull)
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    lift_pace()


def seed_sandbox(origin: str) -> Any:
    from sandbox.control.client import SandboxControl  # noqa: PLC0415
    from sandbox.credentials import make_service_account  # noqa: PLC0415
    from tests.sandboxing import (  # noqa: PLC0415
        ALL_SCOPES,
        DOMAINS,
        MICROSOFT_CREDENTIALS,
        google_credentials,
    )

    control, account = SandboxControl(origin), google_credentials()
    control.seed(
        {
            "microsoft_tenants": [
                {
                    "id": MICROSOFT_CREDENTIALS["tenant_id"],
                    "domains": list(DOMAINS),
                    "apps": [
                        {
                            "client_id": MICROSOFT_CREDENTIALS["client_id"],
                            "client_secret": MICROSOFT_CREDENTIALS["client_secret"],
                            "roles": ["Mail.Send", "Mail.Read", "Mail.ReadWrite"],
                        }
                    ],
                }
            ],
            "google_service_accounts": [
                {
                    "client_email": account["client_email"],
                    "public_key": make_service_account().public_key,
                    "private_key_id": account["private_key_id"],
                    "delegations": dict.fromkeys(DOMAINS, ALL_SCOPES),
                }
            ],
        }
    )
    control.set_limits(**NO_LIMITS)
    return control


class Stage:
    """One customer with a server on each provider."""

    def __init__(self, control: Any) -> None:
        from servers.connecting import connect  # noqa: PLC0415
        from tests.factories import make_customer, make_delivery_server, make_key  # noqa: PLC0415

        self.control, self.acme = control, make_customer("Bench")
        self.servers = {}
        for provider in PROVIDERS:
            email = f"{provider}@acme.example"
            control.add_mailbox(provider, email, "Bench")
            key = make_key(self.acme, provider)
            server = make_delivery_server(self.acme, provider, email=email, api_key=key)
            assert connect(server, now()), server.last_error
            self.servers[provider] = server

    def make_campaign(self, provider: str, subscribers: int) -> Any:
        from audience.models import Subscriber  # noqa: PLC0415
        from tests.factories import make_campaign, make_list  # noqa: PLC0415

        readers = make_list(self.acme)
        emails = (f"r{number}@receiver.example" for number in range(subscribers))
        rows = (
            Subscriber(
                list=readers, customer=self.acme, email=email, email_key=email, fields={"FNAME": "Ada"}
            )
            for email in emails
        )
        while chunk := list(islice(rows, 5000)):
            Subscriber.objects.bulk_create(chunk)
        return make_campaign(readers, (self.servers[provider],))


def send_ours(stage: Stage, provider: str, count: int) -> Measure:
    """The whole pipeline: queueing, claiming, composing, attempts, drafts, outcomes; learning comes after."""
    from django.db import connection  # noqa: PLC0415
    from django.db.models import Max  # noqa: PLC0415

    from campaigns import learning, queueing, running  # noqa: PLC0415

    campaign = stage.make_campaign(provider, count)
    statements = [0]

    def count_one(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements[0] += not sql.startswith(("SAVEPOINT", "RELEASE"))
        return execute(sql, *rest)

    learn = learning.Learner.run
    learning.Learner.run = lambda _self: 0  # type: ignore[assignment, method-assign]
    began_at = now()
    with connection.execute_wrapper(count_one):
        queueing.take_up(campaign, began_at)
        queueing.queue_up(campaign, began_at)
        report = running.run_mailbox(stage.servers[provider].mailbox, now(), run_seconds=3600)
    learning.Learner.run = learn  # type: ignore[method-assign]
    assert report.sent == count, report
    last = campaign.deliveries.aggregate(at=Max("sent_at"))["at"]
    return Measure(count, (last - began_at).total_seconds(), statements[0])


def send_bare(stage: Stage, provider: str, count: int) -> Measure:
    """The same calls with the same concurrency and nothing else: no database, one message composed once."""
    from campaigns.lines import open_line  # noqa: PLC0415

    server = stage.servers[provider]
    token = open_line(server, now()).token
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token.value}"
    mime = (
        f"From: {server.email}\r\nTo: r@receiver.example\r\nSubject: Hello\r\n"
        f"Message-ID: <bench@acme.example>\r\n\r\n{'Hello Ada. ' * 40}\r\n"
    ).encode()
    send = {"google": send_bare_gmail, "microsoft": send_bare_graph}[provider]
    began_at = time.perf_counter()
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(lambda _: send(session, server.email, mime), range(count)))
    return Measure(count, time.perf_counter() - began_at)


def send_bare_gmail(session: requests.Session, email: str, mime: bytes) -> None:
    url = f"{os.environ['GMAIL_URL']}/gmail/v1/users/{email}/messages/send"
    session.post(url, json={"raw": base64.urlsafe_b64encode(mime).decode()}).raise_for_status()


def send_bare_graph(session: requests.Session, email: str, mime: bytes) -> None:
    url = f"{os.environ['MICROSOFT_GRAPH_URL']}/users/{email}/messages"
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    headers = {"Content-Type": "text/plain", **prefer}
    draft = session.post(url, data=base64.b64encode(mime), headers=headers)
    draft.raise_for_status()
    session.post(f"{url}/{quote(draft.json()['id'])}/send", headers=prefer).raise_for_status()


def now() -> Any:
    from django.utils import timezone  # noqa: PLC0415

    return timezone.now()


def compare_speed(stage: Stage, messages: int) -> None:
    say("provider", "latency", "bare msg/s", "ours msg/s", "ratio", "statements/msg")
    for provider in PROVIDERS:
        for latency in LATENCIES_MS:
            stage.control.set_limits(latency_ms=latency)
            count = messages if latency < 200 else messages // 2
            bare, ours = send_bare(stage, provider, count), send_ours(stage, provider, count)
            say(
                provider,
                f"{latency} ms",
                f"{bare.per_second:.1f}",
                f"{ours.per_second:.1f}",
                f"{ours.per_second / bare.per_second:.2f}",
                f"{ours.statements / count:.1f}",
            )


def measure_memory(stage: Stage, sizes: list[int]) -> None:
    """Peak memory of this process after each size; streaming keeps it where the first one put it."""
    from campaigns import queueing  # noqa: PLC0415
    from campaigns.running import run_mailbox  # noqa: PLC0415

    say("subscribers", "queued in", "peak MB")
    for size in sizes:
        campaign = stage.make_campaign("google", size)
        started = time.perf_counter()
        queueing.take_up(campaign, now())
        queueing.queue_up(campaign, now(), budget_seconds=3600)
        seconds = time.perf_counter() - started
        run_mailbox(stage.servers["google"].mailbox, now(), run_seconds=5)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say(f"{size:,}", f"{seconds:.0f} s", f"{peak:.0f}")
        campaign.deliveries.filter(status="queued").update(status="skipped")


def say(*columns: object) -> None:
    sys.stdout.write("  ".join(f"{column!s:>14}" for column in columns) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=300, help="per run (half of it at 200 ms)")
    parser.add_argument("--memory", type=int, nargs="+", metavar="N", help="measure memory instead of speed")
    options = parser.parse_args()
    with served_sandbox() as origin:
        set_up()
        stage = Stage(seed_sandbox(origin))
        if options.memory:
            measure_memory(stage, options.memory)
        else:
            compare_speed(stage, options.messages)


if __name__ == "__main__":
    main()

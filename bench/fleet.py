"""A fleet at work: one cycle over many mailboxes, and campaigns sent through many, by several worker processes.

    export DATABASE_URL=postgres://…     (a server; the bench makes its own database there, and its own Redis)
    python -m bench.fleet cycle --mailboxes 1000 3000 10000 --workers 2
    python -m bench.fleet send --messages 20000 --mailboxes 2000 --workers 1 2 4
    python -m bench.fleet send --messages 1000000 --mailboxes 50 --customers 1 --unpaced --providers google

Everything is real but the providers: Celery workers (threads, eight each) and beat over Redis, PostgreSQL, and
the sandbox in a process of its own at 50 ms a request, under the providers' own limits. `--unpaced` lifts what a
mailbox may send in a minute and in a day, which is all there is to see where few mailboxes send much. `--json FILE`
appends each result as a line, from which `bench.plots` draws.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import product
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from cryptography.fernet import Fernet

from bench.sending import ROOT, seed_sandbox, served_sandbox

LATENCY_MS = 50
THREADS = 8
QUEUES = "sending,reading,housekeeping"
BOUNCES_EACH = 10
PROVIDERS = ("microsoft", "google")
SCOPES = {
    "microsoft": ["Mail.Read", "Mail.ReadWrite", "Mail.Send"],
    "google": [
        "https://mail.google.com/",
        "https://www.googleapis.com/auth/gmail.modify",
        "https://www.googleapis.com/auth/gmail.send",
    ],
}


@contextmanager
def own_database() -> Iterator[None]:
    """A new database on the server of DATABASE_URL, dropped in the end."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        sys.exit("Set DATABASE_URL to a PostgreSQL server that may create databases.")
    name = f"apiconnect_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        try:
            yield
        finally:
            os.environ["DATABASE_URL"] = server
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def set_up() -> None:
    os.environ.update(DEBUG="false", SECRET_KEY="bench", FIELD_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    os.environ.update(
        SANDBOX="1", LOG_LEVEL="ERROR", ENV_FILE=os.devnull, CYCLE_SECONDS="86400", TICK_SECONDS="10"
    )
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


@contextmanager
def own_broker() -> Iterator[None]:
    """A Redis that nobody else rings in or listens to."""
    from tests.storms.services import private_redis  # noqa: PLC0415

    with private_redis() as redis:
        os.environ["CELERY_BROKER_URL"] = redis.url
        yield


@contextmanager
def processes(workers: int, *, unpaced: bool = False) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Beat and so many workers; stopped in the end."""
    celery = [sys.executable, "-m", "bench.unpaced" if unpaced else "celery", "-A", "apiconnect"]
    commands = [[*celery, "beat", "--scheduler", "celery.beat:Scheduler"]]
    for number in range(workers):
        name = ["-n", f"fleet{number}@bench"]
        commands.append([*celery, "worker", "--pool", "threads", "-c", str(THREADS), "-Q", QUEUES, *name])
    with tempfile.TemporaryFile() as log:
        started = [
            subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
            for command in commands
        ]
        try:
            yield started[1:]
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def cpu_seconds(running: list[subprocess.Popen[bytes]]) -> float:
    """User and system time of the workers so far."""
    ticks = 0
    for process in running:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_megabytes(process: subprocess.Popen[bytes]) -> float:
    """The most memory a worker has held so far."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


class Fleet:
    """Customers with mailboxes of both providers, half and half, every token warm."""

    def __init__(self, control: Any, mailboxes: int, customers: int, providers: Sequence[str]) -> None:
        from accounts.models import Customer, SystemSettings  # noqa: PLC0415
        from tests.factories import make_customer, make_key  # noqa: PLC0415

        SystemSettings.load().save()
        self.control = control
        self.customers: list[Customer] = [
            make_customer(f"Customer {number}") for number in range(min(customers, mailboxes // 2))
        ]
        self.keys = {
            (customer.pk, provider): make_key(customer, provider)
            for customer in self.customers
            for provider in providers
        }
        self.boxes = [
            (
                f"box{number}@acme.example",
                providers[number % len(providers)],
                self.customers[number // 2 % len(self.customers)],
            )
            for number in range(mailboxes)
        ]
        control.seed(
            {
                "mailboxes": [
                    {"email": email, "provider": provider, "display_name": email}
                    for email, provider, _ in self.boxes
                ]
            }
        )
        self._make_rows()

    def _make_rows(self) -> None:
        """In bulk, with what the models' own saving would have filled in."""
        from django.utils import timezone  # noqa: PLC0415

        from bounces.models import BounceServer  # noqa: PLC0415
        from keys.models import Token  # noqa: PLC0415
        from mailboxes.models import Mailbox  # noqa: PLC0415
        from providers.registry import PROVIDERS as KINDS  # noqa: PLC0415
        from servers.models import DeliveryServer  # noqa: PLC0415

        now = timezone.now()
        Mailbox.objects.bulk_create(
            Mailbox(provider=provider, email=email, email_key=email) for email, provider, _ in self.boxes
        )
        ids = dict(Mailbox.objects.values_list("email", "pk"))
        shared = [
            {
                "name": email, "email": email, "email_key": email, "customer": customer,
                "api_key": self.keys[customer.pk, provider], "mailbox_id": ids[email], "connected_at": now,
            }
            for email, provider, customer in self.boxes
        ]  # fmt: skip
        kinds = [provider for _, provider, _ in self.boxes]
        BounceServer.objects.bulk_create(
            BounceServer(**fields, provider=kind) for fields, kind in zip(shared, kinds, strict=True)
        )
        self.delivery_servers = DeliveryServer.objects.bulk_create(
            DeliveryServer(**fields, type=KINDS[kind].server_type)
            for fields, kind in zip(shared, kinds, strict=True)
        )
        Token.objects.bulk_create(
            Token(
                customer=customer, email=email, email_key=email, provider=provider,
                api_key=self.keys[customer.pk, provider], scopes=SCOPES[provider],
            )
            for email, provider, customer in self.boxes
        )  # fmt: skip

    def warm(self) -> float:
        """A first cycle, in which every mailbox gets its token and its cursor."""
        self.control.set_limits(latency_ms=0)
        seconds = self.run_cycle("warm")
        self.control.set_limits(latency_ms=LATENCY_MS)
        return seconds

    def lift_limits(self) -> None:
        """A day's limits at the providers, which few mailboxes that send much would meet."""
        self.control.set_limits(gmail_messages_per_day=None, graph_recipients_per_day=None)

    def run_cycle(self, slot: str) -> float:
        from django.utils import timezone  # noqa: PLC0415

        from operations import cycle as cycles  # noqa: PLC0415
        from operations.models import Cycle  # noqa: PLC0415

        started = time.perf_counter()
        cycle = cycles.start_cycle(timezone.now(), slot)
        assert cycle is not None
        while not Cycle.objects.filter(pk=cycle.pk, finished_at__isnull=False).exists():
            time.sleep(0.2)
        assert not (failed := list(cycle.items.filter(state="failed")[:1])), failed[0].report
        return time.perf_counter() - started

    def bounce(self, count: int) -> int:
        """Some hard bounces for each of `count` mailboxes; how many there are in all."""
        for email, _, _ in self.boxes[:count]:
            for reader in range(BOUNCES_EACH):
                self.control.deliver(email, _hard_bounce(email, f"reader{reader}@receiver.example"))
        return count * BOUNCES_EACH

    def queue_campaigns(self, messages: int) -> None:
        """One campaign for each customer, over all of its mailboxes; all become ready at once."""
        from audience.models import Subscriber  # noqa: PLC0415
        from campaigns.models import Campaign  # noqa: PLC0415
        from tests.factories import make_campaign, make_list  # noqa: PLC0415

        each = messages // len(self.customers)
        for customer in self.customers:
            readers = make_list(customer)
            emails = [f"r{number}.{customer.pk}@receiver.example" for number in range(each)]
            Subscriber.objects.bulk_create(
                (
                    Subscriber(list=readers, customer=customer, email=email, email_key=email)
                    for email in emails
                ),
                batch_size=5000,
            )
            own = [server for server in self.delivery_servers if server.customer_id == customer.pk]
            make_campaign(readers, tuple(own), status=Campaign.Status.DRAFT)
        Campaign.objects.update(status=Campaign.Status.READY)


@contextmanager
def fleet_of(mailboxes: int, customers: int, providers: Sequence[str] = PROVIDERS) -> Iterator[Fleet]:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever stops the bench stops all that it started
    with served_sandbox() as origin, own_database(), own_broker():
        set_up()
        yield Fleet(seed_sandbox(origin), mailboxes, customers, providers)


def measure_cycle(mailboxes: int, customers: int, workers: int) -> dict[str, Any]:
    with fleet_of(mailboxes, customers) as fleet:
        with processes(workers) as running:
            warm = fleet.warm()
            bounces = fleet.bounce(max(1, mailboxes // 100))
            before = cpu_seconds(running)
            seconds = fleet.run_cycle("measured")
            cpu = cpu_seconds(running) - before
        from bounces.models import Bounce  # noqa: PLC0415

        assert Bounce.objects.count() == bounces, (Bounce.objects.count(), bounces)
    return {
        "kind": "cycle", "mailboxes": mailboxes, "workers": workers, "bounces": bounces,
        "seconds": round(seconds, 1), "first": round(warm, 1), "worker_cpu_ms": round(cpu * 1000 / mailboxes, 1),
    }  # fmt: skip


def _hard_bounce(sender: str, recipient: str) -> bytes:
    from sandbox import reports  # noqa: PLC0415
    from sandbox.outside import REFUSALS  # noqa: PLC0415

    original = (
        f"From: {sender}\r\nTo: {recipient}\r\nMessage-ID: <{uuid.uuid4()}@acme.example>\r\n\r\nNews.\r\n"
    )
    report = reports.Report(sender, recipient, original.encode(), time.time())
    return reports.microsoft_report(report, REFUSALS["unknown-user"])


def measure_sending(
    messages: int, mailboxes: int, customers: int, workers: int, *, unpaced: bool, providers: Sequence[str]
) -> dict[str, Any]:
    with fleet_of(mailboxes, customers, providers) as fleet:
        from django.db.models import Max, Min  # noqa: PLC0415

        from campaigns.models import Campaign, Delivery  # noqa: PLC0415

        with processes(workers, unpaced=unpaced) as running:
            fleet.warm()
            if unpaced:
                fleet.lift_limits()
            fleet.queue_campaigns(messages)
            before = cpu_seconds(running)
            while Campaign.objects.exclude(status=Campaign.Status.SENT).exists():
                time.sleep(2)
            cpu, peak = cpu_seconds(running) - before, max(map(peak_megabytes, running))
        times = Campaign.objects.aggregate(start=Min("started_at"))
        times |= Delivery.objects.aggregate(end=Max("sent_at"))
        sent = Delivery.objects.filter(status=Delivery.Status.SENT).count()
        twice = len(fleet.control.sent_twice())
    seconds = (times["end"] - times["start"]).total_seconds()
    return {
        "kind": "unpaced" if unpaced else "send", "providers": "+".join(providers),
        "messages": sent, "mailboxes": mailboxes, "workers": workers,
        "seconds": round(seconds, 1), "per_second": round(sent / seconds, 1),
        "worker_cpu_ms": round(cpu * 1000 / sent, 1), "worker_mb": round(peak), "twice": twice,
    }  # fmt: skip


def stop(*_: object) -> None:
    """Stopped by a signal, the bench leaves nothing running."""
    for child in active_children():
        child.terminate()
    sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("cycle", "send"))
    parser.add_argument("--mailboxes", type=int, nargs="+", default=[1000])
    parser.add_argument("--messages", type=int, nargs="+", default=[20_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument(
        "--customers", type=int, default=100, help="at most; each with mailboxes at both providers"
    )
    parser.add_argument(
        "--providers", nargs="+", choices=PROVIDERS, default=PROVIDERS, help="to send through"
    )
    parser.add_argument(
        "--unpaced", action="store_true", help="lift what a mailbox may send in a minute and a day"
    )
    parser.add_argument("--json", type=Path, help="append each result to this file as a line of JSON")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    # Each in a process of its own: Django is set up once, for one database.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for mailboxes, workers in product(options.mailboxes, options.workers):
            if options.what == "cycle":
                cycle = pool.submit(measure_cycle, mailboxes, options.customers, workers)
                report(cycle.result(), options.json)
                continue
            for messages in options.messages:
                sending = pool.submit(
                    measure_sending,
                    messages,
                    mailboxes,
                    options.customers,
                    workers,
                    unpaced=options.unpaced,
                    providers=options.providers,
                )
                report(sending.result(), options.json)


def report(result: dict[str, Any], path: Path | None) -> None:
    sys.stdout.write("  ".join(f"{name} {value}" for name, value in result.items()) + "\n")
    sys.stdout.flush()
    if path:
        with path.open("a") as lines:
            lines.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

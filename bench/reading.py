"""What reading costs: requests, seconds and statements, beside the plain way, at 50 ms a request.

python -m bench.reading                         all four parts, on a temporary SQLite file
python -m bench.reading --deliveries 0          without the large delivery log
DATABASE_URL=postgres://… python -m bench.reading   on an empty PostgreSQL database
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import django

LATENCY_MS = 50
GRAPH_PAGE = 100


def set_up() -> None:
    """Django on a database of its own, its schema made."""
    folder = tempfile.mkdtemp(prefix="apiconnect-bench-")
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


@dataclass
class Cost:
    """What one way took."""

    requests: int = 0
    statements: int = 0
    seconds: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """Count HTTP requests and database statements of this process while the block runs."""
    from django.db import connection  # noqa: PLC0415

    from providers.session import Http  # noqa: PLC0415

    cost, once = Cost(), Http.once

    def counting(self: Http, call: Any) -> Any:
        cost.requests += 1
        return once(self, call)

    def count_statement(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        cost.statements += not sql.startswith(("SAVEPOINT", "RELEASE"))
        return execute(sql, *rest)

    Http.once = counting  # type: ignore[method-assign]
    started = time.perf_counter()
    try:
        with connection.execute_wrapper(count_statement):
            yield cost
    finally:
        Http.once = once  # type: ignore[method-assign]
        cost.seconds = time.perf_counter() - started


def say(*columns: object) -> None:
    """One row of a table."""
    sys.stdout.write("  ".join(f"{column!s:>16}" for column in columns) + "\n")
    sys.stdout.flush()


def make_world() -> Any:
    """The sandbox behind the product's clients; no request limits, so that time is all that is measured."""
    from django.conf import settings  # noqa: PLC0415

    from keys import clients  # noqa: PLC0415
    from tests.sandboxing import make_test_world, sandbox_http, sandbox_settings  # noqa: PLC0415

    world = make_test_world()
    world.configure(graph_requests=None, gmail_units_per_minute=None, latency_ms=LATENCY_MS)
    http = sandbox_http(world)
    clients.shared_http = lambda: http  # type: ignore[attr-defined,assignment]
    for name, url in sandbox_settings().items():
        setattr(settings, name, url)
    return world


def compare(provider: Literal["microsoft", "google"], bounces: int) -> None:
    """One mailbox full of bounces: the plain way on a copy, then ours, from listing to disposal."""
    from tests.factories import make_customer  # noqa: PLC0415
    from tests.mailroom import Mailroom  # noqa: PLC0415

    world = make_world()
    world.configure(latency_ms=0)
    room = Mailroom(world, provider, f"ours-{provider}@acme.example", make_customer(f"Bench {provider}"))
    twin = f"plain-{provider}@acme.example"
    world.add_mailbox(provider, twin, "Plain")
    room.add_bounce_server()
    room.open_for_business()
    for number in range(bounces):
        raw = room.report(room.deliver(room.subscribe(f"reader{number}@receiver.example")))
        room.world.deliver(raw, room.email)
        room.world.deliver(raw, twin)
    world.configure(latency_ms=LATENCY_MS)
    plain, ours = read_plainly(room, twin), read_ours(room, bounces)
    say(provider, "plain", plain.requests, f"{plain.seconds:.1f} s", "-")
    say(provider, "ours", ours.requests, f"{ours.seconds:.1f} s", f"{ours.statements / bounces:.1f}")
    say("", "share", f"{ours.requests / plain.requests:.1%}", f"{ours.seconds / plain.seconds:.1%}", "")


def read_ours(room: Any, bounces: int) -> Cost:
    """The reading phase of one cycle."""
    from bounces.models import Bounce  # noqa: PLC0415

    before = Bounce.objects.count()
    with measured() as cost:
        done = 0
        while done < bounces:
            report = room.read()[0]
            assert report.error == "", report
            done += report.handled
    assert Bounce.objects.count() - before == bounces
    return cost


def read_plainly(room: Any, email: str) -> Cost:
    """List what is unread page by page, then get each, then delete each; detection included, no database."""
    from keys.clients import client_for  # noqa: PLC0415
    from mail.detection import detect  # noqa: PLC0415

    client = client_for(room.key)
    token = client.acquire_token(email)
    plain = PlainGraph(client, token) if room.provider == "microsoft" else PlainGmail(client, token)
    with measured() as cost:
        numbers = plain.unread()
        for number in numbers:
            assert detect(plain.raw(number))
        for number in numbers:
            plain.delete(number)
    return cost


class PlainGraph:
    """One request a message, as the endpoints are described in a setup guide."""

    def __init__(self, client: Any, token: Any) -> None:
        self.client = client
        self.token = token
        self.base = f"{client.urls.microsoft_graph}/users/{token.email}"

    def call(self, method: str, url: str) -> Any:
        from providers.session import Call  # noqa: PLC0415

        call = Call(method, url, {"Prefer": 'IdType="ImmutableId"'}, bearer=self.token.value)
        answer = self.client.http.once(call)
        assert answer.status < 300, answer
        return answer

    def unread(self) -> list[str]:
        url = (
            f"{self.base}/mailFolders/inbox/messages?$filter=isRead%20eq%20false&$select=id&$top={GRAPH_PAGE}"
        )
        found: list[str] = []
        while url:
            body = self.call("GET", url).fields()
            found += [row["id"] for row in body["value"]]
            url = body.get("@odata.nextLink", "")
        return found

    def raw(self, number: str) -> bytes:
        return bytes(self.call("GET", f"{self.base}/messages/{number}/$value").body)

    def delete(self, number: str) -> None:
        self.call("DELETE", f"{self.base}/messages/{number}")


class PlainGmail(PlainGraph):
    """The same for Gmail."""

    def __init__(self, client: Any, token: Any) -> None:
        super().__init__(client, token)
        self.base = f"{client.urls.gmail}/gmail/v1/users/{token.email}/messages"

    def unread(self) -> list[str]:
        found: list[str] = []
        page = ""
        while True:
            body = self.call("GET", f"{self.base}?q=is:unread&maxResults={GRAPH_PAGE}{page}").fields()
            found += [row["id"] for row in body.get("messages", [])]
            if not body.get("nextPageToken"):
                return found
            page = f"&pageToken={body['nextPageToken']}"

    def raw(self, number: str) -> bytes:
        import base64  # noqa: PLC0415

        raw = self.call("GET", f"{self.base}/{number}?format=raw").fields()["raw"]
        return base64.urlsafe_b64decode(raw + "==")

    def delete(self, number: str) -> None:
        self.call("DELETE", f"{self.base}/{number}")


def many_mailboxes(count: int, busy: int) -> None:
    """A whole cycle over `count` mailboxes of which `busy` got ten bounces each."""
    from django.utils import timezone  # noqa: PLC0415

    from operations.cycle import run_cycle  # noqa: PLC0415
    from tests.factories import make_customer  # noqa: PLC0415
    from tests.mailroom import Mailroom  # noqa: PLC0415

    world = make_world()
    world.configure(latency_ms=0)
    rooms = []
    for number in range(count):
        customer = make_customer(f"Crowd {number}")
        room = Mailroom(world, "microsoft", f"crowd{number}@acme.example", customer)
        room.add_bounce_server()
        rooms.append(room)
    run_cycle(timezone.now(), side_by_side=True)
    for room in rooms[:busy]:
        for reader in range(10):
            room.bounce(room.subscribe(f"reader{reader}@receiver.example"))
    world.configure(latency_ms=LATENCY_MS)
    with measured() as cost:
        cycle = run_cycle(timezone.now(), side_by_side=True)
    handled = sum(item.report.get("handled", 0) for item in cycle.items.filter(phase="bounces"))
    assert handled == busy * 10, handled
    say("mailboxes", "busy", "requests", "a mailbox", "cycle")
    say(count, busy, cost.requests, f"{cost.requests / count:.2f}", f"{cost.seconds:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bounces", type=int, default=1000)
    parser.add_argument("--mailboxes", type=int, default=1000)
    parser.add_argument("--deliveries", type=int, default=5_000_000)
    options = parser.parse_args()
    set_up()
    if options.bounces:
        say("provider", "way", "requests", "time", "statements each")
        compare("microsoft", options.bounces)
        compare("google", options.bounces)
    if options.mailboxes:
        many_mailboxes(options.mailboxes, max(1, options.mailboxes // 100))
    if options.deliveries:
        from bench.matching import measure_matching  # noqa: PLC0415

        measure_matching(options.deliveries, say)


if __name__ == "__main__":
    main()

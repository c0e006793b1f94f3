"""One storm: an installation, its scene and its workers; time that passes at once; and the books at the end."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.installation import Installation, installation
from tests.storms.balance import Balance, held, take_balance
from tests.storms.crew import Crew
from tests.storms.scene import Scene
from tests.storms.serving import Serving

# What waits for a moment, or was counted up to one.
DUE = {
    "mailboxes_mailbox": ("sending_until", "reading_until", "blocked_until", "paced_until"),
    "keys_token": ("renewing_until",),
    "operations_phaseitem": ("work_until",),
    "campaigns_attempt": ("started_at", "deadline"),
    "campaigns_delivery": ("next_try_at",),
    "servers_deliveryserver": ("paused_until",),
}
HAPPENED = (
    "campaigns_delivery.submitted_at",
    "campaigns_delivery.sent_at",
    "campaigns_attempt.finished_at",
    "bounces_bounce.created_at",
    "operations_cycle.finished_at",
    "mailboxes_mailbox.complete_until",
)
# No call at the sandbox for so long: nobody is in the middle of anything.
IDLE_SECONDS = 1.5
# Longer than any lease, and than the wait between two looks for a message.
A_WHILE = 310


@dataclass
class Storm:
    """`make` builds it; what comes between is the test's; `calm` ends it."""

    site: Installation
    scene: Scene
    crew: Crew | Serving

    def balance(self) -> Balance:
        return take_balance(self.site.query, self.site.world, self.scene)

    def sent(self) -> int:
        """How many messages have left by now."""
        return len(self.site.world.ledger.copies)

    def await_sent(self, share: float) -> None:
        wanted = round(self.scene.subscribers * share)
        self.wait_for(f"{wanted} messages sent", lambda: self.sent() >= wanted)

    def wait_for(self, what: str, is_so: Callable[[], object], seconds: float = 150) -> None:
        """Minutes pass at once whenever everybody is idle, so that what waits for them comes soon."""
        give_up_at = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < give_up_at, f"{what}: not within {seconds} s\n{self.site.logs()}"
            if self.is_idle():
                self.pass_time(A_WHILE)

    def is_idle(self) -> bool:
        """Look for a moment whether anybody calls a provider."""
        before = self._calls()
        give_up_at = time.monotonic() + IDLE_SECONDS
        while time.monotonic() < give_up_at:
            time.sleep(0.1)
            if self._calls() != before or self._in_flight():
                return False
        return True

    def _calls(self) -> int:
        return self.site.world.calls.total()

    def _in_flight(self) -> int:
        return sum(box.usage.in_flight for box in set(self.site.world.mailboxes.values()))

    def pass_time(self, seconds: float) -> None:
        """Let everything that waits have waited so much longer. Only while no worker is in the middle of it."""
        url = self.site.environment["DATABASE_URL"]
        for table, columns in DUE.items():
            changes = ", ".join(f"{column} = {_earlier(column, seconds, url)}" for column in columns)
            execute(url, f"UPDATE {table} SET {changes}")

    def rows_dated_ahead(self) -> list[str]:
        """Columns in which something happened later than now."""
        found = []
        for name in HAPPENED:
            table, _, column = name.partition(".")
            statement = f"SELECT count(*) FROM {table} WHERE {column} > now() + interval '1 minute'"
            found += [name] if self.site.query(statement)[0][0] else []
        return found

    def calm(self, *, seconds: float = 150) -> Balance:
        """The storm is over and nobody helps: in a while the books balance, and nothing is left under way."""
        try:
            self.wait_for("even books", lambda: self.balance().is_even, seconds)
            self.crew.end_schedule()
            self.wait_for("rest", lambda: not held(self.site.query), seconds)
        finally:
            say(*(balance := self.balance()).lines(), *held(self.site.query))
        return balance


def say(*lines: str) -> None:
    """Shown with a test that fails."""
    sys.stdout.write("\n".join([*lines, ""]))


def execute(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
            connection.execute(statement)
    else:
        with psycopg.connect(url) as connection:
            connection.execute(statement)


def _earlier(column: str, seconds: float, url: str) -> str:
    if url.startswith("sqlite"):
        return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-{seconds} seconds')"
    return f"{column} - interval '{seconds} seconds'"


@contextmanager
def storm(
    folder: Path, scene: Scene, *, database: str, seed: int = 1, latency_ms: int = 0, **variables: str
) -> Iterator[Storm]:
    """A provisioned installation whose workers are still to be started; ticks every three seconds, cycles every six."""
    fast = {"CYCLE_SECONDS": "6", "TICK_SECONDS": "3", "LOG_LEVEL": "WARNING", **variables}
    with installation(folder, database=database, **fast) as site:
        for _, provider, email in scene.emails():
            site.world.add_mailbox(provider, email, email)
        path = folder / "scene.json"
        path.write_text(scene.document())
        site.manage("provision", str(path))
        site.world.configure(latency_ms=latency_ms)
        yield Storm(site, scene, Crew(site, seed))

"""The long storm: thousands of messages while workers are killed, servers restart and providers fail.

    python -m bench.storm                                10,000 messages and 50 kills on private servers
    python -m bench.storm --messages 2000 --kills 10     a short one
    python -m bench.storm --seed 7                       the same dice as another run
    python -m bench.storm --database URL --redis URL     on given servers (an empty database), never restarted

Two customers send from mailboxes at both providers at the providers' own pace; part of the mail bounces or is
answered, and cycles read that meanwhile. Workers (prefork and threads) are killed with SIGKILL, several at once
too, or lose a child; whoever died is started again, as by systemd. When the storm is over nobody helps: the books
must balance by themselves. The exit code is 0 only if nothing was sent twice, lost, done twice or left over.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")
os.environ.update(ENV_FILE=os.devnull, DEBUG="true")

if TYPE_CHECKING:
    from tests.installation import Installation
    from tests.storms.balance import Balance
    from tests.storms.crew import Crew
    from tests.storms.scene import Scene
    from tests.storms.services import PrivatePostgres, PrivateRedis

POOLS = ("prefork", "threads", "threads")
LATENCY_MS = 50
# Each customer has so many mailboxes at each provider; the pace of a mailbox is 30 (Microsoft) or 50 a minute.
MESSAGES_PER_MAILBOX = 150
SECONDS_BETWEEN_KILLS = (4.0, 14.0)
CALM_SECONDS = 20 * 60
NO_LIMITS: dict[str, Any] = {"gmail_units_per_minute": None, "graph_requests": None}
SUBMISSIONS = "*.messages.send"
FAULTS: tuple[dict[str, Any], ...] = (
    {"effect": "throttle", "call": "*.messages.*", "retry_after": 8, "hold": True},
    {"effect": "status", "call": SUBMISSIONS, "status": 500},
    {"effect": "status", "call": SUBMISSIONS, "status": 503, "when": "after"},
    {"effect": "status", "call": "*", "status": 503, "times": 3},
    {"effect": "reset", "call": SUBMISSIONS},
    {"effect": "reset", "call": SUBMISSIONS, "when": "after"},
    {"effect": "reset", "call": "*.messages.create", "when": "after"},
    {"effect": "hang", "call": SUBMISSIONS, "seconds": 40, "when": "after"},
    {"effect": "hang", "call": "*.messages.list", "seconds": 5},
    {"effect": "truncate", "call": SUBMISSIONS},
    {"effect": "cut-json", "call": "*.messages.*"},
    {"effect": "late", "call": SUBMISSIONS, "seconds": 5},
    {"effect": "unauthorized", "call": "*"},
    {"effect": "gone", "call": "*.delta"},
    {"effect": "gone", "call": "gmail.history.list"},
)


@dataclass
class Servers:
    """The database and the broker; private ones may be restarted and flushed."""

    database: str
    redis_url: str
    postgres: PrivatePostgres | None = None
    redis: PrivateRedis | None = None


@dataclass
class Run:
    """One storm under way."""

    site: Installation
    scene: Scene
    crew: Crew
    servers: Servers
    dice: random.Random
    events: Counter[str] = field(default_factory=Counter)
    began_at: float = field(default_factory=time.monotonic)

    def storm(self, kills: int) -> None:
        """Until so many kills have happened and nearly everything was sent."""
        while self.crew.kills < kills or self.sent() < self.scene.subscribers * 0.98:
            time.sleep(self.dice.uniform(*SECONDS_BETWEEN_KILLS))
            self._replace_the_dead()
            self._strike()
            self.order_fault()
            say(self.clock(), f"{self.sent()} sent, {self.crew.kills} kills")
            if self.seconds() > CALM_SECONDS * 2:
                say("the storm does not get through")
                return

    def _replace_the_dead(self) -> None:
        for last_words in self.crew.replace_the_dead():
            self.events["workers that ended by themselves"] += 1
            say("a worker ended by itself:", last_words)

    def _strike(self) -> None:
        """Mostly a kill; now and then it hits a server, if they are private ones."""
        roll, redis, postgres = self.dice.random(), self.servers.redis, self.servers.postgres
        if roll < 0.85 or redis is None or postgres is None:
            self._kill_some()
        elif roll < 0.90:
            redis.flush()
            self.events["Redis flushed"] += 1
        elif roll < 0.95:
            redis.restart()
            self.events["Redis restarted"] += 1
        elif self.dice.random() < 0.5:
            postgres.restart("fast")
            self.events["PostgreSQL restarted"] += 1
        else:
            postgres.restart("immediate")
            self.events["PostgreSQL crashed"] += 1

    def _kill_some(self) -> None:
        """One worker or several at once, then as many new ones."""
        for _ in range(min(self.dice.choice((1, 1, 1, 2, 3)), len(self.crew.workers))):
            self.crew.kill_one(replace=False)
        self.crew.fill_up(POOLS)

    def order_fault(self) -> None:
        """One fault at one mailbox."""
        _, _, email = self.dice.choice(self.scene.emails())
        fault = dict(self.dice.choice(FAULTS))
        self.site.world.fault(fault.pop("effect"), fault.pop("call"), mailbox=email, **fault)
        self.events["provider faults ordered"] += 1

    def calm(self) -> Balance:
        """Nothing more strikes; wait for the books to balance, then for everybody to be at rest."""
        from tests.storms.balance import held, take_balance  # noqa: PLC0415

        self._replace_the_dead()
        give_up_at = time.monotonic() + CALM_SECONDS
        is_ending = False
        while True:
            time.sleep(5)
            balance = take_balance(self.site.query, self.site.world, self.scene)
            say(self.clock(), f"calm: {len(balance.differences)} differences")
            if balance.is_even and not is_ending:
                is_ending = True
                self.crew.end_schedule()
            under_way = held(self.site.query)
            if (balance.is_even and not under_way) or time.monotonic() > give_up_at:
                balance.differences += under_way
                return balance

    def sent(self) -> int:
        return len(self.site.world.ledger.copies)

    def seconds(self) -> float:
        return time.monotonic() - self.began_at

    def clock(self) -> str:
        return f"{int(self.seconds()) // 60:>3}:{int(self.seconds()) % 60:02}"


@contextmanager
def running_servers(database: str, redis_url: str) -> Iterator[Servers]:
    """Those that are given, else private ones."""
    from tests.storms.services import private_postgres, private_redis  # noqa: PLC0415

    with ExitStack() as stack:
        servers = Servers(database, redis_url)
        if not database:
            servers.postgres = stack.enter_context(private_postgres())
            servers.postgres.make_database("storm")
            servers.database = servers.postgres.url("storm")
        if not redis_url:
            servers.redis = stack.enter_context(private_redis())
            servers.redis_url = servers.redis.url
        yield servers


@contextmanager
def set_up(options: argparse.Namespace) -> Iterator[Run]:
    from tests.installation import installation  # noqa: PLC0415
    from tests.storms.crew import Crew  # noqa: PLC0415
    from tests.storms.scene import Scene  # noqa: PLC0415

    scene = Scene(options.messages, max(1, options.messages // (4 * MESSAGES_PER_MAILBOX)), options.seed)
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers(options.database, options.redis))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-")))
        variables = {"CELERY_BROKER_URL": servers.redis_url, "CYCLE_SECONDS": "60", "TICK_SECONDS": "15"}
        site = stack.enter_context(
            installation(folder, database=servers.database, LOG_LEVEL="ERROR", DEBUG="false", **variables)
        )
        site.manage("migrate", "--verbosity", "0")
        for _, provider, email in scene.emails():
            site.world.add_mailbox("google" if provider == "google" else "microsoft", email, email)
        site.world.configure(**NO_LIMITS)
        say(f"provisioning {scene.subscribers} subscribers and {len(scene.emails())} mailboxes …")
        (folder / "scene.json").write_text(scene.document())
        site.manage("provision", str(folder / "scene.json"), timeout=900)
        site.world.configure(latency_ms=LATENCY_MS)
        yield Run(site, scene, Crew(site, options.seed), servers, random.Random(options.seed))


def report(run: Run, balance: Balance, options: argparse.Namespace) -> None:
    events = ", ".join(f"{what} {count}" for what, count in sorted(run.events.items()) if count)
    say()
    say(f"seed {options.seed}, {run.seconds() / 60:.1f} minutes, {len(run.scene.emails())} mailboxes")
    say(f"kills           {run.crew.kills:>7}  restarts {run.crew.restarts}")
    say(f"also            {events}")
    for line in balance.lines():
        say(line)
    say("The books balance." if balance.is_even else "A PROMISE BROKE.")


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL database")
    parser.add_argument("--redis", default="", help="URL of a Redis")
    options = parser.parse_args()
    say(f"seed {options.seed}")
    with set_up(options) as run:
        run.crew.start(*POOLS)
        run.storm(options.kills)
        balance = run.calm()
        report(run, balance, options)
        if not balance.is_even:
            say(run.site.logs())
    return 0 if balance.is_even else 1


if __name__ == "__main__":
    sys.exit(main())

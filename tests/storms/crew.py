"""Real workers that are killed at random: prefork and threads, whole process groups or one child alone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.installation import Installation

QUEUES = "sending,reading,housekeeping"
POOLS = {"prefork": 2, "threads": 4}


@dataclass
class Crew:
    """Some workers of an installation, and beat; kills are counted."""

    site: Installation
    seed: int = 1
    kills: int = 0
    restarts: int = 0
    workers: dict[subprocess.Popen[bytes], str] = field(default_factory=dict)
    beat: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def start(self, *pools: str, **variables: str) -> None:
        """One worker of each pool named, and beat if none runs."""
        for pool in pools:
            count = str(POOLS[pool])
            command = (
                "-m",
                "celery",
                "-A",
                "apiconnect",
                "worker",
                "--pool",
                pool,
                "-c",
                count,
                "-Q",
                QUEUES,
            )
            name = f"{pool}-{len(self.site.processes)}@storm"
            worker = self.site.start(
                *command, "-n", name, "--without-mingle", "--without-gossip", **variables
            )
            self.workers[worker] = pool
        if self.beat is None:
            self._start_beat()

    def _start_beat(self, **variables: str) -> None:
        scheduler = ("--scheduler", "celery.beat:Scheduler")
        self.beat = self.site.start("-m", "celery", "-A", "apiconnect", "beat", *scheduler, **variables)

    def _end_beat(self) -> None:
        if self.beat is not None:
            self.site.kill(self.beat)
            self.beat = None

    def kill_one(self, *, replace: bool = True) -> str:
        """SIGKILL to a random worker; of a prefork one now and then to a single child, which is replaced by it."""
        worker = self.dice.choice([*self.workers])
        children = children_of(worker.pid)
        self.kills += 1
        if self.workers[worker] == "prefork" and children and self.dice.random() < 0.5:
            child = self.dice.choice(children)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            return f"child {child} of prefork worker {worker.pid}"
        pool = self.workers.pop(worker)
        self.site.kill(worker)
        if replace:
            self.restarts += 1
            self.start(pool)
        return f"{pool} worker {worker.pid}"

    def replace_the_dead(self) -> list[str]:
        """What a supervisor does: start anew whoever ended by itself; the last words of each."""
        dead = [worker for worker in self.workers if worker.poll() is not None]
        for worker in dead:
            self.restarts += 1
            self.start(self.workers.pop(worker))
        return [self.site.last_words(worker) for worker in dead]

    def fill_up(self, pools: Sequence[str]) -> None:
        """Start what is missing of `pools`."""
        missing = Counter(pools) - Counter(self.workers.values())
        self.restarts += missing.total()
        self.start(*missing.elements())

    def end_schedule(self) -> None:
        """No new cycles: beat stays away, but a tick must still ring for what is left."""
        self._end_beat()
        self._start_beat(CYCLE_SECONDS="100000")

    def kill_all(self) -> None:
        """All at once, beat too."""
        self.kills += len(self.workers) + (self.beat is not None)
        for worker in self.workers:
            self.site.kill(worker)
        self.workers = {}
        self._end_beat()


def children_of(pid: int) -> list[int]:
    try:
        return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []

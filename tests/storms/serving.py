"""The crew of an installation on one machine: a single `serve`, web, worker and scheduler together."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass

from tests.installation import Installation
from tests.storms.services import free_port


@dataclass
class Serving:
    """One `serve`; who kills it starts the next one."""

    site: Installation
    seed: int = 1
    kills: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def start(self, **variables: str) -> None:
        self.process = self.site.start("manage.py", "serve", "--port", str(free_port()), **variables)

    def kill_one(self, **variables: str) -> None:
        """SIGKILL, and the next one starts at once."""
        assert self.process is not None
        self.kills += 1
        self.site.kill(self.process)
        self.start(**variables)

    def end_schedule(self) -> None:
        """Serve on without further cycles, in the same process while there is one to trust: it ends in order."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=30)
        self.start(CYCLE_SECONDS="100000")

"""A whole installation of its own: database, environment, sandbox and real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from cryptography.fernet import Fernet
from django.conf import settings

from sandbox.server import RunningSandbox, running
from sandbox.world import World
from tests.sandboxing import make_test_world

ROOT = Path(settings.BASE_DIR)


@dataclass
class Installation:
    """Commands and processes share one environment; `world` is the sandbox's state in this process."""

    world: World
    sandbox: RunningSandbox
    environment: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def manage(self, *arguments: str, timeout: float = 90, **variables: str) -> str:
        """Run a command to its end; its output, or an AssertionError with all it said."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert result.returncode == 0, f"{arguments}: {result.stdout}\n{result.stderr}"
        return result.stdout

    def start(self, *command: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a process (its own group); its output goes to a file that a failure shows."""
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**self.environment, **variables},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the process and everything it started."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)

    def last_words(self, process: subprocess.Popen[bytes]) -> str:
        """The end of what a process wrote."""
        log = self.folder / f"{self.processes.index(process)}.log"
        return log.read_text(errors="replace")[-2000:]

    def logs(self) -> str:
        return "\n".join(
            path.read_text(errors="replace")[-4000:] for path in sorted(self.folder.glob("*.log"))
        )

    def wait_for(self, what: str, is_so: Callable[[], Any], seconds: float = 60) -> Any:
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            if value := is_so():
                return value
            time.sleep(0.2)
        raise AssertionError(f"{what}: not within {seconds} s\n{self.logs()}")

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the installation's own database."""
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite"):
            with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(url) as connection:
            return connection.execute(statement).fetchall()

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)


@contextmanager
def installation(folder: Path, *, database: str = "", **variables: str) -> Iterator[Installation]:
    """A migrated installation beside a served sandbox, in the migrated `database` (URL) given.

    Without one it makes its own: on PostgreSQL where the tests run on it, else a SQLite file.
    """
    world = make_test_world()
    given = nullcontext(database) if database else _database(folder)
    with given as database_url, running(world) as sandbox:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "ENV_FILE": os.devnull,
            "DEBUG": "true",
            "SECRET_KEY": "tests",
            "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": database_url,
            "SANDBOX": "1",
            **sandbox.urls.environment(),
            **variables,
        }
        made = Installation(world, sandbox, environment, folder)
        try:
            if not database:
                made.manage("migrate", "--verbosity", "0")
            yield made
        finally:
            made.stop()


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    given = settings.DATABASES["default"]
    if given["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{folder / 'installation.sqlite3'}"
        return
    name = f"test_installation_{uuid.uuid4().hex[:12]}"
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

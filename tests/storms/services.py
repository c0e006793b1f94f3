"""Private PostgreSQL and Redis servers on free ports, to be restarted, crashed and flushed at will."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
import redis

START_SECONDS = 20
# What survives is what was written, not what was synced: the machine itself does not lose power here.
POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


class NotInstalled(Exception):
    """A server's program is not on this machine; the text names it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class PrivateRedis:
    """A Redis that keeps nothing on disk: a restart forgets every bell."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        _await_port(self.port)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)
            self.process = None

    def restart(self, *, down_seconds: float = 0.5) -> None:
        self.kill()
        time.sleep(down_seconds)
        self.start()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@dataclass
class PrivatePostgres:
    """A PostgreSQL cluster of its own, run by an unprivileged user as PostgreSQL insists."""

    folder: Path
    programs: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        login = ["--auth", "trust", "--username", "postgres"]
        self._run("initdb", "--pgdata", str(self.data), *login, "--no-sync", "--encoding", "UTF8")
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        settings = {**POSTGRES_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._control("start", "--options", options, "--log", str(self.folder / "log"))

    def stop(self, mode: Literal["fast", "immediate"]) -> None:
        """`fast` breaks every connection off in order, `immediate` is a crash that the log repairs."""
        self._control("stop", "--mode", mode)

    def restart(self, mode: Literal["fast", "immediate"], *, down_seconds: float = 0.5) -> None:
        self.stop(mode)
        time.sleep(down_seconds)
        self.start()

    def make_database(self, name: str, template: str = "template1") -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def _control(self, verb: str, *options: str) -> None:
        self._run("pg_ctl", verb, "--pgdata", str(self.data), "--wait", "--silent", *options)

    def _run(self, program: str, *arguments: str) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*as_user, str(self.programs / program), *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def private_redis() -> Iterator[PrivateRedis]:
    """Raises NotInstalled."""
    if shutil.which("redis-server") is None:
        raise NotInstalled("redis-server")
    with tempfile.TemporaryDirectory(prefix="storm-redis-") as folder:
        server = PrivateRedis(Path(folder), free_port())
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """Raises NotInstalled."""
    with tempfile.TemporaryDirectory(prefix="storm-postgres-") as folder:
        server = PrivatePostgres(Path(folder), _postgres_programs(), free_port())
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server.create()
        try:
            yield server
        finally:
            _end(server)


def _end(server: PrivatePostgres) -> None:
    """Whatever state a failed test left it in, no server stays behind."""
    pid_file = server.data / "postmaster.pid"
    if pid_file.exists():
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
    give_up_at = time.monotonic() + START_SECONDS
    while pid_file.exists() and time.monotonic() < give_up_at:
        time.sleep(0.05)


def _postgres_programs() -> Path:
    """The newest version that is installed, where Debian puts it, else what the path has."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    raise NotInstalled("initdb (PostgreSQL)")


def _await_port(port: int) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens on port {port} after {START_SECONDS} s")

"""The demo's processes: a sandbox, a fresh database of its own, the scenario, and then the site.

Every run has its own directory, random passwords and free ports, and never touches `.env` or another database.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import requests
from cryptography.fernet import Fernet
from django.conf import settings

from sandbox.urls import SandboxUrls

START_SECONDS = 20
PASSWORD_VARIABLES = ("DEMO_ADMIN_PASSWORD", "DEMO_ACME_PASSWORD", "DEMO_GLOBEX_PASSWORD")


class DemoFailed(Exception):
    """A part of the demo did not start or did not end well; the text says which."""


def run_demo(*, once: bool, host: str, port: int) -> int:
    """The whole demo; the exit code is the scenario's (0: every number is right)."""
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="apiconnect-demo-") as home:
        sandbox_port, site_port = free_port("127.0.0.1"), free_port(host, port)
        environment = demo_environment(Path(home), sandbox_port, host, site_port)
        _say(f"Starting the sandbox at http://127.0.0.1:{sandbox_port} …")
        with _running(["sandbox", "--port", str(sandbox_port)], environment):
            _wait_for(f"http://127.0.0.1:{sandbox_port}/_sandbox/state")
            _say("Making the database …")
            _manage(["migrate", "--verbosity", "0"], environment)
            code = _call(["demo", "--scenario"], environment)
            if once or code:
                return code
            _say(f"\nThe site is up at {environment['SITE_URL']} (stop with Ctrl+C)")
            return _call(["serve", "--host", host, "--port", str(site_port)], environment)


def demo_environment(home: Path, sandbox_port: int, host: str, site_port: int) -> dict[str, str]:
    """An environment of its own: what a developer exported or wrote into .env has no say in it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "LANG", "TMPDIR", "TERM"}
    }
    shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  containers publish on all addresses
    return {
        **kept,
        "ENV_FILE": os.devnull,
        "PYTHONUNBUFFERED": "1",
        "DEBUG": "true",
        "LOG_LEVEL": "ERROR",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": f"sqlite:///{home / 'demo.sqlite3'}",
        "SITE_URL": f"http://{shown}:{site_port}",
        "SANDBOX": "1",
        **SandboxUrls.at(f"http://127.0.0.1:{sandbox_port}").environment(),
        "DEMO_SANDBOX": f"http://127.0.0.1:{sandbox_port}",
        **{name: secrets.token_urlsafe(9) for name in PASSWORD_VARIABLES},
    }


def free_port(host: str, wanted: int = 0) -> int:
    """`wanted` where it is free, else the next free one (any with 0)."""
    for port in (*range(wanted, wanted + 50), 0) if wanted else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed(f"No port is free at {host}.")


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _call(arguments: list[str], environment: dict[str, str]) -> int:
    try:
        return subprocess.run(_command(arguments), env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 0


def _manage(arguments: list[str], environment: dict[str, str]) -> None:
    if _call(arguments, environment):
        raise DemoFailed(f"“manage.py {arguments[0]}” failed; see above.")


@contextmanager
def _running(arguments: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603
        _command(arguments), env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(url: str) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise DemoFailed(f"The sandbox did not answer at {url} within {START_SECONDS} seconds.")


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

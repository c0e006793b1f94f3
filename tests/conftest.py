"""Fixtures for every test: a fast database, no network, and the sandbox under the real clients."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from sandbox.world import World
from tests.sandboxing import make_test_world, sandbox_http, sandbox_settings

REQUIRE_SERVICES = os.environ.get("REQUIRE_SERVICES") == "1"


def pytest_configure() -> None:
    """Tests on SQLite use a file, as the product does, but need not survive a power cut."""
    options = settings.DATABASES["default"]
    if options["ENGINE"].endswith("sqlite3"):
        options["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        var = Path(settings.VAR_DIR)
        var.mkdir(exist_ok=True)
        options.setdefault("TEST", {})["NAME"] = str(var / f"test-{os.getpid()}.sqlite3")
    else:
        options.setdefault("TEST", {})["NAME"] = f"test_apiconnect_{os.getpid()}"  # runs side by side
        options.setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"


@pytest.fixture(autouse=True)
def _fast_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def redis_url() -> str:
    """A reachable Redis; the test is skipped where there is none and nobody required it."""
    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=1).close()
    except OSError as error:
        if REQUIRE_SERVICES:
            raise
        pytest.skip(f"no Redis at {url}: {error}")
    return url


@pytest.fixture
def postgres() -> None:
    """Only where the database under test is PostgreSQL (`make test` runs those marked `services` there)."""
    if not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        pytest.skip("runs in the PostgreSQL pass of make test")


@pytest.fixture
def sandbox_world(settings, monkeypatch, request) -> World:
    """The sandbox behind the product's own clients; ask for the database before it."""
    world = make_test_world()
    http = sandbox_http(world)
    monkeypatch.setattr("keys.clients.shared_http", lambda: http)
    for name, url in sandbox_settings().items():
        setattr(settings, name, url)
    return world

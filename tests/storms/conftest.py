"""Private servers for all storms of a run, with one migrated database that each storm begins as a copy of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings

from tests.conftest import REQUIRE_SERVICES
from tests.storms.services import NotInstalled, PrivatePostgres, PrivateRedis, private_postgres, private_redis
from tests.storms.storm import Storm, say, storm

# Printed by a test that fails: STORM_SEED=… makes it roll the same dice.
SEED = int(os.environ.get("STORM_SEED", "0")) or int(time.time())
MIGRATED = "migrated"

BeginStorm = Callable[..., AbstractContextManager[Storm]]


def required(server: ExitStack, context: AbstractContextManager[object]) -> object:
    try:
        return server.enter_context(context)
    except NotInstalled as missing:
        if REQUIRE_SERVICES:
            raise
        pytest.skip(f"not installed: {missing}")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with ExitStack() as stack:
        server = required(stack, private_postgres())
        assert isinstance(server, PrivatePostgres)
        server.make_database(MIGRATED)
        migrate(server.url(MIGRATED))
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[PrivateRedis]:
    with ExitStack() as stack:
        server = required(stack, private_redis())
        assert isinstance(server, PrivateRedis)
        yield server


@pytest.fixture
def begin(postgres, redis, tmp_path) -> BeginStorm:
    """Begins a storm on PostgreSQL and Redis: `with begin(scene, …) as storm`."""
    redis.flush()
    postgres.make_database("storm", MIGRATED)
    say(f"STORM_SEED={SEED}")
    return partial(
        storm,
        tmp_path,
        database=postgres.url("storm"),
        seed=SEED,
        latency_ms=150,
        CELERY_BROKER_URL=redis.url,
    )


@pytest.fixture(scope="module")
def migrated_file(tmp_path_factory) -> Path:
    """A SQLite database for each storm to begin as a copy of."""
    path = tmp_path_factory.mktemp("migrated") / "site.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


def migrate(database: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "tests",
            "DATABASE_URL": database,
        },
        check=True,
        timeout=90,
    )

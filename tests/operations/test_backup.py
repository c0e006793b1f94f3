"""Backup and restore as docs/deployment.md has them, tried on the database under test with its own tools."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from operations.demo.launching import free_port
from tests.installation import Installation, installation
from tests.operations.test_processes import provision, sent

pytestmark = [pytest.mark.services, pytest.mark.processes, pytest.mark.timeout(180)]


def back_up(site: Installation, file: Path) -> None:
    url = site.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        copy(url.removeprefix("sqlite:///"), file)
    else:
        run("pg_dump", "--format=custom", f"--file={file}", url)


def restore(site: Installation, file: Path) -> None:
    url = site.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        copy(file, url.removeprefix("sqlite:///"))
    else:
        run("psql", "--quiet", "--command=DROP SCHEMA public CASCADE", "--command=CREATE SCHEMA public", url)
        run("pg_restore", "--exit-on-error", f"--dbname={url}", str(file))


def copy(source: str | Path, target: str | Path) -> None:
    """What `sqlite3 FILE ".backup COPY"` and `".restore COPY"` call."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def waiting(site: Installation) -> list[tuple[str]]:
    return site.query("SELECT status FROM campaigns_delivery")


def test_what_was_sent_after_the_backup_is_not_sent_again_by_the_restored_database(tmp_path, variables):
    with installation(tmp_path, TICK_SECONDS="1", CYCLE_SECONDS="5") as site:
        provision(site, variables)
        campaign = site.query("SELECT uid FROM campaigns_campaign")[0][0]
        throttle = site.world.fault("throttle", "graph.messages.*", retry_after=1, times=None)
        site.manage("send_campaign", campaign)
        assert waiting(site) == [("deferred",)]
        file = tmp_path / "backup"
        back_up(site, file)
        site.world.faults.clear(throttle.id)
        site.wait_for("the campaign", lambda: site.manage("send_campaign", campaign) and sent(site))

        restore(site, file)
        assert waiting(site) == [("deferred",)]
        said = site.manage("after_restore", "--since", "2026-01-01T00:00")
        assert "1 messages are looked for in Sent" in said
        site.start("manage.py", "serve", "--port", str(free_port("127.0.0.1")))
        site.wait_for("the settling", lambda: sent(site))
        assert list(site.world.ledger.tally().values()) == [1]


def test_a_backup_of_the_version_before_is_restored_and_migrated(tmp_path):
    """What was made since, such as a table, is not in the backup and is not left over either."""
    with installation(tmp_path) as site:
        file = tmp_path / "backup"
        site.manage("migrate", "operations", "0002")
        back_up(site, file)
        site.manage("migrate")
        restore(site, file)
        assert "operations.0003" in site.manage("migrate")


def test_a_backup_without_its_encryption_keys_opens_nothing_and_says_so(tmp_path, variables):
    """Nothing is destroyed by it: with the keys put back it works again."""
    with installation(tmp_path) as site:
        provision(site, variables)
        file = tmp_path / "backup"
        back_up(site, file)
        restore(site, file)
        other = "3vS2P8F1uN0a9Jt5vXb0tY8n1m3r5q7w9e2c4b6d8f0="
        with pytest.raises(AssertionError, match="end of the list"):
            site.manage("rotate_encryption_keys", FIELD_ENCRYPTION_KEYS=other)
        both = f"{other},{site.environment['FIELD_ENCRYPTION_KEYS']}"
        assert "older keys can be removed" in site.manage(
            "rotate_encryption_keys", FIELD_ENCRYPTION_KEYS=both
        )

"""Is everything there that the product needs: each check with a mark, and a fix where it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from celery import current_app
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError

from accounts.models import SecondFactor, SystemSettings
from accounts.switches import SWITCHED_OFF
from keys.models import ApiKey
from operations.health import HEARTBEAT
from operations.models import Cycle

PING_SECONDS = 1
SEALED = ((ApiKey._meta.db_table, "credentials"), (SecondFactor._meta.db_table, "secret"))


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the system status; `fix` says what to do where it is not well."""

    name: str
    is_well: bool
    detail: str
    fix: str = ""


def checks(now: datetime) -> list[Check]:
    """Every check in the order of the page."""
    every: tuple[Callable[[datetime], Check], ...] = (
        master_switch, heartbeat, broker, workers, database, migrations, encryption_keys, debug_mode,
    )  # fmt: skip
    return [check(now) for check in every]


def master_switch(_now: datetime) -> Check:
    if SystemSettings.load().enabled:
        return Check("API Connect", True, "switched on")
    return Check("API Connect", False, "switched off", SWITCHED_OFF)


def heartbeat(now: datetime) -> Check:
    cycle = Cycle.objects.first()
    fix = "Run a worker and the scheduler (manage.py serve does both), or call api_connect_cron."
    if cycle is None:
        return Check("Cycle", False, "no cycle yet", fix)
    minutes = int((now - cycle.started_at).total_seconds() // 60)
    return Check("Cycle", now - cycle.started_at < HEARTBEAT, f"the last one started {minutes} min ago", fix)


def broker(_now: datetime) -> Check:
    url = current_app.connection_for_write().as_uri()
    fix = "Start the broker, or correct CELERY_BROKER_URL."
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=PING_SECONDS)
    except (OperationalError, OSError):
        return Check("Broker", False, f"{url} does not answer", fix)
    return Check("Broker", True, url)


def workers(_now: datetime) -> Check:
    if settings.CELERY_BROKER_URL.startswith("memory://"):
        return Check("Workers", True, "run inside manage.py serve")
    fix = "Start a worker: celery -A apiconnect worker."
    try:
        answers = current_app.control.ping(timeout=PING_SECONDS) or []
    except (OperationalError, OSError):
        answers = []
    names = ", ".join(name for answer in answers for name in answer)
    return Check("Workers", bool(answers), names or "none answers", fix)


def database(_now: datetime) -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Check("Database", False, str(error), "Look at the database server and DATABASE_URL.")
    return Check("Database", True, connection.display_name)


def migrations(_now: datetime) -> Check:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    names = ", ".join(f"{step.app_label} {step.name}" for step, _ in missing)
    return Check("Migrations", not missing, names or "all applied", "Run manage.py migrate.")


def encryption_keys(_now: datetime) -> Check:
    """Which key opens each sealed credential: all should be under the first one."""
    fernets = [Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS]
    used = [_opened_by(text, fernets) for text in _sealed_credentials()]
    lost, older = used.count(None), sum(1 for number in used if number)
    detail = (
        f"{len(fernets)} configured, {used.count(0)} credentials under the first, {older} under older ones"
    )
    if lost:
        fix = "Put the key that sealed them back at the end of FIELD_ENCRYPTION_KEYS."
        return Check("Encryption keys", False, f"{detail}, {lost} open with none", fix)
    return Check("Encryption keys", not older, detail, "Run manage.py rotate_encryption_keys.")


def _sealed_credentials() -> list[str]:
    """What nobody can make anew but a person; a token that is lost is simply renewed."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table, column in SEALED:
            cursor.execute(f'SELECT "{column}" FROM "{table}"')  # noqa: S608  names of our own
            found += [row[0] for row in cursor.fetchall()]
    return found


def _opened_by(sealed: str, fernets: list[Fernet]) -> int | None:
    for number, fernet in enumerate(fernets):
        try:
            fernet.decrypt(sealed)
        except InvalidToken:
            continue
        return number
    return None


def debug_mode(_now: datetime) -> Check:
    return Check(
        "Debug mode", not settings.DEBUG, "on" if settings.DEBUG else "off", "Set DEBUG=0 in production."
    )

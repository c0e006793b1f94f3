"""The installation's clock is the database's: workers whose own clocks differ agree on what is due, as on leases."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

from providers import clock


def now() -> datetime:
    """The database's time (UTC). From here on this process and its provider clients go by it."""
    if connection.vendor == "postgresql":  # SQLite's clock is this machine's
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            clock.go_by(cursor.fetchone()[0].astimezone(UTC))
    return clock.utc_now()

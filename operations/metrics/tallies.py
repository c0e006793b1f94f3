"""Counting in a process and adding it to the rows that all processes share.

A process counts in its memory and adds what came together every few seconds, so that one endpoint tells the truth
of every process on every host, over restarts. What a killed process counted within those seconds is missing in the
metrics; the logs, which are the books, are complete.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from collections import defaultdict
from collections.abc import Mapping

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.utils import InterfaceError

from operations.models import Tally

logger = structlog.get_logger(__name__)

FLUSH_SECONDS = 10.0

Series = tuple[str, str]


def labels_of(labels: Mapping[str, str]) -> str:
    """Labels as they are stored and compared."""
    return json.dumps(dict(labels), sort_keys=True, separators=(",", ":"))


class Counts:
    """The counts of this process that are not in the rows yet. Any thread may add; adding never waits for anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[Series, float] = defaultdict(float)
        self._flusher: threading.Thread | None = None

    def add(self, name: str, labels: Mapping[str, str], value: float = 1) -> None:
        """Count, and see to it that somebody carries the counts to the rows."""
        with self._lock:
            self._counts[name, labels_of(labels)] += value
            if self._flusher is None and not settings.TESTING:
                self._flusher = threading.Thread(target=self._flush_for_ever, name="metrics", daemon=True)
                self._flusher.start()

    def flush(self) -> None:
        """Add to the rows what was counted; where the database does not answer it stays for the next time."""
        with self._lock:
            taken, self._counts = self._counts, defaultdict(float)
        if not taken:
            return
        try:
            add_to_rows(taken)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("metrics not written, they are kept", reason=type(error).__name__)
            with self._lock:
                for series, value in taken.items():
                    self._counts[series] += value

    def _flush_for_ever(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(FLUSH_SECONDS)
            self.flush()
            connection.close()

    def begin_anew(self) -> None:
        """In a forked child: the parent counts its own, and its thread did not come along."""
        self.__init__()  # type: ignore[misc]


counts = Counts()
os.register_at_fork(after_in_child=counts.begin_anew)


@atexit.register
def _flush_at_exit() -> None:
    """A command that ends sooner than the next round still counts."""
    if not settings.TESTING:
        counts.flush()


def add_to_rows(taken: Mapping[Series, float]) -> None:
    """Add to each row, made where it is missing; all processes go in one order, so none waits for another for ever."""
    table = Tally._meta.db_table
    statement = (
        f'INSERT INTO "{table}" (name, labels, value) VALUES (%s, %s, %s) '  # noqa: S608  a name of our own
        f'ON CONFLICT (name, labels) DO UPDATE SET value = "{table}".value + excluded.value'
    )
    rows = [(name, labels, value) for (name, labels), value in sorted(taken.items())]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, rows)

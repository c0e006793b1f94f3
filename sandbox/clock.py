"""The sandbox's own clock: real time plus what a test added to it."""

import threading
import time
from datetime import UTC, datetime


class VirtualClock:
    """Seconds since the epoch, UTC. With `start` it stands still and moves only by `advance`."""

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        base = time.time() if self._start is None else self._start
        return base + self._offset

    def advance(self, seconds: float) -> None:
        """Move forward; raises ValueError for a negative number, since due events cannot be undone."""
        if seconds < 0:
            raise ValueError("The clock only moves forward.")
        with self._lock:
            self._offset += seconds


def rfc3339(seconds: float) -> str:
    """`2026-11-20T10:00:00Z`, the form of both APIs."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> float:
    """Raises ValueError when `text` is no date with a time zone (a bare date counts as UTC midnight)."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()

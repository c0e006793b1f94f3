"""The tick, once a minute: it rings again, counts for the metrics, warns of keys that end, and purges once a day."""

from __future__ import annotations

from datetime import datetime

from campaigns import ticking
from keys.expiring import warn_of_expiring_keys
from operations import cycle
from operations.metrics.books import count_books
from operations.purging import purge_for_a_while


def tick(now: datetime) -> None:
    """Ring for what a lost bell or a dead worker left; mails and the purge go last, since they take their time."""
    cycle.ring_again(now)
    ticking.ring(now)
    count_books(now)
    warn_of_expiring_keys(now)
    purge_for_a_while(now)

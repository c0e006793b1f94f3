"""The tick: once a minute what is due is rung for again, the metrics count on, and expiry warnings go out."""

from __future__ import annotations

from datetime import datetime

from campaigns import ticking
from keys.expiring import warn_of_expiring_keys
from operations import cycle
from operations.metrics.books import count_books


def tick(now: datetime) -> None:
    """Ring for what a lost bell or a dead worker left; mails go last, since they take their time."""
    cycle.ring_again(now)
    ticking.ring(now)
    count_books(now)
    warn_of_expiring_keys(now)

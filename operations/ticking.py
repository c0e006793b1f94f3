"""The tick: once a minute everything that is due is rung for again, and expiry warnings go out."""

from __future__ import annotations

from datetime import datetime

from campaigns import ticking
from keys.expiring import warn_of_expiring_keys
from operations import cycle


def tick(now: datetime) -> None:
    """Ring for what a lost bell or a dead worker left; mails go last, since they take their time."""
    cycle.ring_again(now)
    ticking.ring(now)
    warn_of_expiring_keys(now)

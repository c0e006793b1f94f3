"""Times: now, and when a provider says to come back (RFC 9110 §10.2.3, RFC 3339)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A wait is at least a second, or the next call counts against the same limit, and at most a day.
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(days=1)


# Less than this is no wrong clock, only the way that the right time took.
TOLERANCE = timedelta(seconds=1)
_difference = timedelta(0)


def utc_now() -> datetime:
    """The current time, aware, in UTC, by the clock that this process goes by."""
    return datetime.now(UTC) + _difference


def go_by(now: datetime) -> None:
    """Let `utc_now` go on from `now`, which another clock says, whatever this machine's own one shows."""
    global _difference  # noqa: PLW0603 - a process has one clock
    difference = now - datetime.now(UTC)
    _difference = difference if abs(difference) > TOLERANCE else timedelta(0)


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 time in UTC, or None. Without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_time(moment: datetime) -> str:
    """An RFC 3339 time in whole seconds, as filters and cursors carry it: 2026-11-20T10:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_retry_after(value: str, now: datetime) -> datetime | None:
    """When a Retry-After header (seconds or HTTP date) says to come back, held within sensible bounds."""
    text = value.strip()
    try:
        return bound_wait(now + timedelta(seconds=min(float(text), 1e7)), now)
    except (ValueError, OverflowError):
        pass
    try:
        return bound_wait(parsedate_to_datetime(text).astimezone(UTC), now)
    except (TypeError, ValueError, OverflowError):
        return None


def parse_retry_in_text(message: str, now: datetime) -> datetime | None:
    """The time in Gmail's "User-rate limit exceeded.  Retry after 2026-11-20T10:00:00.000Z"."""
    _, found, rest = message.partition("Retry after ")
    words = rest.split(None, 1)
    moment = parse_time(words[0].rstrip(".,;)")) if found and words else None
    return bound_wait(moment, now) if moment else None


def bound_wait(moment: datetime, now: datetime) -> datetime:
    """`moment`, but no nearer to `now` than a second and no further than a day."""
    return min(max(moment, now + SHORTEST_WAIT), now + LONGEST_WAIT)

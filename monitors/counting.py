"""How often each condition of a monitor has won of late."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from monitors.models import Monitor, MonitorHit

LATELY = timedelta(hours=24)
# Enough to see that a condition matches too much; a day's hits of a busy mailbox are not counted on every look.
MOST_COUNTED = 1000


def hits_lately(monitor: Monitor, now: datetime) -> list[tuple[str, int]]:
    """Each condition that has won in the last 24 hours with its hits, of the newest thousand, the most first."""
    newest = MonitorHit.objects.filter(monitor=monitor).order_by("-pk")
    found = newest.values_list("condition_text", "at")[:MOST_COUNTED]
    return Counter(text for text, at in found if at > now - LATELY).most_common()

"""The backend's own phrases, as the detector takes them, and the count of what each has decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from bounces.models import BouncePhrase
from mail.detection import Bounce as Detected
from mail.detection import BounceType, CustomPhrase

RULE = "custom."


def phrases_in_force() -> tuple[CustomPhrase, ...]:
    """Those that are on, in their order."""
    return tuple(
        CustomPhrase(row.text, BounceType(row.type), row.provider or None, str(row.pk))
        for row in BouncePhrase.objects.filter(enabled=True)
    )


def count_matches(meaning: Iterable[Detected], now: datetime) -> None:
    """Remember which phrases decided these verdicts."""
    decided = Counter(found.rule.removeprefix(RULE) for found in meaning if found.rule.startswith(RULE))
    for number, times in decided.items():
        row = BouncePhrase.objects.filter(pk=int(number)) if number.isdigit() else BouncePhrase.objects.none()
        row.update(matched=F("matched") + times, last_matched_at=now)

"""The three tiers in their order: feedback loop, delivery report, notice in words."""

from __future__ import annotations

from collections.abc import Sequence

from mail.detection.body import find_described
from mail.detection.dsn import find_reported
from mail.detection.feedback import find_complaints
from mail.detection.mime import open_message
from mail.detection.notifications import find_notified
from mail.detection.report import OTHER_REPORTS, Report
from mail.detection.verdicts import Bounce, CustomPhrase


def detect(raw: bytes, *, phrases: Sequence[CustomPhrase] = (), provider: str | None = None) -> list[Bounce]:
    """The bounces and complaints that a mail reports, one per failed recipient.

    `raw` is the mail as received (RFC 5322); `phrases` are tried before the built-in ones,
    those of another `provider` left out. Empty where the mail is no bounce. Never raises.
    """
    own = [phrase for phrase in phrases if phrase.provider in (None, "", provider)]
    try:
        return find_bounces(raw, own)
    except Exception:
        return []


def find_bounces(raw: bytes, phrases: Sequence[CustomPhrase] = ()) -> list[Bounce]:
    """`detect` without the safety net, so that tests and the fuzzer see what breaks."""
    report = Report(open_message(raw))
    if report.is_disposition or (report.report_type in OTHER_REPORTS - {""} and not report.status_parts):
        return []
    complaints = find_complaints(report)
    if complaints is not None:
        return complaints
    reported = find_reported(report, phrases)
    if reported is None:
        reported = find_notified(report, phrases)
    return drop_repeated(find_described(report, phrases) if reported is None else reported)


def drop_repeated(bounces: list[Bounce]) -> list[Bounce]:
    """One bounce a recipient: the first that is no mere delay, or else the first."""
    kept: dict[str, Bounce] = {}
    for number, bounce in enumerate(bounces):
        key = bounce.recipient.lower() if bounce.recipient else str(number)
        if key not in kept or (kept[key].is_delay and not bounce.is_delay):
            kept[key] = bounce
    return list(kept.values())

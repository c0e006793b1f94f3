"""Says in words why a mail is, or is not, a bounce: for the page that explains a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mail.detection.automatic import classify
from mail.detection.detecting import detect
from mail.detection.dialects import recognize
from mail.detection.mime import open_message
from mail.detection.reasons import REASONS
from mail.detection.report import Report
from mail.detection.status_codes import PERMANENT, REPLIES
from mail.detection.verdicts import Bounce, CustomPhrase


class Tier(NamedTuple):
    """One tier of detection: its name, whether the mail belongs to it, and what shows that."""

    name: str
    applies: bool
    because: str


class Explanation(NamedTuple):
    """What was found in a mail and how each tier saw it; `automatic` is empty for personal mail."""

    bounces: list[Bounce]
    tiers: tuple[Tier, ...]
    automatic: str


def explain(raw: bytes, *, phrases: Sequence[CustomPhrase] = (), provider: str | None = None) -> Explanation:
    """`detect` with its reasons. Never raises."""
    bounces = detect(raw, phrases=phrases, provider=provider)
    try:
        report = Report(open_message(raw))
        kind = classify(report)
        return Explanation(
            bounces, describe_tiers(report, bounces), f"{kind.kind}: {kind.evidence}" if kind else ""
        )
    except Exception:  # a mail that cannot be explained must still be shown
        return Explanation(bounces, (), "")


def describe_tiers(report: Report, bounces: list[Bounce]) -> tuple[Tier, ...]:
    """How each tier saw an opened mail."""
    dialect = recognize(report.notice_words)
    by_feedback = any(bounce.rule.startswith("fbl.") for bounce in bounces)
    return (
        Tier("feedback loop", by_feedback, found(report.feedback_parts, "message/feedback-report part")),
        Tier(
            "delivery report",
            bool(report.status_parts) and not by_feedback,
            found(report.status_parts, "message/delivery-status part"),
        ),
        Tier(
            "body rules",
            bool(bounces) and not report.status_parts and not by_feedback,
            f"the wording of {dialect.source}" if dialect else "no known wording of a mail system",
        ),
    )


def found(parts: Sequence[object], what: str) -> str:
    """Words for the presence or absence of a part."""
    return f"it has a {what}" if parts else f"it has no {what}"


# Beginnings and ends of rules that are not made of words or codes.
STARTS = {
    "custom.": "A phrase of an administrator",
    "fbl.": "A complaint from a feedback loop",
    "ses.": "Amazon's own class of the bounce",
    "dsn.powermta.": "PowerMTA's own category of the bounce",
    "undecided": "Neither words nor codes say why",
}
ENDS = {
    ".command": "A command before the recipient was refused",
    ".unavailable": "The stock text of 550 beside another code, which proves nothing",
}


def describe_rule(rule: str) -> str:
    """What a rule of `Bounce.rule` means, for people."""
    if rule.startswith("delay."):
        return f"Still trying, counts towards nothing; {describe_rule(rule.removeprefix('delay.'))}"
    for start, words in STARTS.items():
        if rule.startswith(start) and ".words." not in rule and ".status." not in rule:
            return words
    for end, words in ENDS.items():
        if rule.endswith(end):
            return words
    return describe_code(rule) or describe_reason(rule.rpartition(".")[2])


def describe_code(rule: str) -> str:
    """What a rule about a code means; "" where it is about words."""
    _, _, status = rule.partition(".status.")
    _, _, reply = rule.partition(".reply.")
    if status:
        code = ".".join(status.split(".")[:3])
        return PERMANENT.get(code.partition(".")[2], ("", ""))[1] or f"Status code {code}"
    return REPLIES.get(reply[:3], ("", ""))[1] if reply else ""


def describe_reason(name: str) -> str:
    """What a rule about words means."""
    reason = REASONS.get(name.removesuffix("-transient").removesuffix("-of-sender"))
    if reason is None:
        return name
    if name.endswith("-transient"):
        return f"Words say: {reason.meaning}; the code says that it may pass"
    if name.endswith("-of-sender"):
        return f"Words say: {reason.meaning}; but the sender was refused, not the recipient"
    return f"Words say: {reason.meaning}"

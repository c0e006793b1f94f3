"""What a detection says: one frozen value per failed recipient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BounceType(StrEnum):
    """What a bounce means for the recipient; docs/bounce-detection.md has the table."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class CustomPhrase:
    """A phrase of an administrator, tried before the built-in phrases.

    `text` is compared without regard to case or spacing; `provider` limits it to mail
    read from that provider (None = all); `id` is named in the verdict's rule.
    """

    text: str
    type: BounceType
    provider: str | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A type with the rule and the words or code that decided it."""

    type: BounceType
    rule: str
    evidence: str = ""
    sender_fault: bool = False


@dataclass(frozen=True, slots=True)
class Bounce:
    """One failed recipient of a delivery report, or one complaint.

    `recipient` is what was most likely sent to: the original recipient where the report
    names it. `message_id` and `message_ids` are without angle brackets. `is_delay` marks
    a "still trying" notice, which is soft and counts towards nothing. `sender_fault` says
    that the sender's own mailbox or tenant is limited or blocked (a subset of internal).
    """

    recipient: str | None
    type: BounceType
    rule: str
    evidence: str = ""
    original_recipient: str = ""
    final_recipient: str = ""
    status: str = ""
    reply_code: str = ""
    diagnostic: str = ""
    reporting_mta: str = ""
    action: str = ""
    message_id: str = ""
    message_ids: tuple[str, ...] = ()
    token: str = ""
    thread_topic: str = ""
    is_delay: bool = False
    sender_fault: bool = False

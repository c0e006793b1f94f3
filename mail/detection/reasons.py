"""The reasons a delivery fails for, the type each stands for and which one wins.

A text often gives several reasons ("user unknown ... blocked by policy"). The lowest
rank wins; docs/bounce-detection.md says why in this order.
"""

from __future__ import annotations

from typing import NamedTuple

from mail.detection.verdicts import BounceType

HARD, SOFT, INTERNAL = BounceType.HARD, BounceType.SOFT, BounceType.INTERNAL


class Reason(NamedTuple):
    """Why a delivery failed: a stable name, its type and its precedence."""

    name: str
    type: BounceType
    rank: int
    meaning: str
    is_sender_fault: bool = False


REASONS: dict[str, Reason] = {
    reason.name: reason
    for reason in (
        Reason(
            "sender-limit", INTERNAL, 10, "the sender's own account or tenant is limited or blocked", True
        ),
        Reason("full", SOFT, 20, "the recipient's mailbox is full, whatever the code says"),
        Reason("greylisted", SOFT, 22, "asked to come back later"),
        Reason("recipient-rate", SOFT, 24, "the recipient gets too much mail at the moment"),
        Reason("recipient-policy", INTERNAL, 25, "refused by a policy of the recipient's organisation"),
        Reason("recipient-preference", SOFT, 26, "the recipient's own filter refused the message"),
        Reason("too-big", SOFT, 28, "the message is too large for this recipient"),
        Reason("busy", SOFT, 29, "the server takes no more connections now"),
        Reason("authentication", INTERNAL, 30, "SPF, DKIM or DMARC failed"),
        Reason("ptr", INTERNAL, 32, "reverse DNS or HELO name of the sending host"),
        Reason("blocklist", INTERNAL, 34, "the sending host or domain is on a blocklist"),
        Reason("reputation", INTERNAL, 36, "rate limits and reputation of the sender"),
        Reason("virus", INTERNAL, 38, "taken for malware"),
        Reason("spam", INTERNAL, 40, "taken for spam"),
        Reason("relaying", INTERNAL, 44, "relaying denied, or a login was needed"),
        Reason("sender-rejected", INTERNAL, 46, "the sender address was refused"),
        Reason("content", INTERNAL, 48, "the form or the content of the message"),
        Reason("tls", SOFT, 50, "no secure connection could be agreed on"),
        Reason("dns-trouble", SOFT, 52, "the name service gave no answer for now"),
        Reason("loop", SOFT, 54, "the message went in circles"),
        Reason("suspended", SOFT, 58, "the mailbox is locked, perhaps for a while"),
        Reason("moved", HARD, 60, "the recipient has moved and left no address"),
        Reason("disabled", HARD, 62, "the mailbox was closed for good"),
        Reason("no-mailbox", HARD, 64, "there is no such mailbox"),
        Reason("null-mx", HARD, 66, "the domain says that it takes no mail"),
        Reason("no-domain", HARD, 68, "there is no such domain"),
        Reason("policy", INTERNAL, 70, "refused by a policy"),
        Reason("expired", SOFT, 72, "given up after trying for a long time"),
        Reason("network", SOFT, 74, "no connection"),
        Reason("system", SOFT, 76, "a fault of the receiving system"),
        Reason("syntax", INTERNAL, 78, "a command was refused"),
    )
}

# A "?" phrase speaks after every phrase about the recipient, a "??" phrase after the codes.
STRENGTH_STEP = 100

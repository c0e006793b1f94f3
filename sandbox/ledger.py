"""What left each mailbox and for whom: the sandbox's own count of what was sent."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.clock import rfc3339

# The header by which a sender marks its messages; read as submitted, whatever is dropped later.
TOKEN_HEADER = "X-Apiconnect-Token"  # noqa: S105 - the name of a header


@dataclass(frozen=True)
class SentCopy:
    """One message handed over for one recipient. `outcome`: delivered, accepted, or a special address."""

    token: str
    sender: str
    recipient: str
    submitted_message_id: str
    sent_message_id: str
    at: float
    outcome: str

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": rfc3339(self.at)}


class Ledger:
    """Append-only; guarded by the world's lock."""

    def __init__(self) -> None:
        self.copies: list[SentCopy] = []

    def add(self, copy: SentCopy) -> None:
        self.copies.append(copy)

    def find(self, *, token: str | None = None, recipient: str | None = None) -> list[SentCopy]:
        return [
            copy
            for copy in self.copies
            if (token is None or copy.token == token)
            and (recipient is None or copy.recipient.lower() == recipient.lower())
        ]

    def tally(self) -> Counter[tuple[str, str]]:
        """How often each (token, recipient) was handed over; mail without a token is left out."""
        return Counter((copy.token, copy.recipient.lower()) for copy in self.copies if copy.token)

    def sent_twice(self) -> dict[tuple[str, str], int]:
        return {pair: count for pair, count in self.tally().items() if count > 1}

    def missing(self, tokens: Iterable[str]) -> set[str]:
        return set(tokens) - {copy.token for copy in self.copies}

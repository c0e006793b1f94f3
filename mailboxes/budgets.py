"""How much of one mailbox is read in one cycle, so that a huge one starves nobody."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MESSAGES_PER_CYCLE = 2_000
LISTED_PER_CYCLE = 10_000
# Together what one mailbox may take of a worker in one phase.
HANDLING_SECONDS = 150
LISTING_SECONDS = 60
DISPOSING_SECONDS = 45


@dataclass
class Budget:
    """Messages and seconds that are left; whoever finds it spent stops, and the next cycle goes on there."""

    messages: int = MESSAGES_PER_CYCLE
    seconds: float = HANDLING_SECONDS
    started: float = field(default_factory=time.monotonic)

    @property
    def is_spent(self) -> bool:
        return self.messages <= 0 or time.monotonic() - self.started >= self.seconds

    @classmethod
    def for_listing(cls) -> Budget:
        """Listing is cheap beside handling, so it may go far ahead of it."""
        return cls(LISTED_PER_CYCLE, LISTING_SECONDS)

    @classmethod
    def for_disposing(cls) -> Budget:
        """What a disposal leaves lying is disposed of next time."""
        return cls(seconds=DISPOSING_SECONDS)

    def spend(self, messages: int) -> None:
        self.messages -= messages

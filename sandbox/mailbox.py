"""What a mailbox of either provider is: messages, settings, and what a person may do in it."""

import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from sandbox import mime
from sandbox.clock import rfc3339
from sandbox.settings import MailboxSettings

Provider = Literal["microsoft", "google"]
Place = Literal["inbox", "junk", "sent", "drafts", "trash"]


@dataclass(eq=False)
class StoredMessage:
    """One item of a mailbox. `key` numbers the items of a mailbox in the order of their filing."""

    key: int
    raw: bytes
    received_at: float
    is_read: bool = False
    is_draft: bool = False

    @cached_property
    def digest(self) -> mime.Digest:
        return mime.digest(self.raw)

    def rewrite(self, raw: bytes) -> None:
        self.raw = raw
        self.__dict__.pop("digest", None)


@dataclass
class Usage:
    """What the limits count of one mailbox, and since when."""

    in_flight: int = 0
    most_in_flight: int = 0
    calls: deque[float] = field(default_factory=deque)
    recipients: deque[float] = field(default_factory=deque)
    messages: deque[float] = field(default_factory=deque)
    units_left: float | None = None
    units_at: float = 0.0
    units_spent: int = 0
    told_to_wait_until: float = 0.0
    blocked_until: float = 0.0
    by_call: Counter[str] = field(default_factory=Counter)


class Mailbox(ABC):
    """Shared by `GraphMailbox` and `GmailMailbox`; guarded by the world's lock."""

    provider: Provider

    def __init__(self, email: str, display_name: str, *, aliases: Iterable[str] = ()) -> None:
        self.email = email
        self.display_name = display_name
        self.aliases = tuple(aliases)
        self.licensed = True
        self.suspended = False
        self.settings = MailboxSettings()
        self.usage = Usage()
        self.used_headers: set[str] = set()
        self.messages: dict[str, Any] = {}
        self.gate = threading.Lock()
        self._keys = 0

    def addresses(self) -> set[str]:
        return {address.lower() for address in (self.email, *self.aliases)}

    def next_key(self) -> int:
        self._keys += 1
        return self._keys

    @abstractmethod
    def file(self, raw: bytes, place: Place, at: float) -> StoredMessage:
        """Put a message that came by mail flow into its place, unread."""

    @abstractmethod
    def all_messages(self) -> list[StoredMessage]:
        """Every message, oldest first."""

    @abstractmethod
    def place_of(self, message: StoredMessage) -> str:
        """`inbox`, `junk`, `sent`, `drafts`, `trash`, or the name of a folder or label."""

    @abstractmethod
    def mark(self, message: StoredMessage, *, read: bool) -> None:
        """Set the read flag, as a person does by opening the message."""

    @abstractmethod
    def move(self, message: StoredMessage, place: Place) -> None:
        """File elsewhere, as a person or a rule does."""

    @abstractmethod
    def remove(self, message: StoredMessage) -> None:
        """Delete for good."""

    @abstractmethod
    def id_of(self, message: StoredMessage) -> str:
        """The id by which the API knows the message (Graph: the immutable one)."""

    def find(self, wanted: str) -> StoredMessage:
        """A message by its API id or its key; raises KeyError."""
        for message in self.all_messages():
            if wanted in (self.id_of(message), str(message.key)):
                return message
        raise KeyError(wanted)

    def view(self, message: StoredMessage) -> dict[str, Any]:
        """What the control API shows of a message."""
        digest = message.digest
        return {
            "key": message.key,
            "id": self.id_of(message),
            "place": self.place_of(message),
            "subject": digest.subject,
            "from": digest.sender[1],
            "to": [address for _, address in digest.to],
            "message_id": digest.message_id,
            "received_at": rfc3339(message.received_at),
            "is_read": message.is_read,
            "is_draft": message.is_draft,
            "size": len(message.raw),
        }

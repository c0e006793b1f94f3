"""A Gmail mailbox: labels instead of folders, threads, and a history of every change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox import ids, mime
from sandbox.mailbox import Mailbox, Place, StoredMessage

SYSTEM_LABELS = (
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
)
PLACES: dict[Place, str] = {
    "inbox": "INBOX",
    "junk": "SPAM",
    "sent": "SENT",
    "drafts": "DRAFT",
    "trash": "TRASH",
}


@dataclass(eq=False)
class GmailMessage(StoredMessage):
    """`id` never changes; what a person sees as a place is a label."""

    id: str = ""
    thread_id: str = ""
    labels: set[str] = field(default_factory=set)
    history_id: int = 0
    filed_at: float = 0.0  # when the search index was told of it

    def label_ids(self) -> list[str]:
        return sorted(self.labels)


@dataclass(frozen=True)
class HistoryRecord:
    """`labels` are those of the message at that time, `changed` those added or removed."""

    id: int
    type: str  # messageAdded, messageDeleted, labelAdded, labelRemoved
    message_id: str
    thread_id: str
    labels: tuple[str, ...]
    changed: tuple[str, ...] = ()


class GmailMailbox(Mailbox):
    """Messages by id; drafts by their own id, which is not the id of the message."""

    provider = "google"

    def __init__(self, email: str, display_name: str, *, aliases: Iterable[str] = ()) -> None:
        super().__init__(email, display_name, aliases=aliases)
        self.by_id: dict[str, GmailMessage] = {}
        self.drafts: dict[str, str] = {}
        self.threads_by_message_id: dict[str, str] = {}
        self.user_labels: dict[str, str] = {}
        self._labels_made = 0
        self.send_as: set[str] = {email.lower()}
        self.history: list[HistoryRecord] = []
        self.history_id = 4_000
        self.history_floor = 0  # a start before this one answers 404
        self.limited_until = 0.0
        self.over_daily_since: float | None = None

    def add(self, raw: bytes, labels: Iterable[str], at: float, *, thread_id: str = "") -> GmailMessage:
        key = self.next_key()
        message = GmailMessage(key=key, raw=raw, received_at=at, labels=set(labels), filed_at=at)
        message.id = ids.gmail_id(self.email, key)
        message.is_draft = "DRAFT" in message.labels
        message.is_read = "UNREAD" not in message.labels
        message.thread_id = thread_id or self.thread_for(raw) or message.id
        self.threads_by_message_id[mime.header(raw, "Message-ID")] = message.thread_id
        self.by_id[message.id] = message
        self._record("messageAdded", message)
        return message

    def thread_for(self, raw: bytes) -> str:
        headers = mime.read_headers(raw)
        earlier = f"{headers.get('In-Reply-To', '')} {headers.get('References', '')}".split()
        known = (self.threads_by_message_id.get(message_id) for message_id in reversed(earlier))
        return next((thread for thread in known if thread), "")

    def _record(self, kind: str, message: GmailMessage, changed: Iterable[str] = ()) -> None:
        # Gaps are part of the contract: ids grow, but not by one.
        self.history_id += 7
        message.history_id = self.history_id
        labels = tuple(message.label_ids())
        self.history.append(
            HistoryRecord(self.history_id, kind, message.id, message.thread_id, labels, tuple(changed))
        )

    def relabel(self, message: GmailMessage, add: Iterable[str], drop: Iterable[str]) -> None:
        added = set(add) - message.labels
        dropped = set(drop) & message.labels
        message.labels = (message.labels | added) - dropped
        message.is_read = "UNREAD" not in message.labels
        if added:
            self._record("labelAdded", message, sorted(added))
        if dropped:
            self._record("labelRemoved", message, sorted(dropped))

    def add_label(self, name: str) -> str:
        """Its id, which is never used again."""
        self._labels_made += 1
        label = f"Label_{self._labels_made}"
        self.user_labels[label] = name
        return label

    def remove_label(self, label: str) -> None:
        for message in self.by_id.values():
            self.relabel(message, [], [label])
        del self.user_labels[label]

    def trash(self, message: GmailMessage) -> None:
        self.relabel(message, ["TRASH"], ["INBOX", "SPAM"])

    def file(self, raw: bytes, place: Place, at: float) -> GmailMessage:
        label = PLACES[place]
        extra = ["UNREAD"] if place in ("inbox", "junk") else []
        personal = ["CATEGORY_PERSONAL"] if place == "inbox" else []
        return self.add(raw, [label, *extra, *personal], at)

    def all_messages(self) -> list[StoredMessage]:
        return list(self.by_id.values())

    def place_of(self, message: StoredMessage) -> str:
        assert isinstance(message, GmailMessage)
        order: tuple[Place, ...] = ("trash", "junk", "inbox", "drafts", "sent")
        own = next((name for label, name in self.user_labels.items() if label in message.labels), "archive")
        return next((place for place in order if PLACES[place] in message.labels), own)

    def id_of(self, message: StoredMessage) -> str:
        assert isinstance(message, GmailMessage)
        return message.id

    def mark(self, message: StoredMessage, *, read: bool) -> None:
        assert isinstance(message, GmailMessage)
        self.relabel(message, [] if read else ["UNREAD"], ["UNREAD"] if read else [])

    def move(self, message: StoredMessage, place: Place) -> None:
        assert isinstance(message, GmailMessage)
        self.relabel(message, [PLACES[place]], set(PLACES.values()) - {PLACES[place]})

    def remove(self, message: StoredMessage) -> None:
        assert isinstance(message, GmailMessage)
        del self.by_id[message.id]
        for draft_id in [draft for draft, held in self.drafts.items() if held == message.id]:
            del self.drafts[draft_id]
        self._record("messageDeleted", message)

    def view(self, message: StoredMessage) -> dict[str, Any]:
        assert isinstance(message, GmailMessage)
        return {**super().view(message), "labels": message.label_ids(), "thread_id": message.thread_id}

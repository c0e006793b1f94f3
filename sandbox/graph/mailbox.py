"""A Microsoft 365 mailbox: folders, two ids for each item, and a change log for each folder."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox import ids, mime
from sandbox.mailbox import Mailbox, Place, StoredMessage

# Well-known folder names of the API, with the names a person sees.
WELL_KNOWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
    "archive": "Archive",
    "recoverableitemsdeletions": "Deletions",
}
ROOT = "msgfolderroot"
HIDDEN = ("recoverableitemsdeletions",)
PLACES: dict[Place, str] = {
    "inbox": "inbox",
    "junk": "junkemail",
    "sent": "sentitems",
    "drafts": "drafts",
    "trash": "deleteditems",
}


class Change(NamedTuple):
    """One line of a folder's log, with the ids that the item had at that time."""

    key: int
    kind: str  # created, updated, deleted
    rest_id: str
    immutable_id: str


@dataclass
class Folder:
    """`key` is its well-known name, or its id. A delta token is a place in `changes`."""

    id: str
    name: str
    key: str
    parent: str = ROOT
    changes: list[Change] = field(default_factory=list)


@dataclass(eq=False)
class GraphMessage(StoredMessage):
    """`rest_id` changes at every move, `immutable_id` never."""

    rest_id: str = ""
    immutable_id: str = ""
    folder: str = ""
    conversation_id: str = ""
    created_at: float = 0.0
    sent_at: float = 0.0
    modified_at: float = 0.0
    change: int = 0
    in_transit: bool = False
    token: str = ""  # as submitted, whatever headers are dropped
    submitted_message_id: str = ""
    properties: dict[str, object] = field(default_factory=dict)


class GraphMailbox(Mailbox):
    """Folders are known by id and by well-known name; items by both of their ids."""

    provider = "microsoft"

    def __init__(self, email: str, display_name: str, *, tenant: str, aliases: Iterable[str] = ()) -> None:
        super().__init__(email, display_name, aliases=aliases)
        self.tenant = tenant
        self.user_id = ids.guid("user", email.lower())
        self.folders = {name: self._folder(name, shown) for name, shown in WELL_KNOWN.items()}
        self.by_key: dict[int, GraphMessage] = {}
        self.by_rest_id: dict[str, GraphMessage] = {}
        self.by_immutable_id: dict[str, GraphMessage] = {}
        self.conversations: dict[str, str] = {}
        self.delta_epoch = 0  # raised to make every delta token of this mailbox expire
        self.knows_immutable_ids = False
        self._rest_ids = 0

    def _folder(self, name: str, shown: str) -> Folder:
        return Folder(id=ids.folder_id(self.email, name), name=shown, key=name)

    def folder(self, wanted: str) -> Folder | None:
        """By well-known name in any case, or by id, which is case-sensitive."""
        known = self.folders.get(wanted.lower())
        if known is not None:
            return known
        return next((folder for folder in self.folders.values() if folder.id == wanted), None)

    def top_folders(self) -> list[Folder]:
        """Those a person sees beside the inbox; names are unique here, whatever their case."""
        return [
            folder for folder in self.folders.values() if folder.parent == ROOT and folder.key not in HIDDEN
        ]

    def add_folder(self, name: str) -> Folder:
        """A folder of the person's own: known by its id alone."""
        folder_id = ids.folder_id(self.email, f"own {self.next_key()}")
        self.folders[folder_id] = Folder(id=folder_id, name=name, key=folder_id)
        return self.folders[folder_id]

    def remove_folder(self, folder: Folder) -> None:
        """Into Deleted Items with all it holds, and from there for good."""
        if folder.parent == ROOT:
            folder.parent = "deleteditems"
            return
        for message in self.in_folder(folder.key):
            self.remove(message)
        del self.folders[folder.key]

    def add(self, raw: bytes, folder: str, at: float, *, draft: bool = False) -> GraphMessage:
        key = self.next_key()
        message = GraphMessage(key=key, raw=raw, received_at=at, is_draft=draft, is_read=draft)
        message.immutable_id = ids.graph_id("immutable", self.email, key)
        message.created_at = message.sent_at = message.modified_at = at
        message.conversation_id = self._conversation(raw)
        self.learn_message_id(message)
        self.by_key[key] = self.by_immutable_id[message.immutable_id] = message
        self._place(message, folder)
        return message

    def _conversation(self, raw: bytes) -> str:
        headers = mime.read_headers(raw)
        earlier = f"{headers.get('References', '')} {headers.get('In-Reply-To', '')}".split()
        known = next((self.conversations[one] for one in earlier if one in self.conversations), None)
        return known or ids.conversation_id((self.email, self._keys))

    def learn_message_id(self, message: GraphMessage) -> None:
        """Replies to this Message-ID belong to the conversation from now on."""
        self.conversations[mime.header(message.raw, "Message-ID")] = message.conversation_id

    def _place(self, message: GraphMessage, folder: str) -> None:
        self._rest_ids += 1
        self.by_rest_id.pop(message.rest_id, None)
        message.rest_id = ids.graph_id("rest", self.email, self._rest_ids)
        message.folder = folder
        self.by_rest_id[message.rest_id] = message
        self._log(message, "created")

    def _log(self, message: GraphMessage, kind: str) -> None:
        entry = Change(message.key, kind, message.rest_id, message.immutable_id)
        self.folders[message.folder].changes.append(entry)

    def file(self, raw: bytes, place: Place, at: float) -> GraphMessage:
        return self.add(raw, PLACES[place], at)

    def move_to(self, message: GraphMessage, folder: str) -> None:
        """Moving gives a new default id, even within the folder of the item."""
        self._log(message, "deleted")
        self._place(message, folder)
        message.change += 1

    def touch(self, message: GraphMessage, at: float | None = None) -> None:
        message.change += 1
        message.modified_at = at or message.modified_at
        self._log(message, "updated")

    def in_folder(self, folder: str) -> list[GraphMessage]:
        return [message for message in self.by_key.values() if message.folder == folder]

    def all_messages(self) -> list[StoredMessage]:
        return list(self.by_key.values())

    def place_of(self, message: StoredMessage) -> str:
        assert isinstance(message, GraphMessage)
        place = next((place for place, name in PLACES.items() if name == message.folder), None)
        folder = self.folders[message.folder]
        return place or (folder.name if folder.key == folder.id else folder.key)

    def id_of(self, message: StoredMessage) -> str:
        assert isinstance(message, GraphMessage)
        return message.immutable_id

    def mark(self, message: StoredMessage, *, read: bool) -> None:
        assert isinstance(message, GraphMessage)
        message.is_read = read
        self.touch(message)

    def move(self, message: StoredMessage, place: Place) -> None:
        assert isinstance(message, GraphMessage)
        self.move_to(message, PLACES[place])

    def remove(self, message: StoredMessage) -> None:
        assert isinstance(message, GraphMessage)
        self._log(message, "deleted")
        del self.by_key[message.key], self.by_rest_id[message.rest_id]
        del self.by_immutable_id[message.immutable_id]

"""Names that a folder for processed mail may have at both providers: one folder, and none of the mailbox's own."""

from __future__ import annotations

import unicodedata

from providers.errors import ProviderError, Unavailable
from providers.messages import Disposal, Disposed, MessageRef

# Gmail takes 225 characters, Exchange 255.
NAME_LENGTH = 100
_SEPARATORS = "/\\"
# What either provider keeps for itself, as people and mail programs write it. In other languages Gmail refuses
# its own names itself; to Exchange they are folders like any other.
_SYSTEM_NAMES = frozenset({
    "inbox", "junk", "junk email", "junk e-mail", "junk mail", "spam", "trash", "bin", "deleted",
    "deleted items", "deleted messages", "deletions", "recoverable items", "sent", "sent items",
    "sent mail", "sent messages", "draft", "drafts", "outbox", "archive", "all mail", "starred",
    "important", "unread", "snoozed", "scheduled", "muted", "chat", "chats", "conversation history",
    "clutter", "sync issues", "conflicts", "local failures", "server failures", "search folders",
    "rss feeds", "calendar", "contacts", "journal", "notes", "tasks",
})  # fmt: skip


class FolderNameError(ValueError):
    """The name cannot be used; the text says why and what to do."""


def check_folder_name(text: str) -> str:
    """The name with its blanks tidied, "" for none. Raises FolderNameError."""
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") for character in text):
        raise FolderNameError("A folder's name is one line of visible characters. Type it anew.")
    name = " ".join(text.split())
    if len(name) > NAME_LENGTH:
        raise FolderNameError(f"A folder's name has at most {NAME_LENGTH} characters, this one {len(name)}.")
    if any(character in name for character in _SEPARATORS):
        raise FolderNameError("Name a single folder, without / or \\: it lies beside the inbox.")
    if name.casefold() in _SYSTEM_NAMES or name.casefold().startswith(("category_", "[gmail]", "^")):
        raise FolderNameError(f"“{name}” is one of the mailbox's own folders. Choose a name of your own.")
    return name


def is_named(shown: str, name: str) -> bool:
    """Whether the provider's name for a folder is ours: it tells them apart by more than case alone."""
    return " ".join(shown.split()).casefold() == name.casefold()


def not_moved(ref: MessageRef, error: ProviderError) -> Disposed:
    """A message that stays where it is, and why."""
    return Disposed(ref, Disposal.MOVE, error=error)


def folder_vanished(name: str) -> Unavailable:
    """The folder was removed while messages were on their way to it: the next time finds or makes it anew."""
    return Unavailable(f"The folder “{name}” was removed meanwhile.", code="folder-vanished")

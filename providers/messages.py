"""The values that cross the provider interface: frozen, typed, free of either vendor's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from providers.errors import Help, ProviderError

# Carries a delivery's own token in every campaign message. One fixed name for all: each distinct name
# uses up a named property of an Exchange mailbox for ever.
TOKEN_HEADER = "X-Apiconnect-Token"  # noqa: S105  a name, not a secret

# A mailbox's resume point, as JSON-ready text per folder. Opaque to everyone but the dialect that made it.
Cursor = Mapping[str, str]


class Folder(StrEnum):
    """The folders that are watched; each dialect knows what its provider calls them."""

    INBOX = "inbox"
    JUNK = "junk"


class Disposal(StrEnum):
    """What becomes of a message once it was handled."""

    DELETE = "delete"
    TRASH = "trash"
    MOVE = "move"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class BaseUrls:
    """Where the two providers are reached; the sandbox is only other values here."""

    microsoft_login: str = "https://login.microsoftonline.com"
    microsoft_graph: str = "https://graph.microsoft.com/v1.0"
    google_token: str = "https://oauth2.googleapis.com/token"  # noqa: S105  an address, not a secret
    gmail: str = "https://gmail.googleapis.com"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One mailbox's access: the mailbox it may open, the bearer value and until when (UTC) it holds."""

    email: str
    value: str = field(repr=False)
    expires_at: datetime
    scopes: frozenset[str] = frozenset()


class StepState(StrEnum):
    """The colour of a step of a connection test: green, red or grey."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection test: credential, token, mailbox, send, read, modify or delete."""

    name: str
    state: StepState
    detail: str = ""
    help: Help | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a mailbox's access may do, found by probing. None means the provider gives no way to tell.

    `scopes` are the proven ones, which later tokens ask for; `send_as` the addresses it may send from.
    """

    send: bool | None = None
    read: bool | None = None
    modify: bool | None = None
    delete: bool | None = None
    scopes: frozenset[str] = frozenset()
    display_name: str = ""
    unread: int | None = None
    send_as: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that lies at the provider, not yet submitted; its id survives the submission."""

    id: str
    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider accepted a message. Empty fields are not known yet: see `MailProvider.look_up`."""

    provider_message_id: str = ""
    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class Markers:
    """What a sent copy can be recognised by: our token header, our Message-ID, the draft's id."""

    token: str
    message_id: str = ""
    draft_id: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """An accepted message: what is known of it, and what its copy can be recognised by."""

    receipt: Receipt
    markers: Markers


@dataclass(frozen=True, slots=True)
class Found:
    """The message is in Sent."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class StillDraft:
    """The draft lies where it was put: it was not submitted."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Absent:
    """A complete look at Sent (and Drafts) found nothing."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The look was not possible or not complete; `reason` is a sentence for a person."""

    reason: str


SentState = Found | StillDraft | Absent | CannotTell


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message's address in its mailbox, with what a listing tells of it. `id` is case-sensitive."""

    id: str
    folder: str = ""
    message_id: str = ""
    thread_id: str = ""
    sender: str = ""
    subject: str = ""
    received_at: datetime | None = None
    is_read: bool | None = None


class StartKind(StrEnum):
    """Where the first sweep of a mailbox begins."""

    UNREAD = "unread"
    NOW = "now"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Start:
    """How a mailbox without a cursor is first read; `date` (UTC) only with StartKind.DATE."""

    kind: StartKind
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a mailbox and the cursor to commit together with it.

    `complete` is False when the budget ended first: the cursor then resumes inside the listing.
    `relisted` says that the old cursor was lost and everything since was listed again.
    """

    refs: tuple[MessageRef, ...]
    cursor: Cursor
    complete: bool = True
    relisted: bool = False


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A fetched message: `raw` bytes, or why there are none (`gone`: moved away or deleted meanwhile).

    A message that is too large has an `error` with code "message-too-large" and its beginning in `raw`.
    """

    ref: MessageRef
    raw: bytes | None = field(default=None, repr=False)
    gone: bool = False
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class Disposed:
    """What became of one message; `how` is what was really done (a trash where no delete is allowed)."""

    ref: MessageRef
    how: Disposal
    gone: bool = False
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """A provider's declared limits for one mailbox; an admin can only lower them."""

    concurrent_calls: int
    sends_per_minute: int
    recipients_per_day: int
    message_bytes: int
    custom_headers: int | None
    batch_size: int
    units_per_minute: int | None = None

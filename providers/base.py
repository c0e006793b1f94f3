"""The interface both dialects fill in. The base owns the steps; a dialect fills the gaps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from providers.credentials import Credential, CredentialField
from providers.errors import ProviderError
from providers.messages import (
    AccessToken,
    BaseUrls,
    Capabilities,
    Cursor,
    Disposal,
    Disposed,
    Draft,
    Folder,
    Limits,
    Markers,
    MessageRef,
    News,
    RawMessage,
    Receipt,
    SentState,
    Start,
    Submitted,
)
from providers.session import Http, shared_http


@dataclass(frozen=True, slots=True)
class Permission:
    """A right to grant in the provider's console, as text to copy, and what it is for."""

    value: str
    purpose: str
    is_optional: bool = False


class MailProvider(ABC):
    """One key's way to its mailboxes. Calls are blocking, thread-safe, and raise `ProviderError` only."""

    name: ClassVar[str]
    label: ClassVar[str]
    server_type: ClassVar[str]
    server_type_label: ClassVar[str]
    email_label: ClassVar[str]
    # One token opens every mailbox of the key (Microsoft), or one mailbox each (Google).
    token_serves_key: ClassVar[bool]
    limits: ClassVar[Limits]
    # All scopes a token may ask for; a token asks for those its check proved.
    scopes: ClassVar[frozenset[str]]
    # What a key's form asks for, and what a person grants in the provider's console.
    credential_fields: ClassVar[tuple[CredentialField, ...]]
    permissions: ClassVar[tuple[Permission, ...]]
    # How a person replaces a key's secret before it ends, step by step, up to the form that takes the new one.
    renewal_steps: ClassVar[tuple[str, ...]]
    # What deleting a processed message means here, as a sentence beside that switch.
    delete_note: ClassVar[str]

    def __init__(self, urls: BaseUrls, credential: Credential, http: Http | None = None) -> None:
        self.urls = urls
        self.credential = credential
        self.http = http or shared_http()

    @classmethod
    @abstractmethod
    def read_credential(cls, fields: Mapping[str, str]) -> Credential:
        """The credential in a form's fields. Raises CredentialInputError: per field, what to do."""

    @classmethod
    @abstractmethod
    def load_credential(cls, fields: Mapping[str, str]) -> Credential:
        """The credential that `Credential.to_dict` wrote; KeyError where a field is missing."""

    @classmethod
    @abstractmethod
    def identity_of(cls, fields: Mapping[str, str]) -> str:
        """What of a stored credential may be shown: the client id, or the service account's address."""

    def prepare_mailbox(self, token: AccessToken) -> None:
        """Make a mailbox ready for our messages, once, after its check allows changing it; may be repeated."""
        return

    @abstractmethod
    def acquire_token(self, email: str, scopes: frozenset[str] | None = None) -> AccessToken:
        """A fresh token for the mailbox `email`; never from a cache. `scopes` None asks for all."""

    @abstractmethod
    def check(self, email: str) -> Capabilities:
        """Test the connection step by step with fresh tokens, changing and sending nothing.

        Never raises for a provider's refusal: the failed step carries cause and fix, later ones are skipped.
        """

    @abstractmethod
    def prepare(self, token: AccessToken, mime: bytes) -> Draft | None:
        """Lay the message down as a draft where that makes the outcome knowable; None where it does not."""

    @abstractmethod
    def submit(self, token: AccessToken, message: Draft | bytes, *, deadline: datetime) -> Receipt:
        """Submit once, never retried below the caller; no POST starts after `deadline` (UTC).

        Raises OutcomeUnknown when the answer was lost after the request may have arrived.
        """

    @abstractmethod
    def find_sent(
        self, token: AccessToken, *, since: datetime, recipient: str, markers: Markers
    ) -> SentState:
        """Look for a submitted message in Sent and Drafts: everything to `recipient` since `since` (UTC).

        Raises TokenRefused, and any error that carries a `retry_at`; other trouble is CannotTell.
        """

    @abstractmethod
    def look_up(
        self, token: AccessToken, submitted: Sequence[Submitted]
    ) -> list[Receipt | ProviderError | None]:
        """The final ids of accepted messages (real Message-ID, thread id), batched, in their order.

        None for one that is not filed yet, else the error of that one alone. Raises what concerns the mailbox,
        such as TokenRefused, or any error that carries a `retry_at`.
        """

    @abstractmethod
    def discard_draft(self, token: AccessToken, draft: Draft) -> None:
        """Remove a draft that will not be submitted; one that is gone is success."""

    @abstractmethod
    def new_messages(
        self,
        token: AccessToken,
        folders: Sequence[Folder],
        cursor: Cursor | None,
        *,
        start: Start,
        since: datetime | None,
        budget: int,
    ) -> News:
        """Collect references of what is new, read or not, without changing anything.

        `start` says what a mailbox without cursor begins with; `since` (UTC) is the newest message known,
        from which a lost cursor is listed again with overlap; at most about `budget` references a call.
        """

    @abstractmethod
    def fetch(self, token: AccessToken, refs: Sequence[MessageRef]) -> Iterator[RawMessage]:
        """The raw messages, in batches; one bad message is its own `error`, never the batch's."""

    @abstractmethod
    def dispose(
        self, token: AccessToken, refs: Sequence[MessageRef], how: Disposal, folder: str = ""
    ) -> Iterable[Disposed]:
        """Delete, trash, or move to `folder`, in batches; a message that is gone already is success (`gone`).

        `folder` (with Disposal.MOVE only) is a name as `check_folder_name` takes it, and is made where it is
        missing. Whatever the way, a message keeps its id and its unread flag, and may be disposed of again.
        """

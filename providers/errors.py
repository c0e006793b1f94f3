"""What can go wrong at a provider, as one small tree.

ProviderError
├── TemporaryError            it may work later; nothing was accepted
│   ├── Throttled             wait until `retry_at`, this mailbox only
│   └── Unavailable           the provider or the way to it is down
│       ├── NotSent           no connection: the request has certainly not arrived
│       └── AnswerLost        the answer to a read was lost
├── PermanentError            it will not work until somebody changes something
│   ├── CredentialRefused     the key: secret, certificate, tenant, service account
│   ├── TokenRefused          the access token was not taken (401): refresh it once
│   ├── PermissionDenied      a right, scope or delegation is missing
│   ├── MailboxUnavailable    no such mailbox, no licence, suspended
│   ├── MessageRejected       this one message: size, recipients, headers
│   ├── NotFound              the object is gone (moved, deleted, stale id)
│   ├── AnswerTooLarge        more came than may be taken in
│   └── Unsupported           the provider has no such ability
└── OutcomeUnknown            a submission whose answer was lost: accepted or not, nobody knows
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Help:
    """One entry of the help catalogue: what a code means, why it happens, what to do and where."""

    code: str
    title: str
    cause: str
    fix: str
    screen: str = ""


# Codes and request ids are a provider's own words: stored and logged, so they may not be of any length.
MAX_CODE_LENGTH = 100


class ProviderError(Exception):
    """Base of the tree. Carries the provider's own `code`, HTTP `status` (0: none), `request_id` and `help`.

    The text is safe to log and show: a dialect never puts a secret or a token into it. `code` and
    `request_id` are cut at 100 characters.
    """

    def __init__(
        self, message: str, *, code: str = "", status: int = 0, request_id: str = "", help: Help | None = None
    ) -> None:
        message = _clean(message)
        super().__init__(message)
        self.message = message
        self.code = _clean(code)[:MAX_CODE_LENGTH]
        self.status = status
        self.request_id = _clean(request_id)[:MAX_CODE_LENGTH]
        self.help = help


def _clean(text: str) -> str:
    """Without NUL, which no text column of PostgreSQL takes."""
    return text.replace("\0", "")


class TemporaryError(ProviderError):
    """It may work later; nothing was accepted."""


class Throttled(TemporaryError):
    """Too much for this mailbox: nothing more before `retry_at` (UTC)."""

    def __init__(
        self,
        message: str,
        *,
        retry_at: datetime,
        code: str = "",
        status: int = 0,
        request_id: str = "",
        help: Help | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status, request_id=request_id, help=help)
        self.retry_at = retry_at


class Unavailable(TemporaryError):
    """The provider, or the way to it, is down; `retry_at` (UTC) where it said so."""

    retry_at: datetime | None = None


class NotSent(Unavailable):
    """No connection came about: the request has certainly not arrived."""


class AnswerLost(Unavailable):
    """The request may have arrived, its answer did not, or only in part."""


class PermanentError(ProviderError):
    """It will not work until somebody changes something; `help` says who and what."""


class CredentialRefused(PermanentError):
    """The key itself is refused: every server that uses it is affected."""


class TokenRefused(PermanentError):
    """401: the access token was not taken. Refresh once, then it is the key's fault."""


class PermissionDenied(PermanentError):
    """A right, scope, delegation or policy is missing."""


class MailboxUnavailable(PermanentError):
    """The mailbox does not exist, has no licence or is suspended."""


class MessageRejected(PermanentError):
    """The provider refuses this one message for good."""


class NotFound(PermanentError):
    """The object is gone; for a disposal that is success."""


class Unsupported(PermanentError):
    """The provider has no such ability."""


class AnswerTooLarge(PermanentError):
    """An answer grew beyond its limit and was cut off; `head` is how it began."""

    head: bytes = b""


class OutcomeUnknown(ProviderError):
    """The answer to a submission was lost: never repeat it, look for it (`MailProvider.find_sent`).

    `retry_at` (UTC) where the provider also told this mailbox to wait, as with a 503.
    """

    retry_at: datetime | None = None

"""From an HTTP answer to one error of the tree: what both dialects have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from providers.clock import bound_wait, parse_retry_after
from providers.errors import (
    MessageRejected,
    NotFound,
    PermissionDenied,
    ProviderError,
    Throttled,
    TokenRefused,
    Unavailable,
)
from providers.help import help_for, is_listed
from providers.observing import ErrorSeen, tell
from providers.session import Answer

# A vendor's sentence is shown and logged: no more of it than a person reads.
LONGEST_MESSAGE = 400
# How long to wait where the provider said "later" and no time.
DEFAULT_WAIT = timedelta(seconds=30)

ErrorClass = type[ProviderError]

_BY_STATUS: dict[int, ErrorClass] = {
    401: TokenRefused,
    403: PermissionDenied,
    404: NotFound,
    408: Unavailable,
    410: NotFound,
    413: MessageRejected,
    429: Throttled,
}


def class_for_status(status: int) -> ErrorClass:
    """The class of an answer whose code is unknown."""
    if status >= 500 or status < 400:
        return Unavailable
    return _BY_STATUS.get(status, MessageRejected)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error answer says, cut out of either vendor's JSON."""

    provider: str
    code: str
    message: str
    reason: str = ""
    request_id: str = ""

    def to_error(
        self,
        kind: ErrorClass,
        answer: Answer,
        now: datetime,
        *,
        wait: timedelta = DEFAULT_WAIT,
        retry_at: datetime | None = None,
    ) -> ProviderError:
        """The error, with its help; `retry_at` goes before the Retry-After header, `wait` (default) after."""
        message = (
            plain_sentence(self.message) or f"{self.provider.title()} answered with status {answer.status}."
        )
        help_entry = help_for(
            self.provider, self.code, self.message, reason=self.reason, status=answer.status
        )
        told = retry_at or parse_retry_after(answer.headers.get("Retry-After", ""), now)
        common = {"code": self.reason or self.code, "request_id": self.request_id or answer.request_id}
        if issubclass(kind, Throttled):
            until = told or bound_wait(now + wait, now)
            error: ProviderError = kind(
                message, retry_at=until, status=answer.status, help=help_entry, **common
            )
        else:
            error = kind(message, status=answer.status, help=help_entry, **common)
        if isinstance(error, Unavailable):
            error.retry_at = told
        self._tell_of(error, answer, help_entry.code)
        return error

    def _tell_of(self, error: ProviderError, answer: Answer, entry: str) -> None:
        topic = error.code if is_listed(error.code) else entry
        kind, code, request_id = type(error).__name__, error.code, error.request_id
        tell(ErrorSeen(self.provider, answer.operation, kind, code, topic, answer.status, request_id))


def plain_sentence(text: str) -> str:
    """One printable line of bounded length, whatever was sent."""
    line = " ".join(text[: 4 * LONGEST_MESSAGE].split())
    shown = "".join(character if character.isprintable() else "?" for character in line)
    return shown if len(shown) <= LONGEST_MESSAGE else shown[: LONGEST_MESSAGE - 1] + "…"


def as_mapping(value: Any) -> dict[str, Any]:
    """A JSON object, or an empty one where something else was sent."""
    return value if isinstance(value, dict) else {}


def as_rows(value: Any) -> list[dict[str, Any]]:
    """The JSON objects of a JSON array; whatever else was sent is left out."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """A JSON string, or an empty one where something else was sent."""
    return value if isinstance(value, str) else ""

"""Calls to one provider's own origin: token attached, answer checked, outcome of a submission told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from providers.errors import (
    AnswerLost,
    AnswerTooLarge,
    OutcomeUnknown,
    PermanentError,
    ProviderError,
)
from providers.messages import AccessToken
from providers.session import Answer, Call, Http

ErrorFor = Callable[[Answer, datetime], ProviderError]
# Answers after which a submission may have been taken nevertheless: request time-out, conflict.
DOUBTFUL_STATUSES = frozenset({408, 409})


@dataclass(frozen=True, slots=True)
class Content:
    """A request's body and what it is."""

    body: bytes = b""
    type: str = ""

    @classmethod
    def json(cls, value: Any) -> Content:
        """`value` as JSON."""
        return cls(json.dumps(value).encode(), "application/json")


NO_CONTENT = Content()


class Api:
    """One base address and the origin that alone ever sees a token."""

    def __init__(self, base_url: str, http: Http, error_for: ErrorFor) -> None:
        self.base_url = base_url.rstrip("/")
        self.http = http
        self._error_for = error_for

    def url(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The address of `path` on this provider; list values of `params` are repeated."""
        query = urlencode(params, doseq=True, quote_via=quote, safe="$,'") if params else ""
        return f"{self.base_url}{path}{'?' + query if query else ''}"

    def request(
        self,
        token: AccessToken,
        method: str,
        url: str,
        content: Content = NO_CONTENT,
        *,
        ok: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        max_bytes: int | None = None,
    ) -> Answer:
        """An answer with a status of `ok`; any other raises. Not for submissions: see `submit`."""
        call = self._call(token, method, url, content, headers, max_bytes=max_bytes)
        answer = self.http.read(call) if repeatable else self.http.once(call)
        if answer.status not in ok:
            raise self.error_for(answer)
        return answer

    def submit(
        self,
        token: AccessToken,
        url: str,
        content: Content,
        *,
        ok: int,
        deadline: datetime,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One POST that may put a message on its way, not begun after `deadline` (UTC).

        A refusal raises as it is; OutcomeUnknown when the request may have been taken all the same.
        """
        call = self._call(token, "POST", url, content, headers, start_by=deadline)
        try:
            answer = self.http.once(call)
        except (AnswerLost, AnswerTooLarge) as error:
            raise unknown_outcome(error) from None
        if answer.status == ok:
            return answer
        refusal = self.error_for(answer)
        if answer.status < 400 or answer.status >= 500 or answer.status in DOUBTFUL_STATUSES:
            raise unknown_outcome(refusal)
        raise refusal

    def error_for(self, answer: Answer) -> ProviderError:
        """The error that an answer stands for."""
        return self._error_for(answer, self.http.clock())

    def is_own(self, url: str) -> bool:
        """Whether `url` lies on this provider's origin: no other ever gets a token or is followed."""
        return origin_of(url) == origin_of(self.base_url)

    def _call(
        self,
        token: AccessToken,
        method: str,
        url: str,
        content: Content,
        headers: Mapping[str, str] | None,
        *,
        max_bytes: int | None = None,
        start_by: datetime | None = None,
    ) -> Call:
        if not self.is_own(url):
            raise PermanentError(
                f"The provider gave a link to another place ({origin_of(url)[1] or 'no host'}); it was not followed.",
                code="foreign-link",
            )
        sent = {"Accept": "application/json", **(headers or {})}
        if content.type:
            sent["Content-Type"] = content.type
        return Call(method, url, sent, content.body, token.value, max_bytes, start_by)


def unknown_outcome(error: ProviderError) -> OutcomeUnknown:
    """The same report, as a submission of which nobody knows whether it was taken."""
    unknown = OutcomeUnknown(
        f"Nobody can tell whether the message was taken: {error.message}",
        code=error.code,
        status=error.status,
        request_id=error.request_id,
        help=error.help,
    )
    unknown.retry_at = getattr(error, "retry_at", None)
    return unknown


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address; an address that has none compares equal to no real one.

    Read by the parser that also connects: in `https://a.example\\@b.example` another one sees another host.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        return "", "", None
    scheme = parts.scheme or ""
    return scheme, (parts.host or "").lower(), parts.port or {"https": 443, "http": 80}.get(scheme)

"""The one way to the network: a pooled `requests` session that never redirects, repeats or overruns unasked."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result
from tenacity.stop import stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from providers.clock import utc_now
from providers.errors import AnswerLost, AnswerTooLarge, NotSent, ProviderError
from providers.help import general_help
from providers.observing import BATCH_PART, CallEnded, ErrorSeen, operation_of, provider_of, tell

# Exchange tenants allow and block programs by this name, so it stays the same from version to version.
USER_AGENT = "API-Connect/1 (mail platform connector)"
MIB = 1024 * 1024
# How much of an answer that is cut off is kept: enough for the header part of any real message.
HEAD_BYTES = 256 * 1024
CHUNK_BYTES = 64 * 1024
POOL_SIZE = 32
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
# A read is worth three attempts within this time; whoever waits for it holds a lease.
READ_ATTEMPTS = 3
READ_RETRY_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, complete. `start_by` (UTC): it must not begin later than this."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    bearer: str = field(default="", repr=False)
    max_bytes: int | None = None
    start_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. `request_id` is what the vendor's support asks for."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    request_id: str = ""
    operation: str = BATCH_PART

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class _Bearer(requests.auth.AuthBase):
    """Sets our header or none; being there at all keeps `requests` from looking into a .netrc file."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = f"Bearer {self._value}"
        return request


class Http:
    """Sends calls over one session. `once` never repeats; `read` repeats a few times, for safe calls only.

    `adapter` replaces the network, as in tests; times are seconds, sizes bytes.
    """

    def __init__(
        self,
        *,
        session: requests.Session | None = None,
        connect_timeout: float = 5,
        read_timeout: float = 30,
        total_timeout: float = 120,
        max_answer_bytes: int = 64 * MIB,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.session = session or new_session()
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.total_timeout = total_timeout
        self.max_answer_bytes = max_answer_bytes
        self.sleep = sleep
        self.clock = clock

    def once(self, call: Call) -> Answer:
        """Exactly one attempt. Raises NotSent, AnswerLost or AnswerTooLarge, else any status is an answer."""
        operation, began_at, status = operation_of(call.method, call.url), time.monotonic(), 0
        try:
            answer = self._once(call, operation)
            status = answer.status
        except (NotSent, AnswerLost, AnswerTooLarge) as error:
            _tell_of(error, operation)
            raise
        finally:
            tell(CallEnded(operation, time.monotonic() - began_at, status))
        return answer

    def _once(self, call: Call, operation: str) -> Answer:
        connect_timeout = self._connect_timeout(call)
        ends_at = time.monotonic() + self.total_timeout
        request_id = str(uuid.uuid4())
        headers = {"User-Agent": USER_AGENT, "client-request-id": request_id, **call.headers}
        try:
            response = self.session.request(
                call.method,
                call.url,
                headers=headers,
                data=call.body,
                auth=_Bearer(call.bearer),
                timeout=(connect_timeout, self.read_timeout),
                proxies=_proxies_for(call.url),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise _connection_error(call, error) from None
        with response:
            body = self._read_body(call, response, ends_at)
        return Answer(
            response.status_code,
            response.headers,
            body,
            response.headers.get("request-id") or response.headers.get("x-ms-request-id") or request_id,
            operation,
        )

    def read(self, call: Call) -> Answer:
        """For calls that may safely happen twice: repeated on lost connections and 5xx, then as `once`."""
        attempts = Retrying(
            stop=stop_after_attempt(READ_ATTEMPTS) | stop_after_delay(READ_RETRY_SECONDS),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            retry=retry_if_exception_type((NotSent, AnswerLost)) | retry_if_result(_is_worth_repeating),
            retry_error_callback=_last_outcome,
            sleep=self.sleep,
        )
        return attempts(self.once, call)

    def _connect_timeout(self, call: Call) -> float:
        if call.start_by is None:
            return self.connect_timeout
        left = (call.start_by - self.clock()).total_seconds()
        if left <= 0:
            raise NotSent("The time set aside for this call had passed before it began.", code="deadline")
        return min(self.connect_timeout, left)

    def _read_body(self, call: Call, response: requests.Response, ends_at: float) -> bytes:
        limit = call.max_bytes or self.max_answer_bytes
        body = bytearray()
        try:
            for chunk in _chunks(response):
                body += chunk
                if len(body) > limit:
                    raise _too_large(call, bytes(body[:HEAD_BYTES]), limit)
                if time.monotonic() > ends_at:
                    raise _lost(f"{_host(call)} took too long to answer.")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _lost(f"The answer of {_host(call)} broke off ({type(error).__name__}).") from None
        return bytes(body)


def new_session() -> requests.Session:
    """A session without cookies, retries or redirects; its pool serves all threads of a process."""
    session = _Session()
    session.cookies = _NoCookies()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0))
    return session


class _Session(requests.Session):
    """Sees no redirects: even one that is not followed would have its whole body read."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _NoCookies(RequestsCookieJar):
    """Keeps nothing: one customer's answer must not colour the next customer's request."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        return None


@lru_cache(maxsize=1)
def shared_http() -> Http:
    """The process's own `Http`. A forked child gets a new one: a socket must not serve two processes."""
    return Http()


os.register_at_fork(after_in_child=shared_http.cache_clear)


def _tell_of(error: ProviderError, operation: str) -> None:
    """No answer came, or only a part of it: a dialect never sees it, so it is told of here."""
    kind, provider = type(error).__name__, provider_of(operation)
    tell(ErrorSeen(provider, operation, kind, error.code, error.code, error.status, error.request_id))


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The decoded body as it comes in: a slow sender cannot hide from the clock behind a large chunk."""
    if isinstance(response.raw, urllib3.HTTPResponse):
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            yield chunk
    else:
        yield from response.iter_content(CHUNK_BYTES)


def _too_large(call: Call, head: bytes, limit: int) -> AnswerTooLarge:
    code = "answer-too-large"
    error = AnswerTooLarge(
        f"{_host(call)} answered with more than {limit} bytes.", code=code, help=general_help(code)
    )
    error.head = head
    return error


def _connection_error(call: Call, error: requests.RequestException) -> NotSent | AnswerLost:
    if _never_left(error):
        text, code = f"No connection to {_host(call)} ({_reason(error)}).", "no-connection"
        return NotSent(text, code=code, help=general_help(code))
    return _lost(f"{_host(call)} did not answer ({_reason(error)}).")


def _lost(text: str) -> AnswerLost:
    return AnswerLost(text, code="answer-lost", help=general_help("answer-lost"))


def _never_left(error: requests.RequestException) -> bool:
    """Whether the request has certainly not gone out: no name, no connection, no trusted certificate."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError | ValueError):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return True
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def _reason(error: requests.RequestException) -> str:
    """The kind of failure; never its text, which quotes the address and an upload's secret with it."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason or error).__name__


def _is_worth_repeating(answer: Answer) -> bool:
    # With a Retry-After the provider has said when: that is the caller's business.
    return answer.status in TRANSIENT_STATUSES and "Retry-After" not in answer.headers


def _last_outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()


def _host(call: Call) -> str:
    return urlsplit(call.url).hostname or "the provider"


def _proxies_for(url: str) -> dict[str, str]:
    # A proxy from the environment cannot reach this machine's own loopback, where the sandbox runs.
    host = urlsplit(url).hostname or ""
    return {"no_proxy": host} if host in {"localhost", "127.0.0.1", "::1"} else {}


def header_map(headers: Mapping[str, Any]) -> Mapping[str, str]:
    """Headers of an answer inside a batch, looked up without regard to case like any other's."""
    return CaseInsensitiveDict({name: str(value) for name, value in headers.items()})

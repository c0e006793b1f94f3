"""Opening a mailbox with the access of those whose servers use it, each with a valid token of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from keys.models import ApiKey
from keys.sealing import SealBroken
from keys.tokens import access, row_for, with_access
from mailboxes.models import Mailbox, ProcessedMessage
from providers.base import MailProvider
from providers.errors import (
    CredentialRefused,
    MailboxUnavailable,
    PermissionDenied,
    ProviderError,
    TemporaryError,
    TokenRefused,
)
from providers.messages import AccessToken

logger = structlog.get_logger(__name__)
T = TypeVar("T")

# So long messages wait for a server whose token cannot be had for the moment.
TOKEN_PATIENCE = timedelta(hours=1)
# What one server's access may be refused while another's still opens the mailbox.
REFUSALS = (CredentialRefused, TokenRefused, PermissionDenied, MailboxUnavailable)


class Source(Protocol):
    """A server that reads the mailbox: whose it is, its key, and where its trouble is shown."""

    @property
    def customer_id(self) -> int | None: ...
    @property
    def email(self) -> str: ...
    @property
    def api_key(self) -> ApiKey: ...
    @property
    def connected_at(self) -> datetime | None: ...

    last_error: str

    def record_trouble(self, error: str, code: str) -> None: ...


@dataclass
class OpenMailbox:
    """A mailbox and the servers that may read it now; `call` goes through the first that is let in.

    `is_whole` is False while a server's token is missing for a moment only: what belongs to its customer
    cannot be told yet, so handling waits, each message an hour at most.
    """

    mailbox: Mailbox
    now: datetime
    sources: list[Source] = field(default_factory=list)
    is_whole: bool = True

    def call(self, call: Callable[[MailProvider, AccessToken], T]) -> T:
        """`call` with a client and a token; a server that is refused is left out and the next one tried.

        Raises ProviderError: the last refusal, or whatever concerns the mailbox itself.
        """
        while True:
            source = self.sources[0]
            try:
                answer = self._call(source, call)
                _clear_trouble(source)
                return answer
            except REFUSALS as error:
                record_trouble(source, error)
                if len(self.sources) == 1:
                    raise
                self.sources.pop(0)

    def _call(self, source: Source, call: Callable[[MailProvider, AccessToken], T]) -> T:
        try:
            return with_access(
                customer_id=source.customer_id,
                email=source.email,
                api_key=source.api_key,
                now=self.now,
                call=call,
            )
        except SealBroken as error:
            raise CredentialRefused(str(error), code="seal-broken") from error


def open_mailbox(mailbox: Mailbox, sources: Iterable[Source], now: datetime) -> OpenMailbox:
    """Take a token for every server; each one's own right counts. Raises the last error where none has any."""
    opened = OpenMailbox(mailbox, now)
    failure: ProviderError | None = None
    for source in sources:
        try:
            access(customer_id=source.customer_id, email=source.email, api_key=source.api_key, now=now)
        except TemporaryError as error:
            failure = error
            if _is_waited_for(source, mailbox, now):
                opened.is_whole = False
            else:
                record_trouble(source, error)
        except SealBroken as error:
            failure = CredentialRefused(str(error), code="seal-broken")
            record_trouble(source, failure)
        except ProviderError as error:
            failure = error
            record_trouble(source, error)
        else:
            opened.sources.append(source)
    # Whoever was refused last time goes first: only a call that works shows that its trouble is over.
    opened.sources.sort(key=lambda source: not source.last_error)
    if not opened.sources:
        raise failure or CredentialRefused("No active server reads this mailbox.", code="no-source")
    return opened


def _is_waited_for(source: Source, mailbox: Mailbox, now: datetime) -> bool:
    """Whether neither a message has waited too long nor the server's last token ended too long ago."""
    since = now - TOKEN_PATIENCE
    waiting = mailbox.messages.filter(state=ProcessedMessage.State.PENDING, listed_at__lte=since)
    if not waiting.exists():
        return True
    token = row_for(customer_id=source.customer_id, email=source.email, api_key=source.api_key)
    return any(moment > since for moment in (token.expires_at, source.connected_at) if moment is not None)


def record_trouble(source: Source, error: ProviderError) -> None:
    """Show the refusal where its owner looks: on the server."""
    logger.warning("a server may not read its mailbox", email=source.email, code=error.code)
    source.record_trouble(error.message, error.code)


def _clear_trouble(source: Source) -> None:
    if source.last_error:
        source.record_trouble("", "")
        source.last_error = ""

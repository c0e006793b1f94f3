"""The calls of one attempt, run in a thread of the mailbox's small pool: pure HTTP, no database."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from campaigns.lines import Line
from campaigns.models import Attempt, Delivery
from providers.errors import (
    CredentialRefused,
    MailboxUnavailable,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    ProviderError,
    TemporaryError,
    TokenRefused,
    Unavailable,
)
from providers.messages import AccessToken, Draft, Receipt

# The fault lies with the server, not with the message: it is left alone for a while, then tried once.
SERVER_FAULTS = (CredentialRefused, TokenRefused, PermissionDenied, MailboxUnavailable)
# After these nothing more is called; a refused token is renewed first.
HOLDING = (TemporaryError, CredentialRefused, PermissionDenied, MailboxUnavailable)


@dataclass(slots=True)
class Flight:
    """One attempt under way: what is submitted, through which line, and when its quota was claimed."""

    delivery: Delivery
    attempt: Attempt
    line: Line
    message: bytes | Draft = field(repr=False)
    claimed_at: datetime
    renewed: bool = False

    @property
    def is_submission(self) -> bool:
        return isinstance(self.message, Draft)


@dataclass(frozen=True, slots=True)
class Landing:
    """How a call ended: a draft, a receipt or an error; neither when it was held back before it began.

    `in_preparation` says that the error came before anything was submitted.
    """

    flight: Flight
    token: AccessToken
    value: Draft | Receipt | None = None
    error: ProviderError | None = None
    in_preparation: bool = False

    @property
    def was_held_back(self) -> bool:
        return self.value is None and self.error is None

    @property
    def is_refusal(self) -> bool:
        """The message itself was refused for good."""
        passing = (TemporaryError, OutcomeUnknown, *SERVER_FAULTS)
        return self.error is not None and not isinstance(self.error, passing)

    @property
    def may_have_left_draft(self) -> bool:
        """The draft's answer was lost: nothing was submitted, but a draft may lie there."""
        lost = isinstance(self.error, Unavailable) and not isinstance(self.error, NotSent)
        return self.in_preparation and lost


def fly(flight: Flight, hold: Event) -> Landing:
    """Make the flight's next call, unless `hold` is set; trouble sets it for the calls behind."""
    token, message = flight.line.token, flight.message
    if hold.is_set():
        return Landing(flight, token)
    in_preparation = not flight.is_submission
    try:
        if not isinstance(message, Draft) and (draft := flight.line.client.prepare(token, message)):
            return Landing(flight, token, draft)
        in_preparation = False
        deadline = flight.attempt.deadline
        return Landing(flight, token, flight.line.client.submit(token, message, deadline=deadline))
    except ProviderError as error:
        if isinstance(error, HOLDING):
            hold.set()
        return Landing(flight, token, error=error, in_preparation=in_preparation)


def discard(flight: Flight) -> None:
    """Remove the draft of a message that is refused for good; one that stays is only untidy."""
    if isinstance(flight.message, Draft):
        with suppress(ProviderError):
            flight.line.client.discard_draft(flight.line.token, flight.message)

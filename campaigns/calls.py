"""The calls of one attempt, run in a thread of the mailbox's small pool: pure HTTP, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from campaigns.lines import Line
from campaigns.models import Attempt, Delivery
from providers.errors import NotSent, ProviderError, TemporaryError, Unavailable
from providers.messages import AccessToken, Draft, Receipt


@dataclass(slots=True)
class Flight:
    """One attempt under way: what is submitted, through which line, and with which token."""

    delivery: Delivery
    attempt: Attempt
    line: Line
    message: bytes | Draft = field(repr=False)
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
    def may_have_left_draft(self) -> bool:
        """The draft's answer was lost: nothing was submitted, but a draft may lie there."""
        lost = isinstance(self.error, Unavailable) and not isinstance(self.error, NotSent)
        return self.in_preparation and lost


def fly(flight: Flight, hold: Event) -> Landing:
    """Make the flight's next call, unless `hold` is set; a temporary refusal sets it for the calls behind."""
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
        if isinstance(error, TemporaryError):
            hold.set()
        return Landing(flight, token, error=error, in_preparation=in_preparation)

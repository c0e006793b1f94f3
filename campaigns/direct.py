"""Sending one message at once and telling how it went: test messages and the system's own mail."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta

from accounts.models import SystemSettings
from accounts.switches import SWITCHED_OFF
from campaigns.claiming import ATTEMPT_SECONDS
from campaigns.lines import Line, open_line
from mailboxes.leases import Lease, claim
from providers.errors import OutcomeUnknown, ProviderError, TemporaryError, Throttled, TokenRefused
from providers.messages import Receipt
from servers.models import DeliveryServer
from servers.selecting import standing_of

# A campaign's run gives its mailbox back within the minute when the provider's pace is reached.
WAIT_SECONDS = 20
POLL_SECONDS = 0.5


class DirectSendFailed(Exception):
    """The message was not sent, or nobody can tell; the text says which, why, and what to do."""


def send_directly(
    server: DeliveryServer, mime: bytes, now: datetime, *, wait_seconds: float = WAIT_SECONDS
) -> Receipt:
    """Submit one message through `server`, once, within its mailbox's lease and limits.

    Raises DirectSendFailed. Nothing is ever repeated: a message whose answer was lost may have been sent.
    """
    settings = SystemSettings.load()
    if not settings.enabled:
        raise DirectSendFailed(SWITCHED_OFF)
    standing = standing_of(server, now, settings)
    if not standing.is_usable:
        until = f" It is expected back at {standing.until:%H:%M} UTC." if standing.until else ""
        raise DirectSendFailed(f"“{server.name}” cannot send now. {standing.reason}{until}")
    lease = _wait_for_lease(server, wait_seconds)
    try:
        return _submit(server, mime, now)
    except OutcomeUnknown as error:
        raise DirectSendFailed(
            f"{error.message} Look into the mailbox's Sent folder before you try again."
        ) from error
    except ProviderError as error:
        if isinstance(error, Throttled):
            server.mailbox.block_until(error.retry_at)
        later = " Try again later." if isinstance(error, TemporaryError) else ""
        fix = f" {error.help.cause} {error.help.fix}" if error.help else ""
        raise DirectSendFailed(f"It was not sent. {error.message}{fix}{later}") from error
    finally:
        lease.release()


def _wait_for_lease(server: DeliveryServer, seconds: float) -> Lease:
    give_up_at = time.monotonic() + seconds
    while True:
        if lease := claim(server.mailbox, "sending"):
            return lease
        if time.monotonic() >= give_up_at:
            raise DirectSendFailed(
                f"{server.email} is busy sending a campaign. Try again in a minute, or choose another server."
            )
        time.sleep(POLL_SECONDS)


def _submit(server: DeliveryServer, mime: bytes, now: datetime) -> Receipt:
    line = open_line(server, now)
    deadline = now + timedelta(seconds=ATTEMPT_SECONDS)
    try:
        return _call(line, mime, deadline)
    except TokenRefused:
        line.renew(line.token, now)
        return _call(line, mime, deadline)


def _call(line: Line, mime: bytes, deadline: datetime) -> Receipt:
    draft = line.client.prepare(line.token, mime)
    try:
        return line.client.submit(line.token, draft or mime, deadline=deadline)
    except OutcomeUnknown:
        raise
    except ProviderError:
        if draft:  # nobody comes back for it
            with suppress(ProviderError):
                line.client.discard_draft(line.token, draft)
        raise

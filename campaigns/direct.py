"""Sending one message at once and telling how it went: test messages and the system's own mail."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import SystemSettings
from accounts.switches import SWITCHED_OFF
from campaigns.claiming import ATTEMPT_SECONDS
from campaigns.lines import Line, open_line
from campaigns.models import Attempt
from campaigns.outcomes import close, describe, told_wait
from campaigns.pace import DAY, RunningClock, allowance, limits_of
from mailboxes.leases import Lease, LeaseLost, claim
from providers.errors import OutcomeUnknown, ProviderError, TemporaryError
from providers.messages import Receipt
from providers.registry import PROVIDERS
from servers import quotas
from servers.models import DeliveryServer
from servers.selecting import standing_of

# A campaign's run gives its mailbox back within the minute when the provider's pace is reached.
WAIT_SECONDS = 20
POLL_SECONDS = 0.5

Outcome = Attempt.Outcome


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
    clock = RunningClock(now)
    lease = _wait_for_lease(server, wait_seconds)
    try:
        return _submit(server, mime, lease, clock)
    except OutcomeUnknown as error:
        raise DirectSendFailed(
            f"{error.message} Look into the mailbox's Sent folder before you try again."
        ) from error
    except LeaseLost as error:
        raise DirectSendFailed("It was not sent: preparing it took too long. Try again.") from error
    except ProviderError as error:
        if wait_until := told_wait(error):
            server.mailbox.block_until(wait_until)
        later = " Try again later." if isinstance(error, TemporaryError) else ""
        raise DirectSendFailed(f"It was not sent. {describe(error)}{later}") from error
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


def _submit(server: DeliveryServer, mime: bytes, lease: Lease, clock: RunningClock) -> Receipt:
    line = open_line(server, clock.now())
    attempt = _open_attempt(server, lease, clock.now())
    try:
        receipt = _call(line, mime, lease, clock)
    except OutcomeUnknown as error:
        close(attempt, Outcome.UNKNOWN, clock.now(), error)
        raise
    except (ProviderError, LeaseLost) as error:
        quotas.give_back(server, 1, attempt.started_at)
        close(attempt, Outcome.REFUSED, clock.now(), error if isinstance(error, ProviderError) else None)
        raise
    close(attempt, Outcome.ACCEPTED, clock.now())
    server.record_sent(clock.now())
    return receipt


def _open_attempt(server: DeliveryServer, lease: Lease, now: datetime) -> Attempt:
    """Its place in the mailbox's pace and in the server's quota. Raises DirectSendFailed."""
    servers = DeliveryServer.objects.filter(mailbox=server.mailbox)
    allowed = allowance(server.mailbox, limits_of(servers, PROVIDERS[server.provider].limits), now)
    if allowed.resumes_at:
        raise DirectSendFailed(
            f"{server.email} sends as fast as it may already. Try again after {allowed.resumes_at:%H:%M:%S} UTC."
        )
    with transaction.atomic():
        lease.require()
        if not quotas.claim(server, 1, now):
            raise DirectSendFailed(f"“{server.name}” cannot send now. Its quota is used up.")
        # Nothing else would ever remove these, and no pace looks further back.
        Attempt.objects.filter(mailbox=server.mailbox, delivery=None, started_at__lt=now - DAY).delete()
        deadline = now + timedelta(seconds=ATTEMPT_SECONDS)
        return Attempt.objects.create(
            server=server, mailbox=server.mailbox, started_at=now, deadline=deadline
        )


def _call(line: Line, mime: bytes, lease: Lease, clock: RunningClock) -> Receipt:
    draft = line.with_renewal(lambda: line.client.prepare(line.token, mime), clock.now())
    deadline = clock.now() + timedelta(seconds=ATTEMPT_SECONDS)
    try:
        lease.renew()
        return line.with_renewal(
            lambda: line.client.submit(line.token, draft or mime, deadline=deadline), clock.now()
        )
    except OutcomeUnknown:
        raise
    except (ProviderError, LeaseLost):
        if draft:  # nobody comes back for it
            with suppress(ProviderError):
                line.client.discard_draft(line.token, draft)
        raise

"""What an attempt's outcome means for the delivery, the mailbox, the server and the campaign; database only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from accounts.rows import update_row
from campaigns.calls import Landing
from campaigns.claiming import ATTEMPT_SECONDS, own_servers, put_back
from campaigns.models import Attempt, Delivery
from campaigns.pausing import pause_if_stuck
from providers.errors import OutcomeUnknown, ProviderError, TemporaryError
from providers.messages import Draft, Receipt
from servers import quotas
from servers.models import DeliveryServer
from servers.selecting import forecast, standings

logger = structlog.get_logger(__name__)

# How long a server with a fault is left alone before it is tried once more.
SERVER_REST = timedelta(hours=1)
# A provider that is down without saying for how long: twice as long after each try.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=30)
# Counted from the moment after which nothing of the attempt can have begun.
FIRST_LOOK = timedelta(seconds=60)
# An attempt with this code was never submitted, but its draft may lie at the provider.
DRAFT_LOST = "draft-lost"

Status = Delivery.Status
Outcome = Attempt.Outcome


def record(landing: Landing, now: datetime) -> None:
    """Write what became of an attempt. Inside the caller's transaction, behind its `lease.require()`."""
    error = landing.error
    if isinstance(landing.value, Draft):
        _record_draft(landing, landing.value, now)
    elif isinstance(landing.value, Receipt):
        _record_accepted(landing, landing.value, now)
    elif error is None or error.code == "deadline":
        _record_held_back(landing, now)
    elif isinstance(error, OutcomeUnknown) or landing.may_have_left_draft:
        _record_unknown(landing, error, now)
    elif isinstance(error, TemporaryError):
        _record_wait(landing, error, now)
    elif landing.is_refusal:
        _record_refused(landing, error, now)
    else:
        _record_server_fault(landing, error, now)


def record_failed(delivery: Delivery, text: str, code: str, *, claimed_at: datetime) -> None:
    """A message that cannot be written or sent at all: no attempt is worth it."""
    _update(delivery, status=Status.FAILED, error=text, error_code=code, next_try_at=None)
    if delivery.server:
        quotas.give_back(delivery.server, 1, claimed_at)


def record_server_trouble(server: DeliveryServer, error: ProviderError, now: datetime) -> None:
    """The server needs attention: shown with cause and fix, and left alone until it is worth another try."""
    logger.warning("server needs attention", server=server.uid, code=error.code, request_id=error.request_id)
    text = describe(error)
    server.record_trouble(text, error.code)
    server.pause_until(now + SERVER_REST, text)
    for campaign in server.campaigns.filter(status="sending"):
        pause_if_stuck(campaign, now)


def describe(error: ProviderError) -> str:
    """The provider's words with our cause and fix where the catalogue has them."""
    if error.help is None:
        return error.message
    return f"{error.message} {error.help.cause} {error.help.fix}".strip()


def known_ids(receipt: Receipt) -> dict[str, Any]:
    """What a receipt tells of a delivery, by the names of the delivery's columns."""
    ids = {
        "provider_message_id": receipt.provider_message_id,
        "sent_message_id": plain_id(receipt.message_id),
        "thread_id": receipt.thread_id,
    }
    return {name: storable(name, value) for name, value in ids.items() if value}


def storable(column: str, provider_id: str) -> str:
    """What a delivery's `column` takes of an id: no real one is longer, and a false one must stop nothing."""
    limit: int | None = getattr(Delivery._meta.get_field(column), "max_length", None)
    return provider_id.replace("\0", "")[:limit]


def plain_id(message_id: str) -> str:
    """A Message-ID as it is stored and compared everywhere: without its angle brackets."""
    return message_id.strip().removeprefix("<").removesuffix(">")


def accept(
    delivery: Delivery, receipt: Receipt, now: datetime, *, was: Delivery.Status = Status.SENDING
) -> None:
    """The message is out; what its receipt does not tell is learnt later."""
    learnt = known_ids(receipt)
    wanted = not (receipt.message_id and receipt.thread_id)
    changed = _update(
        delivery,
        was=was,
        status=Status.SENT,
        sent_at=now,
        next_try_at=now if wanted else None,
        looks=0,
        ids_wanted=wanted,
        error="",
        error_code="",
        **learnt,
    )
    if not changed:  # a bounce or a reply was faster than the answer
        Delivery.objects.filter(pk=delivery.pk).update(
            **learnt, ids_wanted=wanted, next_try_at=now if wanted else None
        )


def _record_accepted(landing: Landing, receipt: Receipt, now: datetime) -> None:
    flight = landing.flight
    accept(flight.delivery, receipt, now)
    close(flight.attempt, Outcome.ACCEPTED, now)
    server = flight.line.server
    server.record_sent(now)
    if server.last_error:  # the trial after a rest went well
        server.record_trouble("", "")
        server.last_error = ""


def _record_draft(landing: Landing, draft: Draft, now: datetime) -> None:
    """The draft's id is committed before it is submitted; the submission gets its own deadline."""
    flight = landing.flight
    ids: dict[str, Any] = {
        "draft_id": storable("draft_id", draft.id),
        "draft_message_id": storable("draft_message_id", plain_id(draft.message_id)),
        "thread_id": storable("thread_id", draft.thread_id),
    }
    deadline = now + timedelta(seconds=ATTEMPT_SECONDS)
    _update(flight.delivery, next_try_at=deadline, **ids)
    Attempt.objects.filter(pk=flight.attempt.pk).update(deadline=deadline)
    flight.attempt.deadline, flight.message, flight.delivery.draft_id = deadline, draft, draft.id


def _record_held_back(landing: Landing, now: datetime) -> None:
    """Nothing was called: as if the attempt had not been opened."""
    flight = landing.flight
    Attempt.objects.filter(pk=flight.attempt.pk).delete()
    blocked_until = flight.line.server.mailbox.blocked_until
    rows = Delivery.objects.filter(pk=flight.delivery.pk, status=Status.SENDING)
    put_back(rows, max(now, blocked_until) if blocked_until else now)
    quotas.give_back(flight.line.server, 1, flight.claimed_at)


def _record_unknown(landing: Landing, error: ProviderError, now: datetime) -> None:
    flight = landing.flight
    code = DRAFT_LOST if landing.may_have_left_draft else error.code
    _update(
        flight.delivery,
        status=Status.UNKNOWN,
        error=describe(error),
        error_code=code,
        looks=0,
        next_try_at=now + FIRST_LOOK,
    )
    close(flight.attempt, Outcome.UNKNOWN, now, error, code)
    if retry_at := told_wait(error):
        flight.line.server.mailbox.block_until(retry_at)


def _record_wait(landing: Landing, error: TemporaryError, now: datetime) -> None:
    """Refused for now: this mailbox waits exactly as told, the message goes elsewhere if it can."""
    flight = landing.flight
    until = wait_until(error, flight.attempt.number, now)
    flight.line.server.mailbox.block_until(until)
    flight.line.server.mailbox.blocked_until = until
    quotas.give_back(flight.line.server, 1, flight.claimed_at)
    close(flight.attempt, Outcome.DEFERRED, now, error)
    _go_on(landing, now, until=until, error=describe(error), code=error.code)


def told_wait(error: ProviderError) -> datetime | None:
    """Until when (UTC) the provider wants to be left alone: a throttle says so, a 503 may."""
    told: datetime | None = getattr(error, "retry_at", None)
    return told


def wait_until(error: ProviderError, tries: int, now: datetime) -> datetime:
    """When the mailbox may be tried again: as the provider said, else longer after each try."""
    return told_wait(error) or now + min(FIRST_WAIT * 2 ** min(max(tries, 1) - 1, 10), LONGEST_WAIT)


def _record_server_fault(landing: Landing, error: ProviderError, now: datetime) -> None:
    flight = landing.flight
    quotas.give_back(flight.line.server, 1, flight.claimed_at)
    close(flight.attempt, Outcome.DEFERRED, now, error)
    record_server_trouble(flight.line.server, error, now)
    _go_on(landing, now, until=now + SERVER_REST, error=describe(error), code=error.code)


def _record_refused(landing: Landing, error: ProviderError, now: datetime) -> None:
    flight = landing.flight
    _update(
        flight.delivery, status=Status.FAILED, error=describe(error), error_code=error.code, next_try_at=None
    )
    close(flight.attempt, Outcome.REFUSED, now, error)


def _go_on(landing: Landing, now: datetime, *, until: datetime, error: str, code: str) -> None:
    """Back in the queue while another server can take it at once, else delayed until one can.

    A message whose draft lies in this mailbox waits for this mailbox.
    """
    delivery = landing.flight.delivery
    next_at = until
    if not delivery.draft_id:
        next_at = forecast(standings(own_servers(delivery.campaign), now), now) or until
    if next_at <= now and not delivery.draft_id:
        _update(
            delivery,
            status=Status.QUEUED,
            next_try_at=None,
            error=error,
            error_code=code,
            mailbox=None,
            server=None,
        )
    else:
        _update(delivery, status=Status.DEFERRED, next_try_at=next_at, error=error, error_code=code)


def _update(delivery: Delivery, *, was: Delivery.Status = Status.SENDING, **changes: Any) -> bool:
    """Change a delivery that still is what it was; False when something else settled it meanwhile."""
    return update_row(Delivery, {"pk": delivery.pk, "status": was}, changes) == 1


def close(
    attempt: Attempt,
    outcome: Attempt.Outcome,
    now: datetime,
    error: ProviderError | None = None,
    code: str = "",
) -> None:
    """What became of an attempt; `code` where ours says more than the error's."""
    found = (
        {"code": code or error.code, "request_id": error.request_id, "detail": error.message} if error else {}
    )
    update_row(Attempt, {"pk": attempt.pk}, {"outcome": outcome, "finished_at": now, **found})

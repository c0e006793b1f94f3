"""What the providers' calls add to the metrics and the log; told by `providers.observing`, in any thread."""

from __future__ import annotations

import structlog

from operations.metrics.tallies import counts
from providers.errors import NotFound
from providers.observing import CallEnded, ErrorSeen, Event

logger = structlog.get_logger(__name__)

SECONDS = "apiconnect_provider_call_seconds"
CALLS = "apiconnect_provider_calls"
ERRORS = "apiconnect_provider_errors"
# Seconds: a quick answer, an ordinary one, a slow one, the read time-out.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAST_BUCKET = "+Inf"


def note(event: Event) -> None:
    """Count it; an error is logged with the request id that the vendor's support asks for."""
    if isinstance(event, CallEnded):
        _count_call(event)
    else:
        _note_error(event)


def _count_call(call: CallEnded) -> None:
    where = {"provider": call.provider, "operation": call.operation}
    bucket = next((str(bound) for bound in BUCKETS if call.seconds <= bound), LAST_BUCKET)
    counts.add(CALLS, {**where, "status": str(call.status)})
    counts.add(f"{SECONDS}_bucket", {**where, "le": bucket})
    counts.add(f"{SECONDS}_sum", where, call.seconds)


def _note_error(error: ErrorSeen) -> None:
    where = {"provider": error.provider, "operation": error.operation}
    counts.add(ERRORS, {**where, "kind": error.kind, "code": error.topic})
    # That a message went away meanwhile is daily life.
    log = logger.info if error.kind == NotFound.__name__ else logger.warning
    log(
        "provider error",
        provider=error.provider,
        operation=error.operation,
        kind=error.kind,
        code=error.code,
        status=error.status,
        provider_request_id=error.request_id,
    )

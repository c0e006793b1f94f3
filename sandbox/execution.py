"""What every call of either provider goes through: places, counts, faults, then its handler."""

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.wrappers import Response

from sandbox import effects
from sandbox.calls import ApiError, Call, Dialect, Handler


def execute(call: Call, dialect: Dialect, handler: Handler) -> Response:
    """Carry out one call with everything that may go wrong around it.

    Pauses happen outside the world's lock, the handler inside it. Raises ConnectionDropped.
    """
    try:
        with occupied(call, dialect):
            return _with_faults(call, dialect, handler)
    except ApiError as error:
        return error.response


@contextmanager
def occupied(call: Call, dialect: Dialect) -> Iterator[None]:
    """Hold one of the mailbox's places for calls at the same time; raises ApiError when none is left."""
    # The parts of a batch take their places together, before any of them runs.
    if call.mailbox is None or call.inner:
        yield
        return
    if not take_place(call, dialect):
        raise dialect.too_many_at_once(call)
    try:
        yield
    finally:
        leave_place(call)


def take_place(call: Call, dialect: Dialect) -> bool:
    limit = dialect.concurrency(call.world)
    with call.world.lock:
        usage = call.mailbox.usage
        if limit is not None and usage.in_flight >= limit:
            call.note("too-many-at-once", str(usage.in_flight + 1))
            return False
        usage.in_flight += 1
        usage.most_in_flight = max(usage.most_in_flight, usage.in_flight)
    return True


def leave_place(call: Call) -> None:
    with call.world.lock:
        call.mailbox.usage.in_flight -= 1


def _with_faults(call: Call, dialect: Dialect, handler: Handler) -> Response:
    world = call.world
    if not call.inner:
        effects.pause(call, world.limits.latency_ms / 1000)
    with world.lock:
        world.settle()
        _count(call, dialect)
        address = call.mailbox.email if call.mailbox else None
        call.faults = world.faults.take(call.name, address, inner=call.inner)
    for fault in call.faults:
        if not fault.is_after:
            effects.before(call, fault, dialect, handler)
    with world.lock:
        response = handler(call)
    for fault in call.faults:
        if fault.is_after:
            response = effects.after(call, fault, dialect, response)
    return response


def _count(call: Call, dialect: Dialect) -> None:
    call.world.calls[call.name] += 1
    if call.mailbox is None:
        return
    usage = call.mailbox.usage
    usage.by_call[call.name] += 1
    if call.now < usage.told_to_wait_until:
        call.note("called-while-throttled", f"{usage.told_to_wait_until - call.now:.0f} s too early")
    if call.now < usage.blocked_until:
        raise dialect.throttled(call, usage.blocked_until - call.now)
    dialect.charge(call)

"""What each fault does to the call it strikes, before or after the call is carried out."""

import time
from collections.abc import Iterator

from werkzeug.wrappers import Response

from sandbox.calls import ApiError, Call, ConnectionDropped, Dialect, Handler, NoAnswer, told_to_wait
from sandbox.faults import Fault

# Set by the in-process adapter: how long its client would wait for bytes, in seconds.
READ_TIMEOUT = "sandbox.read_timeout"


def pause(call: Call, seconds: float) -> None:
    """Wait in real time; raises NoAnswer at once where the client is known to give up earlier."""
    if seconds <= 0:
        return
    patience = call.request.environ.get(READ_TIMEOUT)
    if patience is not None and seconds >= patience:
        raise NoAnswer
    call.world.closing.wait(seconds)


def before(call: Call, fault: Fault, dialect: Dialect, handler: Handler) -> None:
    """Strike before the call is carried out; returns when it is to be carried out after all."""
    match fault.effect:
        case "throttle":
            wait = 10.0 if fault.retry_after is None else fault.retry_after
            told_to_wait(call.mailbox, call.now + wait, hold=fault.hold)
            raise dialect.throttled(call, wait, fault.message)
        case "rate-limit-403":
            raise dialect.rate_limit_403(call, fault.code, fault.message)
        case "unauthorized":
            raise dialect.unauthorized(call)
        case "status":
            raise dialect.failure(call, fault)
        case "reset":
            raise ConnectionDropped
        case "hang":
            pause(call, fault.seconds)
            raise dialect.failure(call, Fault("status", status=504))
        case "late":
            call.world.schedule(fault.seconds, lambda: _quietly(call, handler))
            raise ConnectionDropped
        case "human":
            _meddle(call, fault)
        case "hook":
            assert fault.hook is not None
            fault.hook()


def after(call: Call, fault: Fault, dialect: Dialect, response: Response) -> Response:
    """Strike when the call has been carried out: the client must find out for itself."""
    match fault.effect:
        case "status" if fault.status < 400:
            return Response(status=fault.status)
        case "status":
            return dialect.failure(call, fault).response
        case "unauthorized":
            return dialect.unauthorized(call).response
        case "reset":
            raise ConnectionDropped
        case "hang":
            pause(call, fault.seconds)
            return dialect.failure(call, Fault("status", status=504)).response
        case "human":
            _meddle(call, fault)
        case "hook":
            assert fault.hook is not None
            fault.hook()
        case "truncate" | "slow-body":
            return _streamed(call, fault, response)
        case "cut-json":
            response.set_data(response.get_data()[: len(response.get_data()) // 2])
    return response


def _quietly(call: Call, handler: Handler) -> None:
    """Carry out a call whose client is long gone."""
    try:
        with call.world.lock:
            handler(call)
    except ApiError:
        return


def _meddle(call: Call, fault: Fault) -> None:
    with call.world.lock:
        mailbox = call.mailbox
        for message in mailbox.all_messages() if mailbox else []:
            if mailbox.place_of(message) != "inbox":
                continue
            if fault.action == "mark_read":
                mailbox.mark(message, read=True)
            elif fault.action == "delete":
                mailbox.move(message, "trash")
            else:
                mailbox.move(message, "junk")


def _streamed(call: Call, fault: Fault, response: Response) -> Response:
    data = response.get_data()
    body = _broken_off(data) if fault.effect == "truncate" else _dripping(data, fault.seconds)
    headers = [*response.headers.items()]
    streamed = Response(body, status=response.status_code, headers=headers)
    streamed.headers["Content-Length"] = str(len(data))
    return streamed


def _broken_off(data: bytes) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    raise ConnectionDropped


def _dripping(data: bytes, seconds: float) -> Iterator[bytes]:
    pieces = 10
    size = max(1, len(data) // pieces)
    for start in range(0, len(data), size):
        time.sleep(seconds / pieces)
        yield data[start : start + size]

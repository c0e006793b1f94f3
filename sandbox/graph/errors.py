"""Error answers of Microsoft Graph, and how it words what limits and faults bring about.

https://learn.microsoft.com/graph/errors
"""

from collections import deque
from collections.abc import Mapping

from sandbox import ids
from sandbox.calls import ApiError, Call, Dialect, told_to_wait
from sandbox.clock import rfc3339
from sandbox.faults import Fault
from sandbox.http import json_response
from sandbox.world import World

WINDOW_SECONDS = 600
CONTENT_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
_STATUS_CODES = {
    500: ("ErrorInternalServerError", "An internal server error occurred. The operation failed."),
    502: ("UnknownError", ""),
    503: ("ErrorServerBusy", "The server cannot service this request right now. Try again later."),
    504: ("UnknownError", ""),
    509: ("activityLimitReached", "The app or user has been throttled."),
    413: ("RequestEntityTooLarge", "The request is too large."),
}


def graph_error(
    call: Call, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> ApiError:
    """The documented body; clients branch on `code`."""
    request_id = ids.request_id()
    client_request_id = call.request.headers.get("client-request-id", request_id)
    inner = {
        "date": rfc3339(call.now).removesuffix("Z"),
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    answer_headers = {"request-id": request_id, "client-request-id": client_request_id, **(headers or {})}
    return ApiError(json_response(body, status, content_type=CONTENT_TYPE, headers=answer_headers))


def bad_request(call: Call, message: str, code: str = "BadRequest") -> ApiError:
    return graph_error(call, 400, code, message)


def not_found(call: Call) -> ApiError:
    message = "The specified object was not found in the store."
    return graph_error(call, 404, "ErrorItemNotFound", message)


def access_denied(call: Call) -> ApiError:
    message = "Access is denied. Check credentials and try again."
    return graph_error(call, 403, "ErrorAccessDenied", message)


def invalid_token(call: Call, message: str) -> ApiError:
    challenge = {"WWW-Authenticate": 'Bearer realm="", authorization_uri="", client_id=""'}
    return graph_error(call, 401, "InvalidAuthenticationToken", message, challenge)


class GraphDialect(Dialect):
    """Faults and limits of Graph. A fault's `code` and `message` replace the usual ones."""

    def concurrency(self, world: World) -> int | None:
        return world.limits.graph_concurrency

    def too_many_at_once(self, call: Call) -> ApiError:
        told_to_wait(call.mailbox, call.now + 1)
        message = "Application is over its MailboxConcurrency limit."
        return graph_error(call, 429, "ApplicationThrottled", message, {"Retry-After": "1"})

    def throttled(self, call: Call, wait_seconds: float, message: str | None = None) -> ApiError:
        headers = {"Retry-After": str(max(1, round(wait_seconds)))}
        text = message or "The app or user has been throttled. Please retry after the time given."
        return graph_error(call, 429, "TooManyRequests", text, headers)

    def rate_limit_403(self, call: Call, code: str | None, message: str | None) -> ApiError:
        return graph_error(call, 403, code or "ErrorExceededMessageLimit", message or "Limit exceeded.")

    def unauthorized(self, call: Call) -> ApiError:
        return invalid_token(call, "Access token has expired or is not yet valid.")

    def failure(self, call: Call, fault: Fault) -> ApiError:
        code, message = _STATUS_CODES.get(fault.status, ("UnknownError", ""))
        headers = {} if fault.retry_after is None else {"Retry-After": str(round(fault.retry_after))}
        text = message if fault.message is None else fault.message
        return graph_error(call, fault.status, fault.code or code, text, headers)

    def charge(self, call: Call) -> None:
        limit = call.world.limits.graph_requests
        if limit is None:
            return
        recent: deque[float] = call.mailbox.usage.calls
        while recent and recent[0] <= call.now - WINDOW_SECONDS:
            recent.popleft()
        if len(recent) >= limit:
            wait = recent[0] + WINDOW_SECONDS - call.now if recent else WINDOW_SECONDS
            told_to_wait(call.mailbox, call.now + wait)
            raise self.throttled(call, wait)
        recent.append(call.now)

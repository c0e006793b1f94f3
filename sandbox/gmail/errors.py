"""Error answers of the Gmail API, its quota units, and how it words limits and faults.

https://developers.google.com/workspace/gmail/api/guides/handle-errors
"""

from typing import Any

from sandbox.calls import ApiError, Call, Dialect, told_to_wait
from sandbox.clock import rfc3339
from sandbox.faults import Fault
from sandbox.http import json_response
from sandbox.world import World

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FAULTS = {
    500: ("backendError", "Backend Error"),
    502: ("backendError", "Backend Error"),
    503: ("backendError", "Backend Error"),
    504: ("backendError", "Backend Error"),
}
_LIMITS_403 = {
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "rateLimitExceeded": "Rate Limit Exceeded",
    "dailyLimitExceeded": "Daily Limit Exceeded",
}

# Units of one call: (tables of 2026, those before).
COSTS: dict[str, tuple[int, int]] = {
    "gmail.getProfile": (1, 1),
    "gmail.labels.list": (1, 1),
    "gmail.labels.get": (1, 1),
    "gmail.labels.create": (5, 5),
    "gmail.labels.delete": (5, 5),
    "gmail.history.list": (2, 2),
    "gmail.messages.list": (5, 5),
    "gmail.messages.modify": (5, 5),
    "gmail.messages.untrash": (5, 5),
    "gmail.messages.delete": (10, 10),
    "gmail.messages.get": (20, 5),
    "gmail.messages.trash": (20, 5),
    "gmail.messages.insert": (25, 25),
    "gmail.attachments.get": (20, 5),
    "gmail.messages.batchModify": (50, 50),
    "gmail.messages.batchDelete": (50, 50),
    "gmail.messages.send": (100, 100),
    "gmail.drafts.send": (100, 100),
    "gmail.drafts.create": (10, 10),
    "gmail.drafts.update": (15, 15),
    "gmail.drafts.delete": (10, 10),
    "gmail.drafts.get": (20, 5),
    "gmail.drafts.list": (5, 5),
}


def gmail_error(
    status: int,
    reason: str,
    message: str,
    *,
    text: str | None = None,
    name: str | None = None,
    domain: str = "global",
    extra: dict[str, Any] | None = None,
    details: list[dict[str, Any]] | None = None,
) -> ApiError:
    """`reason` is what clients branch on; `text` replaces the message inside `errors`."""
    entry = {"message": text or message, "domain": domain, "reason": reason, **(extra or {})}
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [entry],
        "status": name or _STATUS.get(status, "UNKNOWN"),
    }
    if details:
        error["details"] = details
    return ApiError(json_response({"error": error}, status, content_type="application/json; charset=UTF-8"))


def bad_request(message: str, reason: str = "invalidArgument") -> ApiError:
    return gmail_error(400, reason, message)


def not_found() -> ApiError:
    return gmail_error(404, "notFound", "Requested entity was not found.")


def precondition_failed(message: str = "Precondition check failed.") -> ApiError:
    return gmail_error(400, "failedPrecondition", message, name="FAILED_PRECONDITION")


def unauthenticated() -> ApiError:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential."
    )
    extra = {"location": "Authorization", "locationType": "header"}
    error = gmail_error(401, "authError", message, text="Invalid Credentials", extra=extra)
    error.response.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/"'
    return error


def scope_missing(call: Call) -> ApiError:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": "gmail.googleapis.com", "method": call.name},
        }
    ]
    return gmail_error(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        text="Insufficient Permission",
        details=details,
    )


class GmailDialect(Dialect):
    """Faults and limits of Gmail. A fault's `code` is the reason, its `message` the message."""

    def concurrency(self, world: World) -> int | None:
        return world.limits.gmail_concurrency

    def too_many_at_once(self, call: Call) -> ApiError:
        return gmail_error(429, "rateLimitExceeded", "Too many concurrent requests for user")

    def throttled(self, call: Call, wait_seconds: float, message: str | None = None) -> ApiError:
        until = rfc3339(call.now + wait_seconds).replace("Z", ".000Z")
        text = message or f"User-rate limit exceeded.  Retry after {until}"
        error = gmail_error(429, "rateLimitExceeded", text, domain="usageLimits")
        error.response.headers["Retry-After"] = str(max(1, round(wait_seconds)))
        return error

    def rate_limit_403(self, call: Call, code: str | None, message: str | None) -> ApiError:
        reason = code or "userRateLimitExceeded"
        text = message or _LIMITS_403.get(reason, "Rate Limit Exceeded")
        return gmail_error(403, reason, text, domain="usageLimits")

    def unauthorized(self, call: Call) -> ApiError:
        return unauthenticated()

    def failure(self, call: Call, fault: Fault) -> ApiError:
        reason, message = _FAULTS.get(fault.status, ("badRequest", "Bad Request"))
        error = gmail_error(fault.status, fault.code or reason, fault.message or message)
        if fault.retry_after is not None:
            error.response.headers["Retry-After"] = str(round(fault.retry_after))
        return error

    def charge(self, call: Call) -> None:
        """A bucket of one minute's units for each user, refilled evenly."""
        new, old = COSTS.get(call.name, (5, 5))
        limits = call.world.limits
        cost = new if limits.gmail_costs == "2026" else old
        usage = call.mailbox.usage
        usage.units_spent += cost
        rate = limits.gmail_units_per_minute
        if rate is None:
            return
        left = rate if usage.units_left is None else usage.units_left
        left = min(rate, left + (call.now - usage.units_at) * rate / 60)
        usage.units_at = call.now
        if left < cost:
            usage.units_left = left
            wait = (cost - left) * 60 / rate
            told_to_wait(call.mailbox, call.now + wait)
            # The header is not to be relied on here; the message says until when.
            error = self.throttled(call, wait + 1)
            del error.response.headers["Retry-After"]
            raise error
        usage.units_left = left - cost

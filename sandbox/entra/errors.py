"""Error answers of the Entra token endpoint.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from dataclasses import dataclass

from werkzeug.wrappers import Response

from sandbox import ids
from sandbox.calls import ApiError, Call, Dialect
from sandbox.clock import rfc3339
from sandbox.faults import Fault
from sandbox.http import json_response
from sandbox.world import World


@dataclass(frozen=True)
class Kind:
    """`error` is what clients branch on; the number only helps people."""

    error: str
    status: int
    text: str


KINDS: dict[int, Kind] = {
    900144: Kind(
        "invalid_request", 400, "The request body must contain the following parameter: '{detail}'."
    ),
    90002: Kind(
        "invalid_request",
        400,
        "Tenant '{detail}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud. Check with your subscription administrator, this may happen if there are "
        "no active subscriptions for the tenant.",
    ),
    900023: Kind(
        "invalid_request",
        400,
        "Specified tenant identifier '{detail}' is neither a valid DNS name, nor a valid external domain.",
    ),
    9001023: Kind(
        "invalid_request",
        400,
        "The grant type is not supported over the /common or /consumers endpoints. Please use the "
        "/organizations or tenant-specific endpoint.",
    ),
    70003: Kind("unsupported_grant_type", 400, "The app requested an unsupported grant type '{detail}'."),
    700016: Kind(
        "unauthorized_client",
        400,
        "Application with identifier '{detail}' was not found in the directory '{tenant}'. This can happen "
        "if the application has not been installed by the administrator of the tenant or consented to by "
        "any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    7000112: Kind("unauthorized_client", 400, "Application '{detail}' is disabled."),
    7000215: Kind(
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        "value, not the client secret ID, for a secret added to app '{detail}'.",
    ),
    7000222: Kind(
        "invalid_client",
        401,
        "The provided client secret keys for app '{detail}' are expired. Visit the Azure portal to create "
        "new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials "
        "for added security: https://aka.ms/certCreds.",
    ),
    7000218: Kind(
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    700027: Kind(
        "invalid_client",
        401,
        "The certificate with identifier used to sign the client assertion is not registered on "
        "application. [Reason - {detail}]",
    ),
    700024: Kind(
        "invalid_client",
        401,
        "Client assertion is not within its valid time range. Current time: {detail}.",
    ),
    50013: Kind("invalid_grant", 400, "Assertion failed signature validation. [Reason - {detail}]"),
    70011: Kind(
        "invalid_scope",
        400,
        "The provided request must include a 'scope' input parameter. The provided value for the input "
        "parameter 'scope' is not valid. The scope {detail} is not valid.",
    ),
    1002012: Kind(
        "invalid_scope",
        400,
        "The provided value for scope {detail} is not valid. Client credential flows must have a scope "
        "value with /.default suffixed to the resource identifier (application ID URI).",
    ),
    500011: Kind(
        "invalid_resource",
        400,
        "The resource principal named {detail} was not found in the tenant named {tenant}.",
    ),
    53003: Kind(
        "access_denied",
        400,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token "
        "issuance.",
    ),
    90055: Kind("temporarily_unavailable", 429, "The tenant is throttled: too many requests."),
    90033: Kind("temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
}


def token_error(world: World, number: int, *, detail: str = "", tenant: str = "") -> ApiError:
    """The documented body for an AADSTS number; the number of a fault may be any."""
    kind = KINDS.get(number, Kind("invalid_request", 400, "{detail}"))
    return ApiError(_answer(world, number, kind, kind.text.format(detail=detail, tenant=tenant)))


def _answer(world: World, number: int, kind: Kind, text: str) -> Response:
    trace, correlation = ids.request_id(), ids.request_id()
    stamp = rfc3339(world.clock.now()).replace("T", " ")
    description = (
        (f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}")
        .replace(" Trace ID", "\r\nTrace ID")
        .replace(" Correlation ID", "\r\nCorrelation ID")
    )
    body = {
        "error": kind.error,
        "error_description": description.replace(" Timestamp:", "\r\nTimestamp:"),
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return json_response(body, kind.status, headers={"x-ms-request-id": trace, "Cache-Control": "no-store"})


class EntraDialect(Dialect):
    """Faults of the token endpoint. A fault's `code` may name an AADSTS number."""

    def concurrency(self, world: World) -> int | None:
        return None

    def too_many_at_once(self, call: Call) -> ApiError:
        return self.throttled(call, 10)

    def throttled(self, call: Call, wait_seconds: float, message: str | None = None) -> ApiError:
        error = token_error(call.world, 90055)
        error.response.headers["Retry-After"] = str(round(wait_seconds))
        return error

    def rate_limit_403(self, call: Call, code: str | None, message: str | None) -> ApiError:
        return self.throttled(call, 10)

    def unauthorized(self, call: Call) -> ApiError:
        return token_error(call.world, 7000215, detail="sandbox")

    def failure(self, call: Call, fault: Fault) -> ApiError:
        number = int(fault.code) if fault.code and fault.code.isdigit() else 90033
        error = token_error(call.world, number, detail=fault.message or "sandbox")
        if number not in KINDS or fault.code is None:
            error.response.status_code = fault.status
        if fault.retry_after is not None:
            error.response.headers["Retry-After"] = str(round(fault.retry_after))
        return error

    def charge(self, call: Call) -> None:
        return

"""Google's token endpoint for a service account that impersonates a mailbox (RFC 7523).

https://developers.google.com/identity/protocols/oauth2/service-account
"""

import secrets
from typing import Any

import jwt
from werkzeug.wrappers import Request, Response

from sandbox.calls import ApiError, Call, Dialect
from sandbox.directory import GoogleGrant, GoogleServiceAccount
from sandbox.execution import execute
from sandbox.faults import Fault
from sandbox.gmail.mailbox import GmailMailbox
from sandbox.http import json_response, origin
from sandbox.world import World

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
_NOT_SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
_UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any "
    "of the scopes requested."
)
# How far clocks may differ, and how much longer than an hour an assertion may live, in seconds.
_SKEW = 300


def respond(world: World, request: Request) -> Response:
    if request.method != "POST":
        return _error(405, "invalid_request", "Only POST is supported.").response
    return execute(Call("google.token", request, world), GoogleDialect(), _give_token)


def _error(status: int, error: str, description: str) -> ApiError:
    body = {"error": error, "error_description": description}
    return ApiError(json_response(body, status, headers={"Cache-Control": "no-store"}))


class GoogleDialect(Dialect):
    """Faults of the token endpoint. A fault's `code` is the `error`, its `message` the description."""

    def concurrency(self, world: World) -> int | None:
        return None

    def too_many_at_once(self, call: Call) -> ApiError:
        return self.throttled(call, 10)

    def throttled(self, call: Call, wait_seconds: float, message: str | None = None) -> ApiError:
        error = _error(429, "rate_limit_exceeded", message or "Too many requests.")
        error.response.headers["Retry-After"] = str(round(wait_seconds))
        return error

    def rate_limit_403(self, call: Call, code: str | None, message: str | None) -> ApiError:
        return _error(403, code or "rate_limit_exceeded", message or "Rate Limit Exceeded")

    def unauthorized(self, call: Call) -> ApiError:
        return _error(401, "unauthorized_client", _UNAUTHORIZED)

    def failure(self, call: Call, fault: Fault) -> ApiError:
        return _error(fault.status, fault.code or "internal_failure", fault.message or "Backend Error")

    def charge(self, call: Call) -> None:
        return


def _give_token(call: Call) -> Response:
    form = call.request.form
    if form.get("grant_type") != GRANT_TYPE:
        raise _error(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    if not form.get("assertion"):
        raise _error(400, "invalid_request", "Missing required parameter: assertion")
    account, claims = _verify(call, form["assertion"])
    scopes = _scopes(claims)
    subject = str(claims.get("sub") or "").lower()
    if subject and subject != account.client_email.lower():
        _check_delegation(call, account, subject, scopes)
    else:
        subject = ""
    return _issue(call, account, subject, scopes)


def _verify(call: Call, assertion: str) -> tuple[GoogleServiceAccount, dict[str, Any]]:
    """The account that signed the assertion, and its claims, checked."""
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise _error(400, "invalid_grant", "Invalid JWT: Failed to parse the assertion.") from None
    account = call.world.service_accounts.get(str(claims.get("iss", "")).lower())
    if account is None:
        raise _error(400, "invalid_grant", "Invalid grant: account not found")
    if not _is_signed(assertion, header, account):
        raise _error(400, "invalid_grant", "Invalid JWT Signature.")
    if claims.get("aud") not in (GOOGLE_AUDIENCE, origin(call.request) + call.request.path):
        raise _error(400, "invalid_grant", "Invalid JWT: Failed audience check.")
    _check_times(call, claims)
    return account, claims


def _is_signed(assertion: str, header: dict[str, Any], account: GoogleServiceAccount) -> bool:
    keys = account.public_keys
    named = keys.get(str(header.get("kid", "")))
    for key in [named] if named else keys.values():
        try:
            jwt.decode(
                assertion,
                key,
                algorithms=["RS256"],
                options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            continue
        return True
    return False


def _check_times(call: Call, claims: dict[str, Any]) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise _error(400, "invalid_grant", _NOT_SHORT_LIVED)
    in_time = issued - _SKEW <= call.now <= expires + _SKEW
    if not in_time or expires < issued or expires - issued > 3600 + _SKEW:
        raise _error(400, "invalid_grant", _NOT_SHORT_LIVED)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    scopes = frozenset(str(claims.get("scope", "")).split())
    if not scopes or any("," in scope or not scope.startswith("https://") for scope in scopes):
        raise _error(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return scopes


def _check_delegation(
    call: Call, account: GoogleServiceAccount, subject: str, scopes: frozenset[str]
) -> None:
    granted = account.delegations.get(subject.rpartition("@")[2])
    if granted is None:
        raise _error(401, "unauthorized_client", "Unauthorized client or scope in request.")
    mailbox = call.world.mailboxes.get(subject)
    # An alias or a suspended user is no subject either.
    if not isinstance(mailbox, GmailMailbox) or mailbox.email.lower() != subject or mailbox.suspended:
        raise _error(400, "invalid_grant", "Invalid email or User ID")
    if not scopes <= granted:
        raise _error(401, "unauthorized_client", _UNAUTHORIZED)


def _issue(call: Call, account: GoogleServiceAccount, subject: str, scopes: frozenset[str]) -> Response:
    lifetime = call.world.limits.google_token_seconds
    token = f"ya29.c.{secrets.token_urlsafe(48)}"
    call.world.google_grants[token] = GoogleGrant(account.client_email, subject, scopes, call.now + lifetime)
    return json_response(
        {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"},
        headers={"Cache-Control": "no-store"},
    )

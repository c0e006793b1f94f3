"""What Google's token endpoint and the Gmail API refuse with, as errors of the tree.

https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
https://developers.google.com/workspace/gmail/api/guides/handle-errors
"""

from __future__ import annotations

from datetime import datetime, timedelta

from providers.answers import ErrorClass, Refusal, as_mapping, as_rows, class_for_status
from providers.clock import parse_retry_in_text
from providers.errors import (
    CredentialRefused,
    MailboxUnavailable,
    MessageRejected,
    NotFound,
    PermissionDenied,
    ProviderError,
    Throttled,
    TokenRefused,
    Unavailable,
)
from providers.session import Answer

PROVIDER = "google"
# Waits where Google names no time: quotas are per minute, the sending limit and the project's are per day.
QUOTA_WAIT = timedelta(seconds=60)
CONCURRENCY_WAIT = timedelta(seconds=5)
DAILY_LIMIT_WAIT = timedelta(hours=1)

_TOKEN_CLASSES: dict[str, ErrorClass] = {
    "unauthorized_client": PermissionDenied,
    "access_denied": PermissionDenied,
    "admin_policy_enforced": PermissionDenied,
    "invalid_scope": PermissionDenied,
    "internal_failure": Unavailable,
    "rate_limit_exceeded": Throttled,
}
_REASON_CLASSES: dict[str, ErrorClass] = {
    "authError": TokenRefused,
    "failedPrecondition": MailboxUnavailable,
    "insufficientPermissions": PermissionDenied,
    "accessNotConfigured": PermissionDenied,
    "forbidden": PermissionDenied,
    "domainPolicy": PermissionDenied,
    "dailyLimitExceeded": Throttled,
    "rateLimitExceeded": Throttled,
    "userRateLimitExceeded": Throttled,
    "quotaExceeded": Throttled,
    "notFound": NotFound,
    "badRequest": MessageRejected,
    "invalidArgument": MessageRejected,
    "backendError": Unavailable,
}


def gmail_error(answer: Answer, now: datetime) -> ProviderError:
    """The error of a Gmail answer: by `errors[0].reason` first, since a 403 may be rate limiting."""
    body = as_mapping(answer.fields().get("error"))
    first = next(iter(as_rows(body.get("errors"))), {})
    reason, message = str(first.get("reason") or ""), str(body.get("message") or "")
    refusal = Refusal(PROVIDER, str(body.get("status") or reason), message, reason=reason)
    kind = Throttled if answer.status == 429 else _REASON_CLASSES.get(reason, class_for_status(answer.status))
    return refusal.to_error(
        kind, answer, now, wait=_wait_for(reason, message), retry_at=parse_retry_in_text(message, now)
    )


def token_error(answer: Answer, now: datetime) -> ProviderError:
    """The error of a token answer. One `invalid_grant` needs us, another them: only the text tells."""
    body = answer.fields()
    error, description = str(body.get("error") or ""), str(body.get("error_description") or "")
    refusal = Refusal(PROVIDER, error, description or error)
    return refusal.to_error(_token_class(error, description, answer.status), answer, now)


def _token_class(error: str, description: str, status: int) -> ErrorClass:
    if error == "invalid_grant":
        is_about_user = "email or user id" in description.lower()
        return MailboxUnavailable if is_about_user else CredentialRefused
    if error in _TOKEN_CLASSES:
        return _TOKEN_CLASSES[error]
    if status == 429:
        return Throttled
    return Unavailable if status >= 500 or status < 400 else CredentialRefused


def _wait_for(reason: str, message: str) -> timedelta:
    if reason == "dailyLimitExceeded" or "Mail sending" in message:
        return DAILY_LIMIT_WAIT
    if "concurrent requests" in message:
        return CONCURRENCY_WAIT
    return QUOTA_WAIT

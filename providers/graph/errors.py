"""What Entra ID and Microsoft Graph refuse with, as errors of the tree.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
https://learn.microsoft.com/graph/errors
"""

from __future__ import annotations

from datetime import datetime, timedelta

from providers.answers import ErrorClass, Refusal, as_mapping, class_for_status
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

PROVIDER = "microsoft"
# "Daily Message/Recipient limit exceeded": nothing will change within the hour.
DAILY_LIMIT_WAIT = timedelta(hours=1)

_GRAPH_CLASSES: dict[str, ErrorClass] = {
    "InvalidAuthenticationToken": TokenRefused,
    "NoPermissionsInAccessToken": PermissionDenied,
    "ErrorAccessDenied": PermissionDenied,
    "AccessDenied": PermissionDenied,
    "Authorization_RequestDenied": PermissionDenied,
    "ErrorSendAsDenied": PermissionDenied,
    "ErrorInvalidUser": MailboxUnavailable,
    "Request_ResourceNotFound": MailboxUnavailable,
    "ResourceNotFound": MailboxUnavailable,
    "MailboxNotEnabledForRESTAPI": MailboxUnavailable,
    "MailboxNotFound": MailboxUnavailable,
    "ErrorNonExistentMailbox": MailboxUnavailable,
    "ErrorMailboxMoveInProgress": Unavailable,
    "ErrorMailboxStoreUnavailable": Unavailable,
    "ErrorQuotaExceeded": MailboxUnavailable,
    "ErrorItemNotFound": NotFound,
    "ErrorExceededMessageLimit": Throttled,
    "ApplicationThrottled": Throttled,
    "TooManyRequests": Throttled,
    "activityLimitReached": Throttled,
    "ErrorMessageSizeExceeded": MessageRejected,
    "RequestEntityTooLarge": MessageRejected,
}

_ENTRA_CLASSES: dict[str, ErrorClass] = {
    "temporarily_unavailable": Unavailable,
    "server_error": Unavailable,
}
# Faults of the service and its throttle, whatever `error` says beside them.
_ENTRA_CODES: dict[str, ErrorClass] = {
    "AADSTS90055": Throttled,
    **dict.fromkeys(("AADSTS90006", "AADSTS90012", "AADSTS90024", "AADSTS90033", "AADSTS90090"), Unavailable),
}


def graph_error(answer: Answer, now: datetime) -> ProviderError:
    """The error of a Graph answer: by `error.code`, an unknown one by its HTTP status."""
    body = as_mapping(answer.fields().get("error"))
    code = str(body.get("code") or "")
    inner = as_mapping(body.get("innerError") or body.get("innererror"))
    refusal = Refusal(
        PROVIDER, code, str(body.get("message") or ""), request_id=str(inner.get("request-id") or "")
    )
    # Whatever its code, a 429 means wait.
    kind = Throttled if answer.status == 429 else _GRAPH_CLASSES.get(code, class_for_status(answer.status))
    wait = DAILY_LIMIT_WAIT if code == "ErrorExceededMessageLimit" else timedelta(seconds=30)
    return refusal.to_error(kind, answer, now, wait=wait)


def entra_error(answer: Answer, now: datetime) -> ProviderError:
    """The error of a token answer: behaviour by `error`, the help entry by the AADSTS number."""
    body = answer.fields()
    error, description = str(body.get("error") or ""), str(body.get("error_description") or "")
    numbers = body.get("error_codes")
    code = f"AADSTS{numbers[0]}" if isinstance(numbers, list) and numbers else _code_in(description)
    sentence = description.partition("Trace ID:")[0].strip()
    refusal = Refusal(PROVIDER, code or error, sentence or error, request_id=str(body.get("trace_id") or ""))
    return refusal.to_error(_entra_class(error, code, answer.status), answer, now)


def _entra_class(error: str, code: str, status: int) -> ErrorClass:
    known = _ENTRA_CODES.get(code) or _ENTRA_CLASSES.get(error)
    if known:
        return known
    if status == 429:
        return Throttled
    if status >= 500 or status < 400:
        return Unavailable
    # Every other refusal of a client-credentials request is about the key: tenant, app, secret or policy.
    return CredentialRefused


def _code_in(description: str) -> str:
    head = description.partition(":")[0].strip()
    return head if head.startswith("AADSTS") and head[6:].isdigit() else ""

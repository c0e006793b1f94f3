"""Answers of both vendors, as errors of the one tree."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from providers.clock import parse_retry_after, parse_retry_in_text
from providers.errors import (
    CredentialRefused,
    MailboxUnavailable,
    MessageRejected,
    NotFound,
    PermissionDenied,
    Throttled,
    TokenRefused,
    Unavailable,
)
from providers.gmail.errors import gmail_error, token_error
from providers.graph.errors import entra_error, graph_error
from providers.session import Answer, header_map

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def answer(status: int, body: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, header_map(named), json.dumps(body).encode(), "from-header")


def graph(status: int, code: str, message: str = "said", **headers: str):
    inner = {"request-id": "req-1"}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return graph_error(answer(status, body, **headers), NOW)


def entra(status: int, error: str, number: int, text: str = "said", **headers: str):
    description = f"AADSTS{number}: {text}\r\nTrace ID: trace-1\r\nCorrelation ID: c"
    body = {"error": error, "error_description": description, "error_codes": [number], "trace_id": "trace-1"}
    return entra_error(answer(status, body, **headers), NOW)


def gmail(status: int, reason: str, message: str = "said", **headers: str):
    body = {"error": {"code": status, "message": message, "errors": [{"reason": reason, "domain": "global"}]}}
    return gmail_error(answer(status, body, **headers), NOW)


def google_token(status: int, error: str, description: str = ""):
    return token_error(answer(status, {"error": error, "error_description": description}), NOW)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "InvalidAuthenticationToken", TokenRefused),
        (401, "NoPermissionsInAccessToken", PermissionDenied),
        (403, "ErrorAccessDenied", PermissionDenied),
        (403, "Authorization_RequestDenied", PermissionDenied),
        (403, "ErrorSendAsDenied", PermissionDenied),
        (404, "ErrorInvalidUser", MailboxUnavailable),
        (404, "Request_ResourceNotFound", MailboxUnavailable),
        (404, "ResourceNotFound", MailboxUnavailable),
        (404, "MailboxNotEnabledForRESTAPI", MailboxUnavailable),
        (404, "ErrorItemNotFound", NotFound),
        (400, "ErrorInvalidRecipients", MessageRejected),
        (400, "InvalidInternetMessageHeader", MessageRejected),
        (400, "ErrorMimeContentInvalidBase64String", MessageRejected),
        (400, "ErrorExceededMessageLimit", Throttled),
        (403, "ErrorExceededMessageLimit", Throttled),
        (403, "ErrorQuotaExceeded", MailboxUnavailable),
        (413, "ErrorMessageSizeExceeded", MessageRejected),
        (429, "ApplicationThrottled", Throttled),
        (429, "activityLimitReached", Throttled),
        (429, "SomethingNew", Throttled),
        (503, "ErrorServerBusy", Unavailable),
        (500, "UnknownError", Unavailable),
        (400, "SomethingNew", MessageRejected),
        (401, "SomethingNew", TokenRefused),
        (403, "SomethingNew", PermissionDenied),
        (404, "SomethingNew", NotFound),
        (413, "", MessageRejected),
        (502, "", Unavailable),
    ],
)
def test_a_graph_error_is_told_by_its_code_else_by_its_status(status, code, kind):
    error = graph(status, code)
    assert type(error) is kind
    assert (error.code, error.status, error.request_id) == (code, status, "req-1")
    assert error.help.cause
    assert error.help.fix


@pytest.mark.parametrize(
    ("status", "error", "number", "kind"),
    [
        (400, "unauthorized_client", 700016, CredentialRefused),
        (401, "invalid_client", 7000215, CredentialRefused),
        (401, "invalid_client", 7000222, CredentialRefused),
        (401, "invalid_client", 700024, CredentialRefused),
        (401, "invalid_client", 700027, CredentialRefused),
        (400, "invalid_request", 90002, CredentialRefused),
        (400, "access_denied", 53003, CredentialRefused),
        (400, "", 90055, Throttled),
        (429, "invalid_client", 7000215, Throttled),
        (400, "temporarily_unavailable", 90033, Unavailable),
        (503, "", 12345, Unavailable),
        (400, "brand_new", 999999, CredentialRefused),
    ],
)
def test_an_entra_error_keeps_its_number_and_trace(status, error, number, kind):
    found = entra(status, error, number)
    assert type(found) is kind
    assert (found.code, found.request_id) == (f"AADSTS{number}", "trace-1")
    assert "Trace ID" not in found.message


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind", "code"),
    [
        (401, "authError", "Invalid Credentials", TokenRefused, "authError"),
        (
            403,
            "insufficientPermissions",
            "Insufficient Permission",
            PermissionDenied,
            "insufficientPermissions",
        ),
        (403, "accessNotConfigured", "Gmail API has not been used", PermissionDenied, "accessNotConfigured"),
        (403, "forbidden", "Delegation denied for x", PermissionDenied, "delegation-denied"),
        (403, "domainPolicy", "disabled", PermissionDenied, "domainPolicy"),
        (403, "dailyLimitExceeded", "Daily Limit Exceeded", Throttled, "dailyLimitExceeded"),
        (403, "rateLimitExceeded", "Rate Limit Exceeded", Throttled, "rateLimitExceeded"),
        (403, "userRateLimitExceeded", "User Rate Limit Exceeded", Throttled, "rateLimitExceeded"),
        (
            400,
            "failedPrecondition",
            "Mail service not enabled",
            MailboxUnavailable,
            "mail-service-not-enabled",
        ),
        (400, "failedPrecondition", "Precondition check failed.", MailboxUnavailable, "failedPrecondition"),
        (400, "invalidArgument", "Recipient address required", MessageRejected, "recipient-required"),
        (404, "notFound", "Requested entity was not found.", NotFound, "http-404"),
        (413, "uploadTooLarge", "too large", MessageRejected, "message-too-large"),
        (429, "rateLimitExceeded", "(Mail sending)", Throttled, "mail-sending-limit"),
        (503, "backendError", "Backend Error", Unavailable, "http-5xx"),
        (403, "brandNew", "?", PermissionDenied, "http-403"),
    ],
)
def test_a_gmail_error_is_told_by_its_reason_first(status, reason, message, kind, code):
    error = gmail(status, reason, message)
    assert type(error) is kind
    assert (error.code, error.help.code) == (reason, code)


@pytest.mark.parametrize(
    ("status", "error", "text", "kind", "code"),
    [
        (400, "invalid_grant", "Invalid JWT Signature.", CredentialRefused, "invalid-jwt-signature"),
        (
            400,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token",
            CredentialRefused,
            "invalid-jwt-time",
        ),
        (
            400,
            "invalid_grant",
            "Invalid JWT: Failed audience check.",
            CredentialRefused,
            "invalid-jwt-audience",
        ),
        (400, "invalid_grant", "Invalid grant: account not found", CredentialRefused, "account-not-found"),
        (400, "invalid_grant", "Not a valid email or user ID.", MailboxUnavailable, "user-not-found"),
        (400, "invalid_grant", "Invalid email or User ID", MailboxUnavailable, "user-not-found"),
        (400, "invalid_grant", "Bad Request", CredentialRefused, "invalid_grant"),
        (401, "unauthorized_client", "Client is unauthorized to …", PermissionDenied, "unauthorized_client"),
        (403, "access_denied", "", PermissionDenied, "access_denied"),
        (400, "admin_policy_enforced", "", PermissionDenied, "access_denied"),
        (400, "invalid_scope", "", PermissionDenied, "invalid_scope"),
        (401, "deleted_client", "", CredentialRefused, "invalid_client"),
        (500, "internal_failure", "Backend Error", Unavailable, "http-5xx"),
        (429, "", "", Throttled, "http-429"),
    ],
)
def test_a_google_token_error_names_the_one_who_can_mend_it(status, error, text, kind, code):
    found = google_token(status, error, text)
    assert type(found) is kind
    assert found.help.code == code


class TestWaits:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("30", 30),
            ("0", 1),
            ("-5", 1),
            ("1.5", 1.5),
            ("9999999999", 86_400),
            ("Fri, 20 Nov 2026 10:02:00 GMT", 120),
            ("Fri, 20 Nov 2020 10:00:00 GMT", 1),
        ],
    )
    def test_retry_after_is_seconds_or_a_date_within_bounds(self, value, seconds):
        assert parse_retry_after(value, NOW) == NOW + timedelta(seconds=seconds)

    @pytest.mark.parametrize("value", ["", "soon", "nan", "1e999x", "\x00"])
    def test_what_is_no_time_is_no_time(self, value):
        assert parse_retry_after(value, NOW) is None

    @pytest.mark.parametrize("text", ["", "Retry after", "Retry after ", "Retry after never", "later"])
    def test_a_text_without_a_time_has_none(self, text):
        assert parse_retry_in_text(text, NOW) is None

    def test_a_throttle_without_a_time_still_waits(self):
        assert graph(429, "TooManyRequests").retry_at == NOW + timedelta(seconds=30)
        assert gmail(403, "userRateLimitExceeded").retry_at == NOW + timedelta(seconds=60)
        assert gmail(
            429, "rateLimitExceeded", "Too many concurrent requests for user"
        ).retry_at < NOW + timedelta(seconds=10)
        assert gmail(403, "dailyLimitExceeded").retry_at >= NOW + timedelta(hours=1)

    def test_a_503_keeps_the_time_it_was_given(self):
        assert graph(503, "ErrorServerBusy", Retry_After="120").retry_at == NOW + timedelta(seconds=120)


@pytest.mark.parametrize(
    "body", [None, [], "x", {"error": []}, {"error": {"errors": "x", "code": {}}}, {"error": 5}]
)
@pytest.mark.parametrize("make", [graph_error, entra_error, gmail_error, token_error])
def test_no_answer_is_too_odd_to_be_an_error(make, body):
    assert make(answer(400, body), NOW).message


def test_a_vendors_text_is_shown_in_one_bounded_printable_line():
    error = graph(400, "X", "line\r\nline\x1b[31m" + "y" * 10_000)
    assert "\n" not in error.message
    assert "\x1b" not in error.message
    assert len(error.message) <= 400

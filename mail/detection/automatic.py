"""Tells automatic mail that is no bounce: replies, receipts, list and bulk mail (RFC 3834)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from mail.detection.mime import Headers, open_message
from mail.detection.notices import Notice
from mail.detection.report import Report


class Automatic(StrEnum):
    """Why a mail was not written by a person to us."""

    REPLY = "auto-reply"
    RECEIPT = "receipt"
    REPORT = "delivery-report"
    LIST = "list"
    BULK = "bulk"
    CHALLENGE = "challenge"
    GENERATED = "auto-generated"


class Classified(NamedTuple):
    """The kind of automatic mail, and the field or words that told it."""

    kind: Automatic
    evidence: str


REPLY_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoreply-from",
    "x-autoresponder",
    "x-auto-reply",
    "x-auto-response",
    "x-mail-autoreply",
    "x-vacation",
    "x-ms-exchange-inbox-rules-loop",
    "x-yahoo-autoreply",
    "x-amazon-auto-reply",
)
PRECEDENCES = {
    "auto_reply": Automatic.REPLY,
    "auto-reply": Automatic.REPLY,
    "autoreply": Automatic.REPLY,
    "bulk": Automatic.BULK,
    "junk": Automatic.BULK,
    "list": Automatic.LIST,
}
SUBJECT_KINDS = {
    Notice.REPLY: Automatic.REPLY,
    Notice.RECEIPT: Automatic.RECEIPT,
    Notice.CHALLENGE: Automatic.CHALLENGE,
}


def classify_automatic(raw: bytes) -> Classified | None:
    """Why `raw` is automatic mail, None where a person seems to have written it.

    Never raises. Field order follows RFC 3834 section 2 and 5, RFC 8098 and RFC 2369.
    """
    try:
        return classify(Report(open_message(raw)))
    except Exception:
        return None


def classify(report: Report) -> Classified | None:
    """Why an opened mail is automatic."""
    headers = report.headers
    if report.is_disposition or report.report_type == "disposition-notification":
        return Classified(Automatic.RECEIPT, "disposition-notification")
    if report.is_report_type or report.status_parts:
        return Classified(Automatic.REPORT, "multipart/report")
    if "x-failed-recipients" in headers:
        return Classified(Automatic.REPORT, "X-Failed-Recipients")
    return by_fields(headers, report) or by_subject(report)


def by_fields(headers: Headers, report: Report) -> Classified | None:
    """What the header fields made for it say."""
    for name in REPLY_FIELDS:
        if name in headers and headers[name].lower() != "no":
            return Classified(Automatic.REPLY, name)
    submitted = headers.get("auto-submitted", "no").lower()
    if submitted.startswith("auto-replied"):
        kind = Automatic.REPORT if report.is_from_daemon else Automatic.REPLY
        return Classified(kind, f"Auto-Submitted: {submitted}")
    for name in ("list-id", "list-unsubscribe", "list-post"):
        if name in headers:
            return Classified(Automatic.LIST, name)
    kind_by_precedence = PRECEDENCES.get(headers.get("precedence", "").lower())
    if kind_by_precedence is not None:
        return Classified(kind_by_precedence, f"Precedence: {headers['precedence']}")
    if not submitted.startswith("no"):
        return Classified(Automatic.GENERATED, f"Auto-Submitted: {submitted}")
    if "oof" in headers.get("x-auto-response-suppress", "").lower() and report.is_from_machine:
        return Classified(Automatic.GENERATED, "X-Auto-Response-Suppress")
    return None


def by_subject(report: Report) -> Classified | None:
    """What the subject says."""
    for notice, phrase in report.subject_kinds.items():
        kind = SUBJECT_KINDS.get(notice)
        if kind is not None:
            return Classified(kind, phrase)
    if report.is_from_daemon and not report.subject.startswith("re:"):
        return Classified(Automatic.REPORT, "mailer daemon")
    return None

"""Bounce and complaint notifications that come as JSON in a mail (Amazon SES through SNS).

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mail.detection.addresses import first_address
from mail.detection.building import Finding, build
from mail.detection.judging import Failure, Judgement, judge
from mail.detection.replies import Codes, read_status_field
from mail.detection.report import Report
from mail.detection.text import mend
from mail.detection.verdicts import Bounce, BounceType, CustomPhrase, Verdict

MAX_JSON = 128 * 1024
MAX_RECIPIENTS = 100


def find_notified(report: Report, phrases: Sequence[CustomPhrase]) -> list[Bounce] | None:
    """The bounces of an SES notification; None where the mail is none."""
    event = None if report.is_answer else read_event(report.notice + report.body[1])
    if event is None:
        return None
    kind = str(event.get("notificationType") or event.get("eventType") or "")
    report.returned.setdefault("message-id", original_id(event))
    detail = event.get(kind.lower())
    if not isinstance(detail, dict):
        return []
    if kind == "Bounce":
        return [bounced(report, detail, one, phrases) for one in items(detail, "bouncedRecipients")]
    if kind == "Complaint":
        return [complained(report, detail, one) for one in items(detail, "complainedRecipients")]
    return []


def read_event(text: str) -> dict[str, Any] | None:
    """The notification object in `text`, unwrapped from its SNS envelope."""
    text = text.strip()
    if not text.startswith("{") or ("otificationType" not in text and "eventType" not in text):
        return None
    event: Any = text[: text.rfind("}") + 1][:MAX_JSON]
    for _ in range(3):
        if isinstance(event, dict):
            if "notificationType" in event or "eventType" in event:
                return event
            event = event.get("Message")
        if isinstance(event, str):
            try:
                # Mail systems break long lines; a line break is never part of a JSON string.
                event = json.loads(event.replace("\n", ""), strict=False)
            except (ValueError, RecursionError):
                return None
    return event if isinstance(event, dict) and "notificationType" in event else None


def items(detail: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list field."""
    found = detail.get(name)
    return [one for one in found if isinstance(one, dict)][:MAX_RECIPIENTS] if isinstance(found, list) else []


def original_id(event: dict[str, Any]) -> str:
    """The Message-ID the sender gave, if the notification carries the headers."""
    mail = event.get("mail")
    headers = mail.get("headers") if isinstance(mail, dict) else None
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict) and str(header.get("name", "")).lower() == "message-id":
            return mend(str(header.get("value", "")))
    return ""


def word(value: object) -> str:
    """A class name of a notification, nothing else."""
    text = value if isinstance(value, str) else ""
    return "".join(char for char in text if char.isascii() and (char.isalnum() or char == "-"))[:40]


def bounced(
    report: Report, detail: dict[str, Any], one: dict[str, Any], phrases: Sequence[CustomPhrase]
) -> Bounce:
    """The bounce of one recipient of a notification."""
    diagnostic = mend(str(one.get("diagnosticCode", "")))
    diagnostic = diagnostic.partition(";")[2].strip() or diagnostic
    status = read_status_field(str(one.get("status", "")))
    judgement = judge(Failure(diagnostic, status, tier="ses"), phrases)
    if not judgement.is_decided:
        judgement = by_subtype(detail, judgement.codes)
    return build(
        report,
        judgement,
        Finding(
            final=first_address(str(one.get("emailAddress", ""))),
            diagnostic=diagnostic,
            status=judgement.codes.status,
            reporting_mta=str(detail.get("reportingMTA", "")).partition(";")[2].strip(),
        ),
    )


def by_subtype(detail: dict[str, Any], codes: Codes) -> Judgement:
    """What Amazon's own classes say where the diagnostic says nothing."""
    kind, subtype = word(detail.get("bounceType")), word(detail.get("bounceSubType"))
    gone = kind == "Permanent" and subtype in ("General", "NoEmail", "Suppressed")
    decided = BounceType.HARD if gone else BounceType.INTERNAL if "Content" in subtype else BounceType.SOFT
    return Judgement(Verdict(decided, f"ses.{kind}.{subtype}".lower(), subtype), codes, True)


def complained(report: Report, detail: dict[str, Any], one: dict[str, Any]) -> Bounce:
    """The complaint of one recipient of a notification."""
    kind = word(detail.get("complaintFeedbackType")) or "abuse"
    verdict = Verdict(BounceType.COMPLAINT, "fbl.ses", kind)
    finding = Finding(
        final=first_address(str(one.get("emailAddress", ""))), action="complaint", diagnostic=kind
    )
    return build(report, Judgement(verdict, Codes("", ""), True), finding)

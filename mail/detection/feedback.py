"""Tier one: complaints from feedback loops (RFC 5965) and their half-standard forms."""

from __future__ import annotations

from mail.detection.addresses import addresses_in, first_address
from mail.detection.building import Finding, build
from mail.detection.judging import Judgement
from mail.detection.mime import Headers, parse_header
from mail.detection.replies import Codes
from mail.detection.report import Report
from mail.detection.text import part_bytes
from mail.detection.verdicts import Bounce, BounceType, Verdict

# RFC 5965 section 7.3 and the registry of feedback report types.
COMPLAINTS = frozenset(
    {"abuse", "fraud", "opt-out", "opt-out-list", "virus", "complaint", "other", "unsubscribe", "spam"}
)
NO_COMPLAINTS = frozenset(
    {"not-spam", "auth-failure", "dkim", "dmarc", "miscategorized", "identity-alignment"}
)

# Where feedback loops put the address of the person who complained.
RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "redacted-address")
RETURNED_RECIPIENT_FIELDS = (
    "x-hmxmroriginalrecipient",  # Microsoft's Junk Mail Reporting Program
    "x-original-to",
    "x-rcpt-to",
    "x-envelope-to",
    "envelope-to",
    "delivered-to",
    "to",
)
# Complaint mails without a report part: the words they are known by.
MARKS = (
    "email abuse report for an email message",
    "this is an abuse report for an email",
    "is an email abuse report",
    "opt-out report for an email message",
    "complaint about message from",
    "apple mail sent this email to unsubscribe from the message",
    "this message was marked as spam by the recipient",
    "reported this message as spam",
    "user complaint about your mail",
)
# Subjects of complaint mails that return the message without a word.
SUBJECT_MARKS = (
    "abuse report",
    "abuse complaint",
    "spam report",
    "spam complaint",
    "feedback report",
    "feedback loop",
    "fbl report",
    "complaint report",
    "junk report",
)
# Words in the subject of whatever machine reports a complaint.
SUBJECT_WORDS = ("abuse", "complain", "spam", "junk", "feedback", "fbl", "arf", "unsubscribe")
REPORTERS = (
    "staff@hotmail.com",
    "jmrp",
    "feedbackloop",
    "fbl@",
    "fbl-",
    "-fbl",
    "abuse-report",
    "scomp@",
    "complaint",
    "feedback@",
    "feedback-",
    "abuse@",
    "arf@",
    "spamreport",
    "spam-report",
)


def find_complaints(report: Report) -> list[Bounce] | None:
    """The complaints of a feedback report; empty for reports of other kinds, None where it is no report."""
    is_believed = report.type.startswith("multipart/") or is_from_reporter(report)
    if report.feedback_parts and is_believed:
        return of_report(report, parse_header(part_bytes(report.feedback_parts[0]).strip(b"\n")))
    fields = fields_in_text(report, is_believed)
    if fields:
        return of_report(report, fields)
    return of_words(report)


def fields_in_text(report: Report, is_believed: bool) -> Headers:
    """The fields of a feedback report that was sent as text; of anybody only where nothing precedes them."""
    if report.is_answer and not report.is_report_type:
        return {}
    for part in report.text_parts[:4]:
        text = part.body[:20_000].lstrip()
        at = text.lower().find(b"feedback-type:")
        if at == 0 or (at > 0 and text[at - 1 : at] == b"\n"):
            start = max(text.rfind(b"\n\n", 0, at), 0)
            block = text[start : start + 8000].lstrip(b"\n").partition(b"\n\n")[0]
            if is_believed or start == 0:
                return parse_header(block)
    return {}


def is_from_reporter(report: Report) -> bool:
    """Whether the sender looks like a feedback loop or another machine."""
    sender = report.headers.get("from", "").lower()
    if any(name in sender for name in REPORTERS):
        return True
    if not report.is_from_machine or report.is_answer or report.is_reply or report.is_quoting:
        return False
    return report.is_from_daemon or any(word in report.subject for word in SUBJECT_WORDS)


def of_report(report: Report, fields: Headers) -> list[Bounce]:
    """The complaints of one feedback report."""
    kind = fields.get("feedback-type", "abuse").split(";")[0].strip().lower()
    if kind in NO_COMPLAINTS or kind not in COMPLAINTS:
        return []
    recipients = reported_recipients(report) or [recipient_of(report, fields)]
    rule, evidence = f"fbl.arf.{kind}", f"Feedback-Type: {kind}"
    return [complain(report, recipient, rule, evidence, fields) for recipient in recipients]


def reported_recipients(report: Report) -> list[str]:
    """The recipients of a report whose Original-Rcpt-To field occurs more than once."""
    found: list[str] = []
    for part in report.feedback_parts[:1]:
        for line in part_bytes(part).decode("utf-8", "replace").split("\n", 200):
            if line.lower().startswith("original-rcpt-to:"):
                found.extend(addresses_in(line, 1))
    return list(dict.fromkeys(found)) if len(found) > 1 else []


def of_words(report: Report) -> list[Bounce] | None:
    """The complaint of a mail that only words or its sender tell to be one."""
    hotmail = report.returned.get("x-hmxmroriginalrecipient") or report.headers.get(
        "x-hmxmroriginalrecipient"
    )
    if hotmail:
        return [complain(report, first_address(hotmail), "fbl.jmrp", "X-HmXmrOriginalRecipient", {})]
    if report.status_parts:
        return None
    words = report.notice_words
    mark = next((mark for mark in MARKS if mark in words), None) or next(
        (mark for mark in SUBJECT_MARKS if mark in report.subject), None
    )
    if mark is None:
        return None
    if mark.startswith("apple mail") and report.notice.lower().lstrip().startswith(mark):
        return [complain(report, first_address(report.headers.get("from", "")), "fbl.unsubscribe", mark, {})]
    if not report.returned or not is_from_reporter(report):
        return None
    return [complain(report, recipient_of(report, {}), "fbl.words", mark, {})]


def recipient_of(report: Report, fields: Headers) -> str:
    """Who complained, as far as the report tells."""
    for name in RECIPIENT_FIELDS:
        address = first_address(fields.get(name, ""))
        if address:
            return address
    for name in RETURNED_RECIPIENT_FIELDS:
        found = addresses_in(report.returned.get(name, ""), 2)
        if len(found) == 1:
            return found[0]
    return ""


def complain(report: Report, recipient: str, rule: str, evidence: str, fields: Headers) -> Bounce:
    """One complaint."""
    verdict = Verdict(BounceType.COMPLAINT, rule, evidence)
    finding = Finding(
        original=recipient,
        diagnostic=evidence,
        reporting_mta=fields.get("reporting-mta", "").partition(";")[2].strip(),
        action="complaint",
        common=fields,
    )
    return build(report, Judgement(verdict, Codes("", ""), True), finding)

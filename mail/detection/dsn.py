"""Tier two: standard delivery status notifications (RFC 3464, RFC 6533)."""

from __future__ import annotations

from collections.abc import Sequence

from mail.detection.addresses import addresses_in, field_address
from mail.detection.advice import without_advice
from mail.detection.building import Finding, build, judge_notice, of_ours
from mail.detection.judging import Failure, Judgement, judge
from mail.detection.mime import Headers
from mail.detection.reasons import REASONS
from mail.detection.replies import MAX_DIAGNOSTIC, read_status_field
from mail.detection.report import Report
from mail.detection.sections import Section, find_mentioned, find_sections
from mail.detection.text import decode_bytes, part_bytes
from mail.detection.verdicts import Bounce, BounceType, CustomPhrase, Verdict

MAX_RECIPIENTS = 200
MAX_NOTICE = 4000  # characters of a notice that are searched for the refused command
RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
FAILED_ACTIONS = ("failed", "delayed", "failure", "fail")
# X-PowerMTA-BounceCategory, https://www.bird.com/docs (PowerMTA user guide, bounce categories)
POWERMTA_CATEGORIES = {
    "bad-mailbox": "no-mailbox",
    "bad-domain": "no-domain",
    "inactive-mailbox": "suspended",
    "quota-issues": "full",
    "message-expired": "expired",
    "no-answer-from-host": "network",
    "bad-connection": "network",
    "routing-errors": "network",
    "spam-related": "spam",
    "content-related": "content",
    "virus-related": "virus",
    "policy-related": "policy",
    "relaying-issues": "relaying",
}
OTHER_ACTIONS = ("delivered", "relayed", "expanded", "deliverable", "success")


def find_reported(report: Report, phrases: Sequence[CustomPhrase]) -> list[Bounce] | None:
    """The bounces of a delivery status notification; None where the mail is none."""
    common, groups = read_status(report)
    if not groups:
        return None
    if not report.is_report_type and not is_believed(report):
        return None
    if report.is_passed_on:
        return []
    failed = [group for group in groups if is_failed(group)][:MAX_RECIPIENTS]
    if not failed:
        return []
    sections = Sections(report, len(failed))
    return [judge_group(report, common, group, sections, phrases) for group in failed]


def is_believed(report: Report) -> bool:
    """Whether status fields in a mail that does not call itself a report are a mail system's own."""
    if report.is_answer or not report.is_from_machine:
        return False
    if report.is_from_daemon:
        return True
    is_own = report.tells_in_subject and not report.is_reply and not report.is_quoting
    return is_own and report.type.startswith("multipart/")


class Sections:
    """The notice of a report by recipient, split only when a status group needs it."""

    def __init__(self, report: Report, count: int) -> None:
        self.report = report
        self.count = count
        self._sections: list[Section] | None = None

    @property
    def all(self) -> list[Section]:
        if self._sections is None:
            self._sections = find_sections(self.report.notice, self.report.bystanders)
        return self._sections

    def about(self, *addresses: str) -> Section | None:
        """The section about one of the addresses, or the only one of a report on one recipient."""
        wanted = {address.lower() for address in addresses if address}
        for section in self.all:
            if section.recipient.lower() in wanted or (
                section.original and section.original.lower() in wanted
            ):
                return section
        return self.all[0] if len(self.all) == 1 and self.count == 1 else None


def read_status(report: Report) -> tuple[Headers, list[Headers]]:
    """The per-message fields and the per-recipient fields of the report's status parts."""
    common: Headers = {}
    groups: list[Headers] = []
    for part in report.status_parts:
        read_blocks(decode_bytes(part_bytes(part), report.charset), common, groups)
    if not groups:
        for part in report.text_parts:
            at = part.body.find(b"inal-Recipient:")
            if at > 0:
                start = max(part.body.rfind(b"\n\n", 0, at), part.body.rfind(b"Reporting-MTA:", 0, at), 0)
                read_blocks(decode_bytes(part.body[start : start + 65536]), common, groups)
    return common, groups


def read_blocks(text: str, common: Headers, groups: list[Headers]) -> None:
    """Sorts the field blocks of one status part into per-message and per-recipient ones."""
    if "\n " in text or "\n\t" in text:
        text = text.replace("\n\t", " ").replace("\n ", " ")
    current: Headers = {}
    for line in text.split("\n"):
        if not line.strip():
            current = file_block(current, common, groups)
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon and name not in current:
            current[name] = value.strip()
        elif colon and name == "final-recipient":
            current = file_block(current, common, groups)
            current[name] = value.strip()
        if len(groups) > MAX_RECIPIENTS:
            return
    file_block(current, common, groups)


def file_block(block: Headers, common: Headers, groups: list[Headers]) -> Headers:
    """Files a finished block where it belongs and gives a fresh one."""
    if not block:
        return block
    if any(name in block for name in RECIPIENT_FIELDS):
        groups.append(block)
    elif groups and ("status" in block or "diagnostic-code" in block):
        for name, value in block.items():
            groups[-1].setdefault(name, value)
    else:
        for name, value in block.items():
            common.setdefault(name, value)
    return {}


def is_failed(group: Headers) -> bool:
    """Whether a recipient's fields tell of a failure or a delay."""
    action = group.get("action", "").lower()
    if action.startswith(OTHER_ACTIONS):
        return False
    return action.startswith(FAILED_ACTIONS) or not read_status_field(group.get("status", "")).startswith("2")


def judge_group(
    report: Report, common: Headers, group: Headers, sections: Sections, phrases: Sequence[CustomPhrase]
) -> Bounce:
    """The bounce of one per-recipient block."""
    final = field_address(group.get("final-recipient", "")) or field_address(
        group.get("x-actual-recipient", "")
    )
    original = field_address(group.get("original-recipient", ""))
    status = read_status_field(group.get("status", ""))
    diagnostic = diagnostic_text(group.get("diagnostic-code", ""))
    said = said_of(report, sections, final, original) if phrases else ""
    judgement = judge(Failure(diagnostic, status, notice=said, recipients=(final, original)), phrases)
    section = None
    if needs_notice(judgement, diagnostic):
        section = sections.about(final, original)
        judgement, diagnostic = with_notice(
            report, sections, section, judgement, diagnostic, status, phrases, (final, original)
        )
    elif judgement.verdict.type == BounceType.HARD and not judgement.verdict.rule.startswith("custom."):
        context = said_of(report, sections, final, original).lower()
        failure = Failure(diagnostic, status, context=context, recipients=(final, original))
        judgement = judge(of_ours(report, failure, diagnostic, final, original))
    judgement = with_category(judgement, group)
    if not (original or final):
        final = recipient_in_notice(report, sections, section)
    return build(
        report,
        judgement,
        Finding(
            original=original,
            final=final,
            diagnostic=diagnostic,
            status=judgement.codes.status or status,
            reporting_mta=common.get("reporting-mta", "").partition(";")[2].strip(),
            action=group.get("action", "").lower().split(" ")[0] or "failed",
            common=common,
        ),
    )


def diagnostic_text(value: str) -> str:
    """A Diagnostic-Code without its type."""
    kind, semicolon, text = value.partition(";")
    return (text if semicolon and " " not in kind.strip() else value).strip()[:MAX_DIAGNOSTIC]


def needs_notice(judgement: Judgement, diagnostic: str) -> bool:
    """Whether the diagnostic says too little, so that the notice has to be read."""
    if not judgement.is_decided:
        return True
    return (
        ".words." not in judgement.verdict.rule
        and not judgement.codes.reply
        and not judgement.verdict.rule.startswith("custom")
    )


def with_notice(
    report: Report,
    sections: Sections,
    section: Section | None,
    judgement: Judgement,
    diagnostic: str,
    status: str,
    phrases: Sequence[CustomPhrase],
    recipients: tuple[str, str],
) -> tuple[Judgement, str]:
    """The judgement with the words of the notice taken in, and the diagnostic to keep."""
    text = section.text if section is not None else (report.notice if sections.count == 1 else "")
    if not text.strip():
        return judgement, diagnostic
    said = without_advice(text)
    joined = f"{diagnostic} {said}" if diagnostic else said
    failure = Failure(joined, status, context=text.lower(), is_prose=True, recipients=recipients)
    second = judge_notice(report, failure, phrases, *recipients)
    if not second.is_decided or (judgement.is_decided and ".words." not in second.verdict.rule):
        return judgement, diagnostic or text.strip()
    return second, diagnostic or text.strip()


def with_category(judgement: Judgement, group: Headers) -> Judgement:
    """The judgement of PowerMTA itself, where neither words nor codes decided."""
    category = group.get("x-powermta-bouncecategory", "")
    reason = REASONS.get(POWERMTA_CATEGORIES.get(category, ""))
    if judgement.is_decided or reason is None:
        return judgement
    return Judgement(Verdict(reason.type, f"dsn.powermta.{category}", category), judgement.codes, True)


def said_of(report: Report, sections: Sections, *addresses: str) -> str:
    """What the notice says of a recipient: all of it in a report on one."""
    if sections.count == 1:
        return report.notice[:MAX_NOTICE]
    section = sections.about(*addresses)
    return section.text if section is not None else ""


def recipient_in_notice(report: Report, sections: Sections, section: Section | None) -> str:
    """The recipient where the status part names none that mail could be sent to."""
    if sections.count == 1 and len(report.failed_recipients) == 1:
        return report.failed_recipients[0]
    if section is None and sections.count == 1 and sections.all:
        section = sections.all[0]
    if section is not None:
        return section.original or section.recipient
    if sections.count > 1:
        return ""
    written_to = addresses_in(report.returned.get("to", ""), 2)
    if len(written_to) == 1:
        return written_to[0]
    mentioned = find_mentioned(report.notice, report.bystanders, report.returned.get("to", ""))
    return mentioned[0] if mentioned else ""

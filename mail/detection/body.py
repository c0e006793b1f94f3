"""Tier three: reports of failure that are written for people only."""

from __future__ import annotations

from collections.abc import Sequence

from mail.detection.addresses import addresses_in
from mail.detection.advice import without_advice
from mail.detection.building import Finding, build, judge_notice, of_ours
from mail.detection.dialects import recognize
from mail.detection.dialects.dialect import Dialect
from mail.detection.judging import Failure, Judgement, judge
from mail.detection.notices import TELLING, Notice, notices_in
from mail.detection.replies import quoted_reply
from mail.detection.report import OTHER_KINDS, Report
from mail.detection.sections import Section, find_after, find_mentioned, find_sections
from mail.detection.verdicts import Bounce, BounceType, CustomPhrase

# Words right before the recipient in notices that put it into a sentence.
LEADS = (
    "following recipient:",
    "following recipients:",
    "following address:",
    "recipient address:",
    "recipient:",
    "failed recipient:",
    "could not be delivered to",
    "couldn't be delivered to",
    "cannot be delivered to",
    "was not delivered to",
    "wasn't delivered to",
    "unable to deliver message to",
    "your message to",
    "message to",
    "mailbox is full:",
    "rcpt to:",
)


def find_described(report: Report, phrases: Sequence[CustomPhrase]) -> list[Bounce]:
    """The bounces a notice describes in words; empty where it describes none."""
    if not report.notice.strip() or report.is_answer:
        return []
    words = report.notice_words
    dialect = recognize(words)
    kinds = notices_in(words)
    if not is_trusted(report, dialect, kinds):
        return []
    if not tells_of_failure(kinds, dialect, report):
        return []
    action = "delayed" if Notice.DELAY in kinds and "permanent" not in words else "failed"
    sections = find_recipients(report, dialect)
    tier = f"body.{dialect.name if dialect else 'generic'}"
    bounces = [describe_section(report, section, sections, tier, action, phrases) for section in sections]
    return [bounce for bounce in bounces if bounce is not None]


def is_trusted(report: Report, dialect: Dialect | None, kinds: dict[Notice, str]) -> bool:
    """Whether the sender may be believed to be a mail system."""
    if report.is_from_daemon or "x-failed-recipients" in report.headers:
        return True
    if report.is_reply or report.is_quoting:
        return False
    if report.is_report_type and dialect is not None:
        return True
    if not (report.is_from_machine or report.is_report_type) or not report.tells_in_subject:
        return False
    # Shops, forums and monitors also write of failed deliveries: of parcels, or of others' mail.
    return dialect is not None or Notice.MESSAGE in kinds or bool(report.returned)


def tells_of_failure(kinds: dict[Notice, str], dialect: Dialect | None, report: Report) -> bool:
    """Whether the phrases of a notice add up to a failure."""
    if Notice.FAILURE in report.subject_kinds:
        return True
    if Notice.SUCCESS in kinds and Notice.DELAY not in kinds:
        return False
    if dialect is None and not OTHER_KINDS.isdisjoint(kinds):
        return False
    return dialect is not None or bool(report.failed_recipients) or not TELLING.isdisjoint(kinds)


def find_recipients(report: Report, dialect: Dialect | None) -> list[Section]:
    """The failed recipients with what is said about each."""
    notice, own = report.notice, report.own_addresses
    failed = report.failed_recipients
    sections = find_sections(notice, own)
    if dialect is None:  # "5 messages to you are undelivered, click here" is a lure, not a report
        sections = [one for one in sections if one.recipient.lower() not in own or is_written_to(one, report)]
    if len(failed) == 1 and len(sections) == 1 and is_written_to(sections[0], report):
        return sections  # an alias may have been rewritten on the way: the notice has what was sent to
    if failed:
        return [section_of(address, sections, len(failed), notice) for address in failed]
    if sections:
        return sections
    found = find_after(notice, (*(dialect.leads if dialect else ()), *LEADS))
    if found:
        return [Section(found, notice)]
    if dialect is None and Notice.FAILURE not in report.subject_kinds:
        return []
    written_to = report.returned.get("to", "")
    mentioned = find_mentioned(notice, own, written_to) or addresses_in(written_to, 1)
    return [Section(address, notice) for address in mentioned]


def is_written_to(section: Section, report: Report) -> bool:
    """Whether the returned message was addressed to the recipient of a section."""
    return section.recipient.lower() in report.returned.get("to", "").lower()


def section_of(address: str, sections: list[Section], count: int, notice: str) -> Section:
    """The section about an address of X-Failed-Recipients."""
    for section in sections:
        if address.lower() in (section.recipient.lower(), section.original.lower()):
            return section._replace(recipient=address)
    return Section(address, notice if count == 1 else "")


def describe_section(
    report: Report,
    section: Section,
    sections: list[Section],
    tier: str,
    action: str,
    phrases: Sequence[CustomPhrase],
) -> Bounce | None:
    """The bounce of one recipient; None where an unknown system gives no reason at all."""
    judgement = judge_section(report, section, sections, tier, phrases)
    is_vague = not judgement.is_decided and tier == "body.generic" and not report.failed_recipients
    if is_vague and Notice.FAILURE not in report.subject_kinds:
        return None
    original = section.original if "@" in section.original else ""
    return build(
        report,
        judgement,
        Finding(
            original=original,
            final=section.recipient,
            diagnostic=section.text.strip(),
            status=judgement.codes.status,
            action=action,
        ),
    )


def judge_section(
    report: Report, section: Section, sections: list[Section], tier: str, phrases: Sequence[CustomPhrase]
) -> Judgement:
    """The judgement on a section, or on the rest of the notice where the section says nothing."""
    context = section.text[:4000].lower()
    # What a server answered counts more than the advice a report wraps around it.
    reply = quoted_reply(section.text)
    said = report.notice if len(sections) == 1 else section.text
    theirs = (section.recipient, section.original)
    if reply:
        failure = Failure(reply, tier=tier, notice=said, context=context)
        judgement = judge(failure, phrases)
        if judgement.verdict.type == BounceType.HARD:
            judgement = judge(of_ours(report, failure, reply, *theirs), phrases)
        if not judgement.is_decided:
            failure = Failure(without_advice(section.text), tier=tier, context=context)
            judgement = judge_notice(report, failure, (), *theirs)
    else:
        failure = Failure(without_advice(section.text), tier=tier, notice=said, context=context)
        judgement = judge_notice(report, failure, phrases, *theirs)
    if judgement.is_decided:
        return judgement
    # Some systems give the reason first and then list the recipients.
    rest = report.notice if len(sections) == 1 else report.notice.partition(sections[0].recipient)[0]
    failure = Failure(without_advice(rest), tier=tier, context=context)
    whole = judge_notice(report, failure, (), *theirs)
    if whole.is_decided:
        return whole
    guessed = judge(Failure(rest, tier=tier, context=context))
    is_mild = guessed.is_decided and guessed.verdict.type != BounceType.HARD
    return guessed if is_mild else judgement

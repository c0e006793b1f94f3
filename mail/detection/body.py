"""Tier three: reports of failure that are written for people only."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from mail.detection.addresses import addresses_in
from mail.detection.advice import without_advice
from mail.detection.building import Finding, build, judge_notice, of_ours
from mail.detection.contacts import SENTENCE_END
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
    "delivery to",
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

RECIPIENT_LINE = re2.compile(
    r"(?im)^[ \t]*(?:to|recipients?|rcpt to|an|empf.nger|destinataires?|para|destinat.rios?|aan|ontvanger|do)"
    r"[ \t]*:[^\n]*"
)

MAX_AROUND = 160  # characters around an address
# What stands in the same sentence before an address that mail was sent to.
RECIPIENT_WORDS = re2.compile(
    r"(?i)\b(?:recipients?|address(?:es|ee|ees)?|users?|mailbox|accounts?|following|empf.nger|adresse|postfach|"
    r"benutzer|destinat|adresat|usuario|utilisateur|utente|ontvanger|odbior|mottag|modtag|p.jemc|kullan|c.mzett)|"
    r"получател|адресат|пользовател|παραλ|宛|受信者|收件人|用户|받는|"
    r"\b(?:to|for|an|a|à|au|al|aan|do|para|pour|für|för|voor|till?|til|pre|pro|pentru|catre|către|per a|до|для|προς)"
    r"[ \n]*[<\"'(«„]*$|"
    r"(?:^|\n)[ \t]*(?:to|an|à|a|para|aan|do|till?)[ \t]*:[ \t]*<?$"
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
    if not tells_of_failure(kinds, dialect, report) or (dialect is None and is_about_theirs(report)):
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
    if not (report.is_from_machine or report.is_report_type):
        return False
    if not report.tells_in_subject:  # the subject may only name the recipient: what comes back is the proof
        return Notice.FAILURE in kinds and report.returns_ours
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
    notice, own = report.notice, report.bystanders
    failed = report.failed_recipients
    sections = find_sections(notice, own)
    if dialect is None:
        sections = [one for one in sections if is_written_to(one, report) or is_plausible(one, report)]
    if len(failed) == 1 and len(sections) == 1 and is_written_to(sections[0], report):
        return sections  # an alias may have been rewritten on the way: the notice has what was sent to
    if failed:
        return [section_of(address, sections, len(failed), notice) for address in failed]
    if sections:
        return sections
    found = find_after(notice, (*(dialect.leads if dialect else ()), *LEADS))
    if found and (dialect is not None or found.lower() not in own):
        return [Section(found, notice)]
    if dialect is not None:
        written_to = report.returned.get("to", "")
        named = find_mentioned(notice, own, written_to) or addresses_in(written_to, 1)
    else:
        named = find_named(report)
    return [Section(address, notice) for address in named]


def find_named(report: Report) -> list[str]:
    """The recipients that a notice of an unknown system names somewhere, or those of what it returns."""
    is_known = report.is_from_daemon or report.returns_ours or Notice.FAILURE in report.subject_kinds
    if not is_known:
        return []
    own, written_to = report.bystanders, report.returned.get("to", "")
    mentioned = find_mentioned(report.notice, own, written_to)
    if not mentioned:
        return [one for one in addresses_in(written_to, 1) if one.lower() not in own]
    if mentioned[0].lower() in written_to.lower():
        return mentioned
    others = [one for one in addresses_in(report.notice, 20) if one.lower() not in own]
    failing = [one for one in others if is_said_to_fail(report.notice, one)]
    return failing[:1] or (mentioned if report.is_from_daemon else [])


def is_plausible(section: Section, report: Report) -> bool:
    """Whether the address that begins a section of an unknown system's notice may be one that failed."""
    # "5 messages to you are undelivered, click here" is a lure, not a report.
    if section.recipient.lower() in report.bystanders:
        return False
    # Who is no mail system by name may list who else can be written to.
    is_told = report.is_from_daemon or bool(report.failed_recipients)
    return is_told or is_said_to_fail(report.notice, section.recipient)


def is_said_to_fail(notice: str, address: str) -> bool:
    """Whether the words around an address say that it failed, or that the message went to it."""
    at = notice.lower().find(address.lower())
    before = SENTENCE_END.split(notice[max(at - MAX_AROUND, 0) : at])[-1]
    after = SENTENCE_END.split(notice[at + len(address) : at + len(address) + MAX_AROUND])[0]
    return RECIPIENT_WORDS.search(before) is not None or judge(Failure(f"{address} {after}")).is_decided


def is_about_theirs(report: Report) -> bool:
    """Whether a notice is about a message to its reader, as a gateway writes of one it stopped."""
    readers = {address.lower() for address in addresses_in(report.headers.get("to", ""), 5)}
    return any(
        address.lower() in readers
        for line in RECIPIENT_LINE.findall(report.notice)
        for address in addresses_in(line, 5)
    )


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
        failure = Failure(reply, tier=tier, notice=said, context=context, recipients=theirs)
        judgement = judge(failure, phrases)
        if judgement.verdict.type == BounceType.HARD:
            judgement = judge(of_ours(report, failure, reply, *theirs), phrases)
        if not judgement.is_decided:
            failure = Failure(without_advice(section.text), tier=tier, context=context, recipients=theirs)
            judgement = judge_notice(report, failure, (), *theirs)
    else:
        text = without_advice(section.text)
        failure = Failure(text, tier=tier, notice=said, context=context, recipients=theirs)
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

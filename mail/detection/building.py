"""Puts a bounce together from a judgement and what the report says around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mail.detection.addresses import addresses_in
from mail.detection.advice import SENTENCE_END
from mail.detection.judging import Failure, Judgement, judge
from mail.detection.mime import Headers
from mail.detection.replies import MAX_DIAGNOSTIC, simplify
from mail.detection.report import Report
from mail.detection.returned import find_message_id, find_token, known_ids
from mail.detection.verdicts import Bounce, BounceType, CustomPhrase

MAX_FIELD = 320


@dataclass(slots=True)
class Finding:
    """What a report says about one failed recipient, beside the verdict."""

    original: str = ""
    final: str = ""
    diagnostic: str = ""
    status: str = ""
    reporting_mta: str = ""
    action: str = "failed"
    common: Headers = field(default_factory=dict)


def build(report: Report, judgement: Judgement, finding: Finding) -> Bounce:
    """The bounce of one failed recipient; a delay is soft whatever its reason."""
    verdict = judgement.verdict
    is_delay = finding.action.startswith("delayed")
    returned = report.returned
    message_id = find_message_id(
        returned,
        report.notice,
        finding.common.get("x-original-message-id", ""),
        report.headers.get("x-original-message-id", ""),
    )
    return Bounce(
        recipient=(finding.original or finding.final) or None,
        type=BounceType.SOFT if is_delay else verdict.type,
        rule=f"delay.{verdict.rule}" if is_delay else verdict.rule,
        evidence=verdict.evidence,
        original_recipient=finding.original,
        final_recipient=finding.final,
        status=finding.status,
        reply_code=judgement.codes.reply,
        diagnostic=printable(" ".join(finding.diagnostic.split()))[:MAX_DIAGNOSTIC],
        reporting_mta=printable(finding.reporting_mta[:MAX_FIELD]),
        action=printable(finding.action[:20]),
        message_id=message_id,
        message_ids=known_ids(message_id, returned, {**report.headers, **pick_ids(finding.common)}),
        token=find_token(returned),
        thread_topic=printable(report.headers.get("thread-topic", "")[:MAX_FIELD]),
        is_delay=is_delay,
        sender_fault=verdict.sender_fault and not is_delay,
    )


def judge_notice(
    report: Report, failure: Failure, phrases: Sequence[CustomPhrase], *recipients: str
) -> Judgement:
    """The judgement on words of a notice, doubted where the sentence that decided speaks of us."""
    judgement = judge(failure, phrases)
    if judgement.verdict.type != BounceType.HARD:
        return judgement
    said = sentence_of(failure.text, judgement.verdict.evidence)
    return judge(of_ours(report, failure, said, *recipients), phrases)


def sentence_of(notice: str, evidence: str) -> str:
    """The sentence of `notice`, on one line if it can be, that `evidence` was found in; "" where none is."""
    notice = notice[:MAX_DIAGNOSTIC]
    on_a_line = (piece for line in notice.split("\n") for piece in SENTENCE_END.split(line))
    pieces = (*on_a_line, *SENTENCE_END.split(notice))
    return next((piece for piece in pieces if evidence in simplify(piece)), "")


def of_ours(report: Report, failure: Failure, said: str, *recipients: str) -> Failure:
    """`failure`, marked where `said` names an address or a domain of ours and none of the recipient."""
    theirs = {address.lower() for address in recipients if address}
    ours = report.own_addresses - theirs
    words = said.lower()
    named = set(addresses_in(words, 10)) if "@" in words else set()
    our_domains = {domain_of(one) for one in ours} - {domain_of(one) for one in theirs}
    return failure._replace(
        names_sender=not named & theirs and bool(named & ours),
        names_our_domain=any(domain in words for domain in our_domains)
        and not any(domain_of(one) in words for one in theirs),
    )


def domain_of(address: str) -> str:
    """What follows the last "@"."""
    return address.rpartition("@")[2]


def printable(text: str) -> str:
    """`text` without control characters, which databases and logs refuse or obey."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def pick_ids(common: Headers) -> Headers:
    """The fields of a status part that carry the original Message-ID."""
    return {name: value for name, value in common.items() if "message-id" in name}

"""Weighs the words of a failure against its codes and gives the verdict.

Order: an administrator's phrase, plain words, words of middling weight, the status code
of the reply, the status field, weak words, the reply code. docs/bounce-detection.md says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import re2

from mail.detection.denials import denies_recipient, is_thing
from mail.detection.phrases import RECIPIENT_REASONS, Phrase, phrase_table
from mail.detection.reasons import REASONS, STRENGTH_STEP, Reason
from mail.detection.replies import Codes, asks_to_retry, is_about_sender, is_after_data, read_codes, simplify
from mail.detection.status_codes import PERMANENT, TRANSIENT_ONLY_SOFT, reason_of_reply, reason_of_status
from mail.detection.verdicts import BounceType, CustomPhrase, Verdict

WEAK_RANK = 2 * STRENGTH_STEP
UNDECIDED = Verdict(BounceType.SOFT, "undecided")
# RFC 3463, RFC 5248, RFC 7505, and the codes for a sender's own limits.
SENDER_DETAILS = frozenset({"1.7", "1.8", "7.8", "7.9", "7.27"}) | {
    detail for detail, (name, _) in PERMANENT.items() if name == "sender-limit"
}
LOGIN_REPLIES = frozenset({"530", "534", "535", "538"})  # RFC 4954
DOMAIN_REASONS = frozenset({"no-domain", "null-mx"})
DEAD_REASONS = DOMAIN_REASONS | RECIPIENT_REASONS
UNAVAILABLE_REPLIES = ("550", "553", "")
IP_ADDRESS = re2.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b")
# A local part beside the noun it names, quoted or not.
NAMED = r"(\b(?:user|mailbox|account|recipient|alias|named|called) )['\"]?{}['\"]?([ ,.:;]|$)"
NAMED_ALONE = r"(^|[ :,(])['\"]?{}['\"]?([ ,:;)]|\. |\.?$)"
NESTED = " -> "  # Exchange Online: its own code, then what the remote server answered
# What IronPort and Sendmail write for any refusal of a recipient: the code beside it proves nothing.
GENERIC_TEXTS = ("unknown address error", "other mail system problem")


class Failure(NamedTuple):
    """What is known about one failed delivery before it is judged."""

    text: str
    status: str = ""
    tier: str = "dsn"
    notice: str = ""  # what the notice says of the same recipient; custom phrases are looked for here too
    context: str = ""  # the surrounding report, lower case: it may name the refused command
    names_sender: bool = False  # the text speaks of the sender's address, not of the recipient's
    is_prose: bool = False  # the text is what a notice says around, not what a server answered
    names_our_domain: bool = False  # the text speaks of the sender's domain, not of the recipient's
    recipients: tuple[str, ...] = ()  # whom the message went to: a reply may name them without the domain


class Judgement(NamedTuple):
    """A verdict and the codes that were read on the way."""

    verdict: Verdict
    codes: Codes
    is_decided: bool


def judge(failure: Failure, phrases: Sequence[CustomPhrase] = ()) -> Judgement:
    """The verdict on one failed delivery."""
    codes = read_codes(failure.text)
    status = choose_status(codes.status, failure.status)
    verdict = match_custom(f"{failure.text} {failure.notice}", phrases) if phrases else None
    if verdict is None:
        verdict = weigh_reply(simplify(failure.text), codes, status, failure)
    codes = Codes(codes.reply, status)
    return Judgement(verdict or UNDECIDED, codes, verdict is not None)


def choose_status(of_text: str, of_field: str) -> str:
    """The code of the reply, unless it says nothing and the field does."""
    if not of_text or (of_text.endswith(".0.0") and of_field and not of_field.endswith(".0.0")):
        return of_field
    return of_text


def weigh_reply(words: str, codes: Codes, status: str, failure: Failure) -> Verdict | None:
    """`weigh`, which reads "user bob not found" of bob@shop.example as if it named the whole address."""
    verdict = weigh(words, codes, status, failure)
    if not codes.reply.startswith("5") or (verdict is not None and verdict.type == BounceType.HARD):
        return verdict
    for recipient in failure.recipients:
        whole = name_whole(words, recipient.rpartition("@")[0].lower())
        named = weigh(whole, codes, status, failure) if whole != words else None
        if named is not None and named.type == BounceType.HARD:
            return named
    return verdict


def name_whole(words: str, local: str) -> str:
    """`words` with "@" for the local part of the recipient where it is named as a user."""
    if len(local) < 2 or local not in words or is_thing(local):
        return words
    # "kim.lee" is no word: it needs no noun beside it.
    named = NAMED if local.isalpha() else NAMED_ALONE
    return str(re2.sub(named.format(re2.escape(local)), r"\1@\2", words))


def weigh(words: str, codes: Codes, status: str, failure: Failure) -> Verdict | None:
    """The verdict by words, then codes, then weak words; None where nothing speaks."""
    found = reason_of_status(status) if status and not any(text in words for text in GENERIC_TEXTS) else None
    names_other_fault = found is not None and found[0].type != BounceType.HARD
    phrase = first_phrase(words, names_other_fault or is_after_data(failure.context)) if words else None
    # A code for the sender's own limits is precise where words such as "blocked" are not,
    # and any code is where they stand in the prose around it.
    is_precise = found is not None and (found[0].is_sender_fault or failure.is_prose)
    limit = STRENGTH_STEP if is_precise else WEAK_RANK
    if phrase is not None and phrase.rank < limit:
        return by_phrase(phrase, words, codes, failure)
    if found is not None:
        return by_code(found[0], f"{failure.tier}.status.{status}", found[1], codes, failure)
    if NESTED in words:
        answered = read_codes(failure.text.rpartition(NESTED)[2])
        return weigh(words.rpartition(NESTED)[2], answered, answered.status, failure)
    if phrase is not None:
        return by_phrase(phrase, words, codes, failure)
    found = reason_of_reply(codes.reply)
    if found is not None:
        return by_code(found[0], f"{failure.tier}.reply.{codes.reply}", found[1], codes, failure)
    return by_command(codes, status, failure)


def first_phrase(words: str, is_contradicted: bool) -> Phrase | None:
    """The phrase that goes before all others in `words`.

    Families of wording about dead recipients are loose enough to match what is said of a policy
    or of a message: they are passed over where the code, or the phase, says that it is no recipient.
    """
    table, phrases = phrase_table()
    for index in sorted(phrases.every(words)):
        phrase = table[index]
        if is_contradicted and phrase.is_loose:
            continue
        if phrase.reason.name not in DEAD_REASONS or denies_recipient(phrase, words):
            return phrase
    return None


def by_phrase(phrase: Phrase, words: str, codes: Codes, failure: Failure) -> Verdict:
    """The verdict of a phrase, doubted where code or command speak against a dead recipient."""
    evidence = phrase.found_in(words)
    reason, name = doubt(phrase.reason, codes, failure, evidence)
    is_stock = reason.name == "no-mailbox" and phrase.rank >= WEAK_RANK
    if is_stock and (codes.reply not in UNAVAILABLE_REPLIES or is_after_data(failure.context)):
        # "mailbox unavailable" is the stock text of 550: beside another code, or said of
        # the content, it proves nothing.
        return Verdict(BounceType.SOFT, f"{failure.tier}.words.unavailable", evidence)
    return Verdict(reason.type, f"{failure.tier}.words.{name}", evidence, reason.is_sender_fault)


def by_code(reason: Reason, rule: str, source: str, codes: Codes, failure: Failure) -> Verdict:
    """The verdict of a code, doubted where the command speaks against it."""
    doubted, name = doubt(reason, codes, failure)
    if doubted is not reason:
        return Verdict(doubted.type, f"{rule}.{name}", source)
    return Verdict(reason.type, rule, source, reason.is_sender_fault)


def by_command(codes: Codes, status: str, failure: Failure) -> Verdict | None:
    """The verdict of a command that was refused for good before a recipient was named."""
    is_permanent = codes.reply.startswith("5") or status.startswith("5")
    if is_permanent and is_about_sender(failure.context):
        return Verdict(BounceType.INTERNAL, f"{failure.tier}.command", "refused before a recipient was named")
    return None


def doubt(reason: Reason, codes: Codes, failure: Failure, evidence: str = "") -> tuple[Reason, str]:
    """`reason`, or a milder one where the mail says too little to call a recipient dead."""
    if reason.name not in TRANSIENT_ONLY_SOFT:
        return reason, reason.name
    if codes.reply.startswith("4") or codes.status.startswith("4"):
        return REASONS["system"], f"{reason.name}-transient"
    if not failure.is_prose and asks_to_retry(failure.text, evidence):
        return REASONS["system"], f"{reason.name}-transient"
    is_of_sender = is_about_sender(failure.context) or failure.names_sender
    # "Address 203.0.113.9 does not exist" is about the sending host.
    if is_of_sender or is_sender_code(codes, failure.status) or names_host(evidence):
        return REASONS["sender-rejected"], f"{reason.name}-of-sender"
    # Who took the message knows the recipient's domain: what it misses is a domain of the message.
    is_ours = failure.names_our_domain or is_after_data(failure.context)
    if reason.name in DOMAIN_REASONS and is_ours:
        return REASONS["sender-rejected"], f"{reason.name}-of-sender"
    return reason, reason.name


def is_sender_code(codes: Codes, status: str) -> bool:
    """Whether a code says that the sender's address or login is meant, whatever the words."""
    detail = (codes.status or status).partition(".")[2]
    return detail in SENDER_DETAILS or codes.reply in LOGIN_REPLIES


def names_host(evidence: str) -> bool:
    """Whether the words that decided have an IP address among them."""
    return evidence.count(".") > 2 and IP_ADDRESS.search(evidence) is not None


def match_custom(text: str, phrases: Sequence[CustomPhrase]) -> Verdict | None:
    """The verdict of the first administrator's phrase found in `text`."""
    words = " ".join(text.lower().split())
    for number, phrase in enumerate(phrases, start=1):
        wanted = " ".join(phrase.text.lower().split())
        if wanted and wanted in words:
            return Verdict(phrase.type, f"custom.{phrase.id or number}", phrase.text)
    return None

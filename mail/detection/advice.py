"""Leaves out what a notice says to every reader: advice, guesses, and what is attached.

"The mailbox may be full, or your message was taken for spam" is no reason of this failure.
"""

from __future__ import annotations

import re2

from mail.detection.replies import MAX_DIAGNOSTIC

MAX_NOTICE = 4 * MAX_DIAGNOSTIC  # what is left of so much is more than is read afterwards
SENTENCE_END = re2.compile(r"[.!?。！？][\s\"')]+|[。！？]|\n[ \t]*\n")
# A sentence with a reply in it is what a server said, advice or not.
REPLY = re2.compile(r"(?:^|[\s:<(\[#])[45][0-5][0-9][ \-#]|#?[45]\.[0-9]{1,3}\.[0-9]{1,3}")
MARKS = (
    # guesses
    r"\b(?:may|might) (?:be|have|not|also|exist|contain)\b",
    r"\b(?:possible|common|likely|usual) (?:reason|cause)|\b(?:possibly|perhaps|maybe)\b",
    r"\b(?:if|when|unless|whether|in case) (?:you|your|this|the|it|that|there|they|not)\b",
    r"\b(?:m.glicherweise|vielleicht|eventuell|unter umst.nden|k.nnte sein)\b",
    r"\bfalls |\bwenn (?:sie|das|die|der|dieser?|es)\b",
    r"\b(?:peut-.tre|il se peut|il est possible|si (?:vous|le|la|l'|cette|ce))\b",
    r"\b(?:es posible que|puede que|quiz.s|tal vez|si (?:usted|el|la|este|esta|cree))\b",
    r"\b(?:potrebbe|forse|se (?:il|la|si|ritiene|questo|questa))\b",
    r"\b(?:talvez|pode (?:ser|ter|estar)|se (?:voc.|o|a|este|esta))\b",
    r"\b(?:misschien|mogelijk (?:is|zijn|bestaat)|als (?:u|het|de|dit))\b",
    r"\b(?:by. mo.e|je.li|je.eli)\b",
    r"возможно|если |может быть",
    r"可能|如果|もし|可能性|場合",
    # advice
    r"\bplease (?:check|contact|try|verify|make|see|do|note|forward|refer|visit|ensure|review|call|correct|ask|read)\b",
    r"\b(?:try|send|resend) (?:it |(?:the|your) (?:message|mail|e-mail|email) )?(?:again|later)\b",
    r"\bfor (?:more|further|additional) (?:info|detail|help|assist)",
    r"\b(?:contact|ask|tell|inform) (?:your|the|our) ",
    r"\bto report \b|\bdo not reply\b|\bread receipt\b",
    r"\bbitte\b|\bveuillez\b|\bpor favor\b|\bsi prega\b|\bneem contact\b|\bprosz.\b|пожалуйста|请|請|ください",
    # what the notice is and what it carries
    r"\b(?:message|mail|copy|report|header|headers|details|e-mail|email|part) (?:is|are|was|has been|have been) "
    r"(?:automatically|auto|attached|included|enclosed|appended|below|returned as|scanned|generated|created|checked)",
    r"\b(?:attached|included|enclosed|appended) (?:is|are|below|as|file|you|report|to|delivery|message|here)",
    r"\b(?:message|mail) headers? (?:of|are|is|follow|below|from)\b|\bheaders? of the (?:original )?message\b",
    r"\bmime[- ](?:encapsulated|format)|\bin mime\b",
    r"\b(?:scanned|checked) (?:by|for)\b|\bno virus\b|\bvirus[- ]free\b",
    r"\bconfidential|\bintended recipient",
    r"\b(?:als anhang|angeh.ngt|beigef.gt|ci-joint|pi.ce jointe|adjunto|allegat|em anexo|bijlage|za..cz)",
)
ADVICE = re2.compile("|".join(MARKS))


def without_advice(notice: str) -> str:
    """The sentences at the beginning of `notice` that tell what happened to the message."""
    notice = notice[:MAX_NOTICE]
    if not ADVICE.search(" ".join(notice.lower().split())):
        return notice
    kept, at = [], 0
    for match in SENTENCE_END.finditer(notice):
        kept.append(keep(notice[at : match.end()]))
        at = match.end()
    return "".join([*kept, keep(notice[at:])])


def keep(sentence: str) -> str:
    """`sentence`, or a line end in the place of advice."""
    words = " ".join(sentence.lower().split())
    return "\n" if ADVICE.search(words) and not REPLY.search(words) else sentence

"""Reads SMTP replies in free text: codes, the phase that failed, and a form fit for phrases."""

from __future__ import annotations

from typing import NamedTuple

import re2

MAX_QUOTED = 700  # bytes of a reply quoted in a notice
MAX_DIAGNOSTIC = 2000  # characters of a diagnostic that are read and kept

# "550 5.1.1", "550-5.1.1", "550 #5.1.0", "550-'5.2.2"
REPLY_AND_STATUS = re2.compile(
    rb"(?:^|[^0-9.])([45][0-9][0-9])[ -]+[#'\"(\[]*([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|\.[^0-9]|\.?$)"
)
STATUS = re2.compile(
    rb"(?:^|[^0-9A-Za-z.\-])#?([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9A-Za-z.\-]|\.[^0-9]|-[^0-9]|\.?$)"
)
REPLY = re2.compile(rb"(?:^|[\s:;,<(\['\"])([45][0-5][0-9])(?:[\s:;,<>\])'\"]|-[^0-9.]|- |$)")
FIELD_STATUS = re2.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})")
# A reply of several lines repeats its code at each, also where a sentence goes on.
REPEATED = re2.compile(
    r"[245][0-9][0-9](?:-(?:#?[245]\.[0-9]{1,3}\.[0-9]{1,3}[ :]?)?|[ ]#?[245]\.[0-9]{1,3}\.[0-9]{1,3} )"
)
ADDRESS = re2.compile(r"<?(?:\"[^\"<>@]{1,64}\"|[^\s<>()\[\]\",:;'@]{1,128})@[^\s<>()\[\]\",:;'@]{1,255}>?")


class Codes(NamedTuple):
    """An SMTP reply code and an enhanced status code, "" where absent."""

    reply: str
    status: str


def read_codes(text: str) -> Codes:
    """The SMTP reply code and enhanced status code that `text` reports.

    A status beside a reply code is the remote server's own and goes before one that
    stands alone.
    """
    data = text.encode("utf-8", "replace")
    match = REPLY_AND_STATUS.search(data)
    if match is not None:
        return Codes(match.group(1).decode(), match.group(2).decode())
    status = STATUS.search(data)
    reply = REPLY.search(data)
    return Codes(
        reply.group(1).decode() if reply else "",
        status.group(1).decode() if status else "",
    )


def read_status_field(value: str) -> str:
    """The x.y.z code of a Status field, comments and stray text allowed around it."""
    match = FIELD_STATUS.search(value.encode("utf-8", "replace"))
    return match.group(1).decode() if match else ""


def simplify(text: str) -> str:
    """`text` in the form phrases are written in: lower case, one line, addresses as "@"."""
    text = " ".join(text[:MAX_DIAGNOSTIC].lower().split())
    code = text[:3]
    if (code.isdigit() and text.count(code) > 1) or "0-5." in text or "2-5." in text:
        text = " ".join(REPEATED.sub(" ", text).split())
    if "@" in text:
        text = ADDRESS.sub("@", text)
    return text.replace("’", "'").replace("\u00a0", " ")


def quoted_reply(text: str) -> str:
    """The part of a notice from its first full SMTP reply to the next empty line; "" where it quotes none."""
    data = text.encode("utf-8", "replace")
    match = REPLY_AND_STATUS.search(data)
    if match is None:
        return ""
    quoted = data[match.start() : match.start() + MAX_QUOTED].lstrip(b"\n").partition(b"\n\n")[0]
    return quoted.decode("utf-8", "replace")


# The command that was refused: before RCPT, the recipient is not at fault.
SENDER_COMMANDS = (
    "in reply to mail from",
    "in reply to ehlo",
    "in reply to helo",
    "in response to mail from",
    "after mail from",
    "after pipelined mail from",
    "after helo",
    "after ehlo",
    "after initial connection",
    "[mail_from]",
    ">>> mail from",
    "refused to talk to me",
    "but sender was rejected",
    "but greeting failed",
    "did not like our mail from",
    "did not like our helo",
    "did not like our ehlo",
)
RECIPIENT_COMMANDS = (
    "in reply to rcpt to",
    "in reply to end of data",
    "in reply to data",
    "after rcpt to",
    "after pipelined rcpt to",
    "after end of data",
    "[rcpt_to]",
    ">>> rcpt to",
    ">>> data",
    "does not like recipient",
    "did not like our rcpt",
)


def is_after_data(context: str) -> bool:
    """Whether `context` (lower case) says that the content, not the recipient, was refused."""
    return "end of data" in context or "final data" in context or "after i sent the message" in context


def is_about_sender(context: str) -> bool:
    """Whether `context` (lower case) says that only a command before RCPT was refused."""
    return any(text in context for text in SENDER_COMMANDS) and not any(
        text in context for text in RECIPIENT_COMMANDS
    )


RETRY_WORDS = (
    "try again later",
    "try later",
    "retry later",
    "temporarily",
    "temporary",
    "maintenance",
    "at this time",
    "right now",
    "at the moment",
    # "for a time", said in other languages
    "vorübergehend",
    "voruebergehend",
    "zurzeit",
    "zur zeit",
    "temporair",
    "provisoire",
    "momentan",
    "pour le moment",
    "temporal",
    "de momento",
    "temporanea",
    "al momento",
    "temporaria",
    "temporária",
    "no momento",
    "tijdelijk",
    "tymczasow",
    "chwilowo",
    "временно",
    "тимчасово",
    "midlertidig",
    "tillfällig",
    "dočasn",
    "docasn",
    "átmenetileg",
    "geçici",
    "προσωρινά",
    "一時的",
    "暂时",
    "暫時",
    "일시적",
)


UNKNOWN_WORDS = ("unknown", "no such", "not exist", "n't exist", "not found")
# What some servers say after any refusal; it is no promise beside "user unknown".
REFUSED_NOW = re2.compile(
    r"\b(?:accepted|accepting|accept|delivered|deliver)(?: (?:mail|messages|it))? at this time"
)


def asks_to_retry(text: str, evidence: str = "") -> bool:
    """Whether a reply says of itself that it may pass; `evidence` are the words that decided."""
    words = text[:MAX_QUOTED].lower()
    if any(unknown in evidence for unknown in UNKNOWN_WORDS):
        words = REFUSED_NOW.sub("", words)
    return any(retry in words for retry in RETRY_WORDS)

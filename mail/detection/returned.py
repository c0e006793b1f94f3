"""Finds the returned message in a report, and the ids by which it is recognised."""

from __future__ import annotations

import re2

from mail.detection.mime import Headers

TOKEN_FIELD = "x-apiconnect-token"  # noqa: S105  the name of a header field
MAX_IDS = 20
MAX_REFERENCES = 8000  # characters
MAX_TORN = 32 * 1024  # bytes of a returned message in which a lost Message-ID is looked for
MAX_TOKEN = 200

# Words after a line of dashes with which a mail system introduces the returned message.
AFTER_DASHES = (
    "this is a copy",
    "below this line",
    "enclosed is",
    "the header of",
    "the body of",
    "original message",
    "original mail",
    "the original message",
    "returned message",
    "unsent message",
    "message header",
    "message body",
    "message text follows",
    "start of returned",
    "copy of",
    "included is",
    "transcript of original",
)
# Lines that begin it without dashes.
PLAIN_LINES = (
    "message headers follow",
    "original message follows",
    "original message headers",
    "below is a copy of the original",
    "included is a copy of",
    "this is a copy of",
    "ursprüngliche nachrichtenkopfzeilen",
    "en-têtes de message d'origine",
    "encabezados de mensajes originales",
    "intestazioni originali del messaggio",
    "cabeçalhos originais da mensagem",
    "die kopfzeilen ihrer nachricht",
    "return-path:",
    "x-original-to:",
    "delivered-to:",
    "dkim-signature:",
    "x-originating-ip:",
)
SEPARATOR = re2.compile(
    r"(?im)^(?:[ \t|>-]*-{2,}[ \t]*(?:"
    + "|".join(AFTER_DASHES)
    + r")|"
    + "|".join(PLAIN_LINES)
    + r"|received: (?:from|by|\(|with))"
)
FIELD_LINE = re2.compile(r"(?m)^[ \t]{0,4}[A-Za-z][A-Za-z0-9-]{1,40}:")
MESSAGE_ID_LINE = re2.compile(r"(?im)^[ \t>|]*message-id:[ \t\r\n]*<?([^\s<>]{3,250})>?")
ANGLE_ID = re2.compile(r"<([^<>\s]{1,250}@[^<>\s]{1,250})>")


def cut_returned(text: str) -> tuple[str, str]:
    """`text` as the notice and the returned message after it."""
    match = SEPARATOR.search(text)
    if match is None:
        return text, ""
    return text[: match.start()], text[match.start() :]


def header_lines(text: str) -> str:
    """The header fields at the beginning of a returned message quoted in a text."""
    match = FIELD_LINE.search(text[:20_000])
    if match is None:
        return ""
    block = text[match.start() : match.start() + 60_000]
    end = block.find("\n\n")
    lines = (block[:end] if end >= 0 else block).split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] if line[:indent].isspace() else line for line in lines)


def strip_id(value: str) -> str:
    """A Message-ID without angle brackets and the spaces folding left in it."""
    value = value.strip()
    if value.startswith("<"):
        value = value[1:].partition(">")[0]
    return "".join(char for char in value if char.isprintable() and char != " ")[:500].strip("<>")


def ids_in(value: str) -> list[str]:
    """The ids of an In-Reply-To or References field."""
    found = [match.group(1) for match in ANGLE_ID.finditer(value[:MAX_REFERENCES])]
    return [one for one in found if one.isprintable()]


def find_id_line(body: bytes) -> str:
    """The Message-ID in a returned message whose header was torn apart on its way."""
    text = body[:MAX_TORN].decode("utf-8", "replace")
    match = MESSAGE_ID_LINE.search(text) if "essage-i" in text.lower() else None
    return match.group(1) if match is not None else ""


def find_message_id(returned: Headers, notice: str, *fields: str) -> str:
    """The original Message-ID: of the returned header, a report field or the notice itself."""
    for value in (returned.get("message-id", ""), *fields):
        if value:
            return strip_id(value)
    match = MESSAGE_ID_LINE.search(notice) if "essage-i" in notice.lower() else None
    return strip_id(match.group(1)) if match is not None else ""


def known_ids(first: str, returned: Headers, headers: Headers) -> tuple[str, ...]:
    """Every id by which the original message may be recognised, the likeliest first."""
    ids = [first] if first else []
    for name in ("x-microsoft-original-message-id", "x-original-message-id", "x-google-original-message-id"):
        for fields in (returned, headers):
            if name in fields:
                ids.append(strip_id(fields[name]))
    for name in ("in-reply-to", "references"):
        if name in headers:
            ids.extend(ids_in(headers[name]))
    return tuple(dict.fromkeys(found for found in ids if found))[:MAX_IDS]


def find_token(returned: Headers) -> str:
    """Our own token from the returned header."""
    token = returned.get(TOKEN_FIELD, "")[:MAX_TOKEN].strip()
    return token if token.isprintable() else ""

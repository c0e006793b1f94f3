"""Turns body parts and header values into text, whatever they claim to be encoded in."""

from __future__ import annotations

import binascii
import codecs
import html

import re2

from mail.detection.mime import Headers, Part, parameter

MAX_TEXT_BYTES = 96 * 1024  # of one part; the reason of a failure stands at its beginning
MAX_ENCODED_WORDS = 40

ENCODED_WORD = re2.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
TAG = re2.compile(r"<[^>]*>")
BREAK = re2.compile(r"(?i)<(?:br|/p|/div|/tr|/td|/li|/h[1-6]|/table|p|div|tr)\b[^>]*>")


def part_text(part: Part) -> str:
    """The text of a part, cut to a fair length, markup removed."""
    text = decode_bytes(part_bytes(part), parameter(part.headers, "charset"))
    return html_to_text(text) if part.type == "text/html" else text


def part_bytes(part: Part) -> bytes:
    """The body of a part without its transfer encoding, cut to a fair length."""
    encoding = part.headers.get("content-transfer-encoding", "").lower()
    if encoding.startswith("quoted"):
        return binascii.a2b_qp(part.body[: 2 * MAX_TEXT_BYTES])[:MAX_TEXT_BYTES]
    if encoding.startswith("base64"):
        return decode_base64(part.body[: 2 * MAX_TEXT_BYTES])[:MAX_TEXT_BYTES]
    return part.body[:MAX_TEXT_BYTES]


def decode_base64(data: bytes) -> bytes:
    """The bytes of base64 text, as many as can be read."""
    data = b"".join(data.split())
    try:
        return binascii.a2b_base64(data[: len(data) // 4 * 4])
    except (binascii.Error, ValueError):
        return data


def decode_bytes(data: bytes, charset: str = "") -> str:
    """Text in the charset named, or the one it looks like."""
    if data.isascii() and b"\x1b" not in data:
        return data.decode("ascii")
    for name in (charset, "iso-2022-jp" if b"\x1b$" in data else "", "utf-8"):
        text = try_decode(data, name)
        if text is not None:
            return text
    name = "iso-2022-jp" if b"\x1b$" in data else charset_or(charset, "cp1252")
    try:
        return mend(data.decode(name, "replace"))
    except (UnicodeError, ValueError):  # idna and punycode refuse to replace
        return data.decode("latin-1")


def try_decode(data: bytes, charset: str) -> str | None:
    """`data` in `charset`, None where that fails or would leave escape sequences."""
    if not charset or (b"\x1b$" in data and not charset.lower().startswith("iso-2022")):
        return None
    try:
        return mend(data.decode(charset_or(charset, "utf-8")))
    except (UnicodeError, ValueError):
        return None


def mend(text: str) -> str:
    """`text` without halves of surrogate pairs, which UTF-7 and JSON can bring in."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def charset_or(charset: str, fallback: str) -> str:
    """A text codec that Python knows: `charset`, or else `fallback`."""
    try:
        known = codecs.lookup(charset) if charset and charset.isascii() else None
    except (LookupError, ValueError):
        known = None
    return known.name if known is not None and known._is_text_encoding else fallback


def html_to_text(markup: str) -> str:
    """The words of an HTML text; never meant to be shown."""
    for start, end in (("<!--", "-->"), ("<style", "</style>"), ("<script", "</script>")):
        markup = drop_between(markup, start, end)
    text = html.unescape(TAG.sub(" ", BREAK.sub("\n", markup)))
    return "\n".join(line.strip() for line in text.split("\n"))


def drop_between(markup: str, start: str, end: str) -> str:
    """`markup` without what stands from each `start` to the next `end`, or to its own end."""
    lower = markup.lower()
    at = lower.find(start)
    if at < 0 or len(lower) != len(markup):
        return markup
    kept, done = [], 0
    while at >= 0:
        kept.append(markup[done:at])
        closing = lower.find(end, at + len(start))
        if closing < 0:
            return "".join(kept)
        done = closing + len(end)
        at = lower.find(start, done)
    return "".join([*kept, markup[done:]])


def header_text(headers: Headers, name: str) -> str:
    """A header value with its encoded words (RFC 2047) decoded."""
    value = headers.get(name, "")
    if "=?" not in value:
        return value
    value = value[:4000].replace("?= =?", "?==?")
    pieces, at = [], 0
    for number, match in enumerate(ENCODED_WORD.finditer(value)):
        if number >= MAX_ENCODED_WORDS:
            break
        pieces.append(value[at : match.start()])
        pieces.append(decode_word(match.group(1), match.group(2), match.group(3)))
        at = match.end()
    return "".join(pieces) + value[at:]


def decode_word(charset: str, kind: str, payload: str) -> str:
    """The text of one encoded word."""
    data = payload.encode("utf-8", "replace")
    is_base64 = kind in "bB"
    data = (
        decode_base64(data + b"=" * (-len(data) % 4))
        if is_base64
        else binascii.a2b_qp(data.replace(b"_", b" "))
    )
    return decode_bytes(data, charset.partition("*")[0])

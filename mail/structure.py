"""The parts of a MIME message (RFC 2045, RFC 2046), found in bounded time and memory whatever the bytes are.

The standard library's parser recurses as deep as a message nests and slows down with every level; a mailbox
that anybody can write to needs limits that hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mail.charsets import decode_base64, decode_quoted_printable, decode_text
from mail.headers import Headers, parse_parameters, split_headers

MAX_PARTS = 1_000
MAX_DEPTH = 20
MAX_TEXT_BYTES = 1_000_000
MAX_DELIMITERS = 100_000

# An encoded body is at most this much longer than what it decodes to (quoted-printable: three to one).
_ENCODED_PER_BYTE = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One entity without parts of its own, or the header of a message that is enclosed in another.

    `is_embedded`: it belongs to an enclosed message, not to the one that was received.
    """

    headers: Headers
    content_type: str
    parameters: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_embedded: bool = False
    is_attachment: bool = False

    def content(self, limit: int = MAX_TEXT_BYTES) -> bytes:
        """The decoded body, at most `limit` bytes of it."""
        encoding = self.headers.first("content-transfer-encoding").lower()
        encoded = self.body[: limit * _ENCODED_PER_BYTE]
        if encoding == "base64":
            return decode_base64(encoded)[:limit]
        if encoding == "quoted-printable":
            return decode_quoted_printable(encoded)[:limit]
        return self.body[:limit]

    def text(self, limit: int = MAX_TEXT_BYTES) -> str:
        """The decoded body as text with LF line ends, from at most `limit` bytes."""
        text = decode_text(self.content(limit), self.parameters.get("charset", ""))
        return text.replace("\r\n", "\n").replace("\r", "\n")


def find_parts(headers: Headers, body: bytes) -> list[Part]:
    """The entity's parts in order, at most MAX_PARTS and MAX_DEPTH deep. `body` has LF line ends."""
    parts: list[Part] = []
    _collect(parts, headers, body, depth=0, is_embedded=False)
    return parts


def _collect(parts: list[Part], headers: Headers, body: bytes, *, depth: int, is_embedded: bool) -> None:
    if len(parts) >= MAX_PARTS:
        return
    content_type, parameters = parse_parameters(headers.raw("content-type"))
    disposition = headers.first("content-disposition").lower()
    is_attachment = disposition.startswith("attachment")
    part = Part(headers, content_type or "text/plain", parameters, body, is_embedded, is_attachment)
    boundary = parameters.get("boundary", "").rstrip()
    if depth < MAX_DEPTH and content_type.startswith("multipart/") and boundary:
        for piece in _pieces(body, b"--" + boundary.encode("utf-8", "replace")):
            _collect(parts, *split_headers(piece), depth=depth + 1, is_embedded=is_embedded)
    elif depth < MAX_DEPTH and _is_message(content_type):
        enclosed = part.content(len(body)) if _is_encoded(headers) else body
        _collect_message(parts, enclosed.lstrip(b"\n"), content_type, depth=depth + 1)
    else:
        parts.append(part)


def _collect_message(parts: list[Part], data: bytes, content_type: str, *, depth: int) -> None:
    """An enclosed message: its header as a part of its own, then its parts."""
    headers, body = split_headers(data)
    parts.append(Part(headers, content_type, {}, b"", is_embedded=True))
    if not content_type.endswith("headers"):
        _collect(parts, headers, body, depth=depth, is_embedded=True)


def _is_message(content_type: str) -> bool:
    return content_type in (
        "message/rfc822",
        "message/global",
        "message/global-headers",
        "text/rfc822-headers",
    )


def _is_encoded(headers: Headers) -> bool:
    return headers.first("content-transfer-encoding").lower() in ("base64", "quoted-printable")


def _pieces(body: bytes, delimiter: bytes) -> list[bytes]:
    """What lies between the delimiter lines; a truncated message lacks the closing one."""
    pieces: list[bytes] = []
    begin = -1
    position = 0 if body.startswith(delimiter) else _next_delimiter(body, delimiter, 0)
    for _ in range(MAX_DELIMITERS):
        if position < 0 or len(pieces) >= MAX_PARTS:
            break
        end_of_line = body.find(b"\n", position)
        end_of_line = len(body) if end_of_line < 0 else end_of_line
        rest = body[position + len(delimiter) : min(end_of_line, position + len(delimiter) + 80)].strip()
        following = _next_delimiter(body, delimiter, end_of_line)
        if rest not in (b"", b"--"):
            position = following  # the delimiter of another boundary that begins like this one
            continue
        if begin >= 0:
            pieces.append(body[begin : max(begin, position - 1)])
        begin = end_of_line + 1
        if rest == b"--":
            return pieces
        position = following
    return [*pieces, body[begin:]] if begin >= 0 and len(pieces) < MAX_PARTS else pieces


def _next_delimiter(body: bytes, delimiter: bytes, position: int) -> int:
    found = body.find(b"\n" + delimiter, position)
    return found + 1 if found >= 0 else -1

"""Opens a mail just far enough for detection: bounded in bytes, depth and number of parts.

The standard library's parser builds every part of a mail; most of a bounce is the returned
message, of which only a few header fields matter.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_BYTES = 4 * 1024 * 1024  # of a mail that are looked at; a report comes before what it returns
MAX_HEADER_BYTES = 128 * 1024
MAX_HEADER_LINES = 1000
MAX_PARTS = 60
MAX_DEPTH = 6

Headers = dict[str, str]


class Part(NamedTuple):
    """A leaf of the MIME tree: lower-case type, its header fields and its undecoded body."""

    type: str
    headers: Headers
    body: bytes


class Message(NamedTuple):
    """A mail opened for detection; `headers` holds the first value of each field, unfolded."""

    headers: Headers
    type: str
    parts: list[Part]


def open_message(raw: bytes) -> Message:
    """The header fields and leaf parts of a mail; whatever is broken becomes one text part."""
    data = normalize_line_ends(raw[:MAX_BYTES])
    if data.startswith(b"From "):  # the separator line of an mbox file
        data = data[data.find(b"\n") + 1 :]
    headers, body = split_header(data)
    parts: list[Part] = []
    content_type = main_type(headers)
    collect(Part(content_type, headers, body), parts, 0)
    return Message(headers, content_type, parts)


def normalize_line_ends(data: bytes) -> bytes:
    """`data` with lone line feeds for every kind of line end."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def split_header(data: bytes) -> tuple[Headers, bytes]:
    """The header fields of an entity and the body after them."""
    data = data.lstrip(b"\n") if data[:1] == b"\n" else data
    end = data.find(b"\n\n", 0, MAX_HEADER_BYTES)
    if end < 0:
        return parse_header(data[:MAX_HEADER_BYTES]), b""
    return parse_header(data[:end]), data[end + 2 :]


def parse_header(block: bytes) -> Headers:
    """The first value of each field in a header block, by lower-case name, unfolded."""
    text = block.decode("utf-8", "replace")
    if "\n " in text or "\n\t" in text:
        text = text.replace("\n\t", " ").replace("\n ", " ")
    headers: Headers = {}
    for line in text.split("\n", MAX_HEADER_LINES)[:MAX_HEADER_LINES]:
        at = line.find(":")
        if at > 0:
            name = line[:at].lower()
            if name not in headers:
                headers[name] = line[at + 1 :].strip()
    return headers


def main_type(headers: Headers) -> str:
    """The lower-case media type of an entity; text/plain where none is named."""
    value = headers.get("content-type")
    return value.split(";", 1)[0].strip().lower() if value else "text/plain"


def parameter(headers: Headers, name: str, field: str = "content-type") -> str:
    """A parameter of a structured field, unquoted; "" where it is absent."""
    value = headers.get(field, "")
    at = value.lower().find(name + "=")
    if at < 0:
        return ""
    rest = value[at + len(name) + 1 :].lstrip()
    if rest.startswith('"'):
        return rest[1:].partition('"')[0]
    return rest.partition(";")[0].strip().strip("'") if name != "boundary" else rest.partition(";")[0].strip()


def collect(part: Part, parts: list[Part], depth: int) -> None:
    """Adds the leaves below `part` to `parts`, in order, within the limits."""
    if len(parts) >= MAX_PARTS:
        return
    if not part.type.startswith("multipart/") or depth >= MAX_DEPTH:
        parts.append(reopen(part, parts, depth))
        return
    pieces = split_parts(part.body, parameter(part.headers, "boundary"))
    if not pieces:
        parts.append(reopen(Part("text/plain", part.headers, part.body), parts, depth))
        return
    for piece in pieces:
        headers, body = split_piece(piece)
        if "received" in headers or ("message-id" in headers and "from" in headers):
            parts.append(Part("message/rfc822", {}, piece))  # returned without a header of its own
        else:
            collect(Part(main_type(headers), headers, body), parts, depth + 1)


def split_piece(piece: bytes) -> tuple[Headers, bytes]:
    """A body part's header and body; a part without header starts with an empty line."""
    if piece[:1] == b"\n":
        return {}, piece[1:]
    return split_header(piece)


def split_parts(body: bytes, boundary: str) -> list[bytes]:
    """The body parts between the delimiter lines of `boundary` (RFC 2046)."""
    if not boundary:
        return []
    delimiter = b"\n--" + boundary.encode("utf-8", "replace")
    if body.startswith(delimiter[1:]):
        start = 0
        at = len(delimiter) - 1
    else:
        start = body.find(delimiter)
        if start < 0:
            return []
        at = start + len(delimiter)
    pieces: list[bytes] = []
    while len(pieces) < MAX_PARTS:
        if body.startswith(b"--", at):
            break
        line_end = body.find(b"\n", at)
        if line_end < 0:
            break
        end = body.find(delimiter, line_end)
        if end < 0:
            pieces.append(body[line_end + 1 :])
            break
        pieces.append(body[line_end + 1 : end + 1])
        at = end + len(delimiter)
    return pieces


def reopen(part: Part, parts: list[Part], depth: int) -> Part:
    """`part`, or its own text where more parts hide behind an undeclared boundary.

    Some gateways lose the boundary or the type of a report; its parts still stand there.
    """
    if depth >= MAX_DEPTH or not part.type.startswith("text/plain"):
        return part
    at = part.body.find(b"\n--", 0, MAX_HEADER_BYTES) if part.body[:2] != b"--" else -1
    while at >= -1:
        line_end = part.body.find(b"\n", at + 1)
        if line_end < 0:
            return part
        if part.body[line_end + 1 : line_end + 9].lower() == b"content-":
            break
        at = part.body.find(b"\n--", line_end - 1, MAX_HEADER_BYTES)
        if at < 0:
            return part
    boundary = part.body[at + 3 : line_end].rstrip()
    if not 5 < len(boundary) <= 200:
        return part
    first = Part(part.type, part.headers, part.body[: max(at, 0)])
    pieces = split_parts(part.body[max(at, 0) :], boundary.decode("utf-8", "replace"))
    parts.append(first)
    for piece in pieces[:-1]:
        headers, body = split_piece(piece)
        collect(Part(main_type(headers), headers, body), parts, depth + 1)
    headers, body = split_piece(pieces[-1]) if pieces else ({}, b"")
    return Part(main_type(headers), headers, body)

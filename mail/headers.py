"""Header fields of received mail: unfolded, decoded (RFC 5322, RFC 2047), bounded, never raising."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mail.charsets import clean_text, decode_base64, decode_quoted_printable, decode_text

MAX_HEADER_BYTES = 256 * 1024
MAX_FIELDS = 1_000
MAX_VALUE_BYTES = 64 * 1024

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r';\s*([\w\-]+)(?:\*0?\*?)?\s*=\s*(?:"((?:[^"\\]|\\.)*+)"?|([^;\s]*))')
_ADDRESS_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*+"?)|(?P<comment>\([^()]*+\)?)|(?P<angle><[^<>]*+>?)|(?P<end>[,;])|(?P<text>[^"(<,;]+|.)',
    re.DOTALL,
)


class Headers:
    """The header fields of one entity by lower-cased name; values are decoded when they are asked for."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, bytes]] = ()) -> None:
        self._fields: dict[str, list[bytes]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def first(self, name: str, default: str = "") -> str:
        """The first field's decoded text on one line, or `default`."""
        for value in self._fields.get(name.lower(), ()):
            return decode_header(value)
        return default

    def all(self, name: str) -> tuple[str, ...]:
        """Every field of that name, decoded, in order."""
        return tuple(decode_header(value) for value in self._fields.get(name.lower(), ()))

    def raw(self, name: str) -> str:
        """The first field's text, its encoded words still encoded: in this form addresses are told apart."""
        for value in self._fields.get(name.lower(), ()):
            return _one_line(decode_text(value))
        return ""


def split_headers(data: bytes) -> tuple[Headers, bytes]:
    """An entity's header fields and its body. `data` has bare LF line ends.

    A line that is no field ends the header, as if the blank line before it had been lost.
    """
    fields: list[tuple[str, bytes]] = []
    position = 0
    while position < min(len(data), MAX_HEADER_BYTES) and len(fields) < MAX_FIELDS:
        end = data.find(b"\n", position)
        end = len(data) if end < 0 else end
        field = _FIELD.match(data, position, end)
        if not field:
            break
        while end < MAX_HEADER_BYTES and _goes_on(data, end):
            following = data.find(b"\n", end + 1)
            end = len(data) if following < 0 else following
        value = data[field.end() : min(end, field.end() + MAX_VALUE_BYTES)]
        fields.append((field[1].decode("ascii").lower(), value))
        position = end + 1
    return Headers(fields), _body(data, position)


def decode_header(value: bytes | str) -> str:
    """The text of a header value: encoded words decoded, folds and runs of blanks made one space."""
    text = decode_text(value) if isinstance(value, bytes) else value
    pieces: list[str] = []
    position = 0
    pending, charset = b"", ""
    for word in _ENCODED_WORD.finditer(text):
        between = text[position : word.start()]
        # Blanks between two encoded words do not count, and many mailers cut inside a character.
        if between.strip() or word[1].lower() != charset:
            pieces += [decode_text(pending, charset), between if between.strip() or not charset else ""]
            pending, charset = b"", word[1].lower()
        pending += _decode_word(word[2], word[3])
        position = word.end()
    return _one_line(clean_text("".join([*pieces, decode_text(pending, charset), text[position:]])))


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """A structured value such as Content-Type: its first word in lower case, its parameters (RFC 2045)."""
    value = value[:4096]
    parameters: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or bare)
    return value.partition(";")[0].strip().lower(), parameters


def parse_mailboxes(value: str, limit: int = 200) -> list[tuple[str, str]]:
    """(display name, address) of each mailbox in an address header whose encoded words are still encoded.

    The structure is read before anything is decoded, so that an encoded comma or bracket adds no address.
    """
    mailboxes: list[tuple[str, str]] = []
    name, angle, comment = "", "", ""
    for token in _ADDRESS_TOKEN.finditer(value + ","):
        kind = token.lastgroup
        if kind == "end":
            mailboxes += _mailbox(name, angle, comment)
            name, angle, comment = "", "", ""
            if len(mailboxes) >= limit:
                break
        elif kind == "angle":
            angle = token[0].strip("<> \t")
        elif kind == "comment":
            comment = token[0].strip("()")
        elif kind == "quoted" and value[token.end() : token.end() + 1] != "@":
            name += re.sub(r"\\(.)", r"\1", token[0][1:].removesuffix('"'))
        else:
            name += token[0]
    return mailboxes


def _mailbox(name: str, angle: str, comment: str) -> list[tuple[str, str]]:
    # A group's name ("undisclosed-recipients:") stands before its first member.
    bare = name.rpartition(":")[2].strip()
    if angle:
        return [(decode_header(name.strip()), angle.rpartition(":")[2])]
    return [(decode_header(comment), bare)] if "@" in bare else []


def _goes_on(data: bytes, end: int) -> bool:
    """Whether the line after `end` continues the field (RFC 5322, 2.2.3)."""
    following = data[end + 1 : end + 2]
    if following in (b" ", b"\t"):
        return True
    # Exchange returns messages whose folds have lost their blank: the parameter alone shows what it is.
    return data[end - 1 : end] == b";" and following not in (b"", b"\n") and not _FIELD.match(data, end + 1)


def _body(data: bytes, position: int) -> bytes:
    if data[position : position + 1] == b"\n":
        return data[position + 1 :]
    if position < MAX_HEADER_BYTES:
        return data[position:]
    # The header was cut at its limit: the body begins where the whole of it ends.
    blank = data.find(b"\n\n", position - 1)
    return data[blank + 2 :] if blank >= 0 else b""


def _decode_word(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return decode_base64(data) if encoding in "bB" else decode_quoted_printable(data, header=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())

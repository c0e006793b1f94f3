"""A campaign message as bytes (RFC 5322, RFC 2045): the same for both providers."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.utils import format_datetime
from functools import cached_property

from mail.addresses import AddressError, domain_of, parse_address
from mail.charsets import clean_text
from mail.mime import file_part, multipart, text_part
from mail.text import html_to_text

# One fixed name: Exchange keeps a property per header name for ever, so the value alone varies.
TOKEN_HEADER = "X-Apiconnect-Token"  # noqa: S105  a name, not a secret
MAX_HEADER_VALUE = 800
MAX_LINE_OCTETS = 998

_HEADER_NAME = re.compile(r"X-[A-Za-z0-9][A-Za-z0-9-]{0,60}", re.IGNORECASE)
_PROVIDERS_OWN = (
    "x-ms-",
    "x-microsoft-",
    "x-google-",
    "x-gm-",
    "x-apiconnect-",
    "x-originat",
    "x-forefront-",
)
_MESSAGE_ID = re.compile(r"[!-;=?A-~]{1,180}@[!-;=?A-~]{1,180}")
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+\-]{1,64}/[A-Za-z0-9!#$&^_.+\-]{1,64}")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
_SPECIALS = re.compile(r'[()<>@,:;\\".\[\]]')


class ComposeError(ValueError):
    """A message that cannot be written as asked; the message says what to change."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message, or with many of them."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)

    @cached_property
    def part(self) -> bytes:
        """The file as a part of a message, written once for all of them. Raises ComposeError."""
        if not _CONTENT_TYPE.fullmatch(self.content_type):
            raise ComposeError(f"“{self.content_type[:80]}” is no content type such as application/pdf.")
        _refuse_controls("An attachment's file name", self.filename)
        try:
            return file_part(self.content, self.content_type, self.filename)
        except (MessageError, UnicodeError) as error:
            raise ComposeError(f"“{self.filename[:80]}” cannot be attached: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """Everything one message says. `date` is aware; `message_id` stands without its angle brackets.

    An empty `from_name` leaves the bare address, to which the provider adds the mailbox's own name; an empty
    `plain` is written from `html`. With `list_unsubscribe_url` the message can be unsubscribed by one click
    (RFC 2369, RFC 8058); receivers honour that only where the URL is https.
    """

    from_email: str
    to_email: str
    subject: str
    message_id: str
    token: str
    date: datetime
    html: str = field(default="", repr=False)
    plain: str = field(default="", repr=False)
    from_name: str = ""
    to_name: str = ""
    reply_to: str = ""
    list_unsubscribe_url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


def compose(message: OutgoingMail) -> bytes:
    """The message with CRLF line ends, none longer than 998 octets. Raises ComposeError."""
    lines = [f"{name}: {value}\r\n" for name, value in _fields(message)]
    for line in "".join(lines).split("\r\n"):
        if len(line.encode()) > MAX_LINE_OCTETS:
            raise ComposeError(f"A header is too long for mail: {line[:60]}…")
    return "".join(lines).encode() + _content(message)


def new_message_id(domain: str) -> str:
    """A Message-ID no other message has, without its angle brackets; `domain` is the sender's."""
    return f"{secrets.token_hex(16)}@{domain_of(f'@{domain}')}"


def validate_headers(headers: Mapping[str, str], limit: int | None) -> list[str]:
    """What is wrong with a campaign's own headers, a sentence each. `limit` is the provider's or None."""
    problems = [problem for name, value in headers.items() for problem in _header_problems(name, value)]
    if len({name.lower() for name in headers}) < len(headers):
        problems.append("A header stands there twice; letter case makes no difference in its name.")
    if limit is not None and len(headers) > limit:
        problems.append(
            f"There are {len(headers)} headers; the provider carries at most {limit}. Remove some."
        )
    return problems


def _fields(message: OutgoingMail) -> list[tuple[str, str]]:
    """The header fields in the order in which they are written, ready for the wire."""
    if message.date.tzinfo is None:
        raise ComposeError("The date has no time zone.")
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise ComposeError(f"“{message.message_id[:80]}” is no Message-ID: it must look like id@domain.")
    fields = [
        ("From", _mailbox("From", message.from_name, message.from_email)),
        ("To", _mailbox("To", message.to_name, message.to_email)),
        ("Subject", _text("Subject", message.subject)),
        ("Date", format_datetime(message.date)),
        ("Message-ID", f"<{message.message_id}>"),
    ]
    if message.reply_to:
        fields.append(("Reply-To", _mailbox("Reply-To", "", message.reply_to)))
    if message.list_unsubscribe_url:
        fields += _unsubscribe_fields(message.list_unsubscribe_url)
    fields.append((TOKEN_HEADER, _text(TOKEN_HEADER, message.token)))
    for problem in validate_headers(message.headers, None):
        raise ComposeError(problem)
    return fields + [(name, _text(name, value)) for name, value in message.headers.items()]


def _unsubscribe_fields(url: str) -> list[tuple[str, str]]:
    if not _URL.fullmatch(url):
        raise ComposeError("The unsubscribe link must be an absolute http(s) address without blanks.")
    return [("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]


def _mailbox(name: str, display_name: str, address: str) -> str:
    try:
        address = parse_address(address)
    except AddressError as error:
        raise ComposeError(f"{name}: {error}") from None
    local, _, domain = address.rpartition("@")
    address = f"{local}@{domain_of(address)}"
    if not display_name.strip():
        return address
    _refuse_controls(name, display_name)
    if not display_name.isascii() or "=?" in display_name or len(display_name) > 200:
        return f"{_encoded_words(name, display_name)} <{address}>"
    if _SPECIALS.search(display_name):
        escaped = display_name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{display_name} <{address}>"


def _text(name: str, value: str) -> str:
    """An unstructured header's value, folded; encoded where it is not plain ASCII (RFC 2047)."""
    value = value.strip(" ")
    _refuse_controls(name, value)
    longest = max((len(word) for word in value.split(" ")), default=0)
    # A word that fits no line, or that looks encoded without being so, survives only encoded.
    if not value.isascii() or "=?" in value or longest > 900:
        return _encoded_words(name, value)
    return Header(value, "us-ascii", 76, name).encode(linesep="\r\n")


def _encoded_words(name: str, value: str) -> str:
    return Header(value, "utf-8", 74, name).encode(linesep="\r\n")


def _refuse_controls(name: str, value: str) -> None:
    """No line break, control character or half character may reach a header: it could start another one."""
    if value.isascii() and value.isprintable():
        return
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise ComposeError(f"{name} holds a line break or control character, which a header may not.")


def _header_problems(name: str, value: str) -> list[str]:
    shown = ascii(name[:60])[1:-1]
    if not _HEADER_NAME.fullmatch(name):
        return [f"“{shown}”: a header's name begins with X- and goes on with letters, digits and hyphens."]
    if name.lower().startswith(_PROVIDERS_OWN):
        return [f"“{shown}” is reserved for the providers or this application. Choose another name."]
    if len(value) > MAX_HEADER_VALUE:
        return [f"“{shown}” is too long: at most {MAX_HEADER_VALUE} characters."]
    try:
        _refuse_controls(f"“{shown}”", value)
    except ComposeError as error:
        return [str(error)]
    return [] if value.strip() else [f"“{shown}” has no value. Write one or remove the header."]


def _content(message: OutgoingMail) -> bytes:
    """The body with its MIME header fields: alternatives, inside multipart/mixed where files go along."""
    html = clean_text(message.html)
    plain = clean_text(message.plain)
    plain = plain if plain.strip() else html_to_text(html, with_links=True)
    if not html.strip() and not plain.strip():
        raise ComposeError("The message has no text. Write its HTML or its plain text.")
    texts = [text_part(plain, "plain")]
    if html.strip():
        texts.append(text_part(html, "html"))
    files = [attachment.part for attachment in message.attachments]
    return b"MIME-Version: 1.0\r\n" + multipart("mixed", [multipart("alternative", texts), *files])

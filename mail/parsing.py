"""A received message: bytes in, meaning out. Within bounds of size, parts, depth and time for any bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mail.composing import TOKEN_HEADER
from mail.headers import Headers, parse_mailboxes, split_headers
from mail.links import find_links, find_text_links
from mail.structure import MAX_TEXT_BYTES, Part, find_parts
from mail.text import html_to_text

MAX_MESSAGE_BYTES = 35 * 1024 * 1024
MAX_REFERENCES = 100

_MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"[^\s<>\x00-\x20]{1,250}@[^\s<>@\x00-\x20]{1,250}")
_TOKEN = re.compile(r"[\w.\-=]{1,200}", re.ASCII)
_AUTOMATIC_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_AUTOMATIC_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-response-suppress",
    "x-failed-recipients",
)
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "list-help", "mailing-list")
# Exchange marks a vacation notice by its subject where a gateway has dropped the header that says so.
_AUTOMATIC_SUBJECTS = (
    "automatic reply:", "out of office", "automatische antwort:", "réponse automatique", "autosvar:",
    "respuesta automática:", "risposta automatica:", "automatisch antwoord:", "resposta automática:",
    "automatyczna odpowiedź:", "otomatik yanıt:", "automaattinen vastaus:", "автоматический ответ:",
    "自動応答:", "自动答复:",
)  # fmt: skip


class UnreadableMail(ValueError):
    """Bytes that are no message: nothing at all, no header field to begin with, or over the size limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMail:
    """What a received message says. Ids stand without angle brackets; text fields hold no NUL characters.

    `plain` is the text/plain part, else the HTML's text, quotes included (mail.replies takes the reply out).
    `token` is our own header's value, wherever in the message or in what it returns; "" if there is none.
    """

    headers: Headers = field(repr=False)
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    subject: str
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    date: datetime | None
    plain: str = field(repr=False)
    html: str = field(repr=False)
    links: tuple[str, ...] = field(repr=False)
    token: str
    auto_submitted: str
    is_automatic: bool
    list_mail: bool

    @property
    def answered_ids(self) -> tuple[str, ...]:
        """Message-IDs this may be an answer to, the nearest first."""
        return tuple(dict.fromkeys(filter(None, (self.in_reply_to, *reversed(self.references)))))


def parse(raw: bytes) -> ParsedMail:
    """Read a message. Raises UnreadableMail only, and never takes long: anybody can write to a mailbox."""
    headers, body = split_headers(_tidy(raw))
    if not len(headers):
        raise UnreadableMail("The message does not begin with a header field, so it is no mail.")
    parts = find_parts(headers, body)
    html = _join(part for part in parts if _is_body(part, "text/html"))
    plain = _join(part for part in parts if _is_body(part, "text/plain")).strip("\n")
    sender_name, sender = _sender(headers)
    return ParsedMail(
        headers=headers,
        message_id=_first_id(headers.first("message-id")),
        in_reply_to=_first_id(headers.first("in-reply-to")),
        references=_ids(headers.first("references")),
        subject=headers.first("subject"),
        sender=sender,
        sender_name=sender_name,
        recipients=tuple(address for _, address in _mailboxes(headers, "to", "cc")),
        date=_date(headers.first("date")),
        plain=plain if plain.strip() else html_to_text(html),
        html=html,
        links=tuple(dict.fromkeys(find_text_links(plain) + find_links(html))),
        token=_find_token(headers, parts),
        auto_submitted=headers.first("auto-submitted").partition(";")[0].strip().lower(),
        is_automatic=_is_automatic(headers),
        list_mail=any(name in headers for name in _LIST_HEADERS) or _precedence(headers) in ("list", "bulk"),
    )


def _tidy(raw: bytes) -> bytes:
    """The bytes with LF line ends, from the first header field on."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise UnreadableMail(f"The message has {len(raw)} bytes; at most {MAX_MESSAGE_BYTES} are read.")
    data = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n\t \0")
    if not data:
        raise UnreadableMail("The message is empty.")
    # The line that divides the messages of an mbox file.
    return data.partition(b"\n")[2] if data.startswith((b"From ", b">From ")) else data


def _is_body(part: Part, content_type: str) -> bool:
    return part.content_type == content_type and not part.is_embedded and not part.is_attachment


def _join(parts: Iterable[Part]) -> str:
    texts: list[str] = []
    room = MAX_TEXT_BYTES
    for part in parts:
        text = part.text(room)
        texts.append(text)
        room -= len(text)
        if room <= 0:
            break
    return "\n".join(texts)[:MAX_TEXT_BYTES]


def _sender(headers: Headers) -> tuple[str, str]:
    return next(iter(_mailboxes(headers, "from", "sender")), ("", ""))


def _mailboxes(headers: Headers, *names: str) -> list[tuple[str, str]]:
    """Display names and addresses of the named fields."""
    mailboxes: list[tuple[str, str]] = []
    for name in names:
        # Some mailers encode the whole field, brackets and all, which the standard forbids.
        found = parse_mailboxes(headers.raw(name)) or parse_mailboxes(headers.first(name))
        for display_name, address in found:
            # Mail comes from addresses that none may write to by the rules, such as a..b.@carrier.example.
            if _ADDRESS.fullmatch(address):
                mailboxes.append((display_name, address))
    return mailboxes


def _ids(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(value)))[-MAX_REFERENCES:]


def _first_id(value: str) -> str:
    found = _MESSAGE_ID.search(value)
    if found:
        return found[1]
    word = value.partition(" ")[0].strip("<>")
    return word if "@" in word and len(word) <= 500 else ""


def _date(value: str) -> datetime | None:
    """The instant in UTC; a date without a zone is taken as UTC."""
    try:
        date = parsedate_to_datetime(value[:100])
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _precedence(headers: Headers) -> str:
    return headers.first("precedence").strip().lower()


def _is_automatic(headers: Headers) -> bool:
    """Whether no person wrote this (RFC 3834 and what mail servers really send)."""
    auto_submitted = headers.first("auto-submitted").partition(";")[0].strip().lower()
    return (
        auto_submitted not in ("", "no")
        or _precedence(headers) in _AUTOMATIC_PRECEDENCE
        or any(name in headers for name in _AUTOMATIC_HEADERS)
        or headers.first("return-path").replace(" ", "") == "<>"
        or headers.first("subject").lower().startswith(_AUTOMATIC_SUBJECTS)
    )


def _find_token(headers: Headers, parts: list[Part]) -> str:
    """Our token: in a returned header, else in the message's own, else in any text that quotes a header."""
    returned = [part.headers for part in parts if part.is_embedded]
    for candidate in [*returned, headers]:
        token = _TOKEN.match(candidate.first(TOKEN_HEADER))
        if token:
            return token[0]
    room = MAX_TEXT_BYTES
    for part in parts:
        if room > 0 and part.content_type.startswith(("text/", "message/")):
            text = part.text(room)
            room -= len(part.body)
            quoted = _token_in(text)
            if quoted:
                return quoted
    return ""


def _token_in(text: str) -> str:
    _, header, rest = text.partition(f"{TOKEN_HEADER}:")
    if not header:
        # Some servers write the names of returned headers in lower case.
        position = text.lower().find(f"{TOKEN_HEADER}:".lower())
        rest = text[position + len(TOKEN_HEADER) + 1 :] if position >= 0 else ""
    quoted = _TOKEN.match(rest[:500].lstrip())
    return quoted[0] if quoted else ""

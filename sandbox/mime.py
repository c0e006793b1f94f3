"""Reading and editing raw mail without re-writing the rest of its bytes (RFC 5322, RFC 2045)."""

import email.policy
import re
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses
from functools import lru_cache

# The older parser never raises on broken mail; the sandbox stores whatever it is given.
_HEADERS = BytesHeaderParser(policy=email.policy.compat32)
_PARSER = BytesParser(policy=email.policy.compat32)
_BOUNDARY = re.compile(rb'boundary="?([A-Za-z0-9_=.:+/\'()?-]{8,70})"?', re.IGNORECASE)

Address = tuple[str, str]


@dataclass(frozen=True)
class Digest:
    """What listings and searches show of a message."""

    subject: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    message_id: str
    text: str
    html: str
    has_attachments: bool


def read_headers(raw: bytes) -> Message:
    """The header section alone, parsed; not to be changed, since callers share it."""
    return _parse_head(split(raw)[0])


@lru_cache(maxsize=256)
def _parse_head(head: bytes) -> Message:
    # One call of an API asks for several headers of the same message.
    return _HEADERS.parsebytes(head)


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Header section (with its last line break) and body."""
    found = re.search(rb"\r?\n\r?\n", raw)
    if found is None:
        return raw, b""
    return raw[: found.start()] + b"\r\n", raw[found.end() :]


def fields(raw: bytes) -> list[bytes]:
    """The header fields in order, each with its folded lines and without the final line break."""
    found: list[bytes] = []
    for line in split(raw)[0].splitlines():
        if line[:1] in (b" ", b"\t") and found:
            found[-1] += b"\r\n" + line
        elif line:
            found.append(line)
    return found


def join(header_fields: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join(header_fields) + b"\r\n\r\n" + body


def field_name(field: bytes) -> str:
    return field.split(b":", 1)[0].strip().decode("latin-1").lower()


def without(raw: bytes, *names: str) -> bytes:
    """`raw` less every header of these names."""
    gone = {name.lower() for name in names}
    return join([field for field in fields(raw) if field_name(field) not in gone], split(raw)[1])


def with_header(raw: bytes, name: str, value: str) -> bytes:
    """`raw` with that header set once, in its old place or at the end."""
    new = f"{name}: {value}".encode()
    kept: list[bytes] = []
    done = False
    for field in fields(raw):
        if field_name(field) != name.lower():
            kept.append(field)
        elif not done:
            kept.append(new)
            done = True
    return join(kept if done else [*kept, new], split(raw)[1])


def prepend(raw: bytes, *lines: str) -> bytes:
    """Trace headers go on top (RFC 5321 4.4)."""
    return join([line.encode() for line in lines] + fields(raw), split(raw)[1])


def header(raw: bytes, name: str) -> str:
    """The first header of that name, decoded and unfolded; an empty string where there is none."""
    return decoded(read_headers(raw).get(name))


def decoded(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(str(value).split())
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, UnicodeError, ValueError):
        return text


def addresses(headers: Message, name: str) -> tuple[Address, ...]:
    values = [" ".join(str(value).split()) for value in headers.get_all(name, [])]
    return tuple((decoded(shown), address) for shown, address in getaddresses(values) if address)


def recipients(raw: bytes) -> list[str]:
    """Distinct addresses of To, Cc and Bcc, in order."""
    headers = read_headers(raw)
    found = [address for name in ("To", "Cc", "Bcc") for _, address in addresses(headers, name)]
    return list(dict.fromkeys(found))


def digest(raw: bytes) -> Digest:
    message = _PARSER.parsebytes(raw)
    text, html, attached = _bodies(message)
    senders = addresses(message, "From") or (("", ""),)
    return Digest(
        subject=decoded(message.get("Subject")),
        sender=senders[0],
        to=addresses(message, "To"),
        cc=addresses(message, "Cc"),
        bcc=addresses(message, "Bcc"),
        reply_to=addresses(message, "Reply-To"),
        message_id=" ".join(str(message.get("Message-ID", "")).split()),
        text=text,
        html=html,
        has_attachments=attached,
    )


def _bodies(message: Message) -> tuple[str, str, bool]:
    text = html = ""
    attached = False
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
            attached = True
        elif kind == "text/html" and not html:
            html = part_text(part)
        elif kind == "text/plain" and not text:
            text = part_text(part)
    return text, html, attached


def part_text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return data.decode("latin-1")


def parse(raw: bytes) -> Message:
    return _PARSER.parsebytes(raw)


def editable(raw: bytes) -> EmailMessage:
    """The message as an object whose body and attachments can be changed."""
    message = BytesParser(policy=email.policy.SMTP).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def with_boundaries(raw: bytes, mark: str) -> bytes:
    """The same message under other MIME boundaries, as Exchange writes it anew at each reading."""
    for number, old in enumerate(dict.fromkeys(_BOUNDARY.findall(raw))):
        raw = raw.replace(old, f"_{number:03d}_{mark}_".encode())
    return raw

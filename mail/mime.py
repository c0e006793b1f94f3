"""The parts of a message as bytes (RFC 2045, RFC 2046), 7-bit whatever they hold.

Texts are written here: the standard library's writer takes longer for a newsletter than everything else that is
done for its message. Files, written once and sent many times, are left to it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from email.message import MIMEPart
from email.policy import SMTP

# Longer lines of plain ASCII would be legal, but are folded by gateways.
MAX_TEXT_LINE = 78
PRINTABLE = bytes(range(32, 127)) + b"\t\r\n"
_FILE_POLICY = SMTP.clone(cte_type="7bit")


def text_part(text: str, subtype: str) -> bytes:
    """`text` as text/`subtype` in UTF-8, its line ends CRLF, in whichever encoding is the shortest that it needs.

    Raises UnicodeEncodeError for lone surrogates.
    """
    lines = text.encode().splitlines()
    body = b"".join(line + b"\r\n" for line in lines)
    encoding = b"7bit"
    if body.translate(None, PRINTABLE) or max(map(len, lines), default=0) > MAX_TEXT_LINE:
        encoding, body = _encode(body)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: '
    return head.encode() + encoding + b"\r\n\r\n" + body


def _encode(body: bytes) -> tuple[bytes, bytes]:
    quoted = binascii.b2a_qp(body, istext=True)
    # Each 57 bytes become a line of 76 characters and its end.
    if len(quoted) <= len(body) * 78 / 57:
        return b"quoted-printable", quoted
    return b"base64", base64.encodebytes(body).replace(b"\n", b"\r\n")


def file_part(content: bytes, content_type: str, filename: str) -> bytes:
    """A file in base64 as an attachment of that name. Raises MessageError or UnicodeError for what cannot be named."""
    maintype, _, subtype = content_type.lower().partition("/")
    if maintype in ("message", "multipart"):
        # These may not be base64, which alone brings bytes through unchanged (RFC 2046, 5.2.1).
        maintype, subtype = "application", "octet-stream"
    part = MIMEPart(policy=_FILE_POLICY)
    part.set_content(content, maintype, subtype, cte="base64", disposition="attachment", filename=filename)
    return part.as_bytes()


def multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    """The parts inside multipart/`subtype`; a single one stands alone."""
    if len(parts) == 1:
        return parts[0]
    boundary = f"=_{secrets.token_hex(16)}"  # nobody can have written it into a part
    pieces = [f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n'.encode()]
    for part in parts:
        pieces += [f"\r\n--{boundary}\r\n".encode(), part]
    return b"".join([*pieces, f"\r\n--{boundary}--\r\n".encode()])

"""Ids as the providers make them: opaque, case-sensitive, never to be compared in lower case."""

import base64
import hashlib
import uuid


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


def graph_id(kind: str, mailbox: str, number: int) -> str:
    """An Exchange item id. Numbers 2n and 2n+1 differ by the case of one letter alone, on purpose."""
    body = base64.urlsafe_b64encode(_digest(kind, mailbox.lower(), number // 2) * 3).decode()
    prefix = "AAMkAD" if kind == "rest" else "AAkALg"
    return f"{prefix}{body[:-1]}{'q' if number % 2 else 'Q'}="


def folder_id(mailbox: str, name: str) -> str:
    return "AQMkAD" + base64.urlsafe_b64encode(_digest("folder", mailbox.lower(), name)).decode()


def conversation_id(seed: object) -> str:
    return "AAQkAD" + base64.urlsafe_b64encode(_digest("conversation", seed)).decode()[:36] + "="


def conversation_index(conversation: str) -> str:
    """The 22 bytes that begin the index of a conversation, in base64."""
    return base64.b64encode(b"\x01\xdc" + _digest("index", conversation)[:20]).decode()


def gmail_id(mailbox: str, number: int) -> str:
    return "1" + _digest("gmail", mailbox.lower(), number).hex()[:15]


def guid(*parts: object) -> str:
    return str(uuid.UUID(bytes=_digest(*parts)[:16]))


def request_id() -> str:
    return str(uuid.uuid4())

"""A stored message as Gmail shows it in each of its formats.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages
"""

import base64
from email.message import Message
from typing import Any

from sandbox import mime
from sandbox.gmail.mailbox import GmailMessage

FORMATS = ("minimal", "full", "raw", "metadata")


def view_message(
    message: GmailMessage, form: str = "full", headers: list[str] | None = None
) -> dict[str, Any]:
    view = {
        "id": message.id,
        "threadId": message.thread_id,
        "labelIds": message.label_ids(),
        "snippet": " ".join(message.digest.text.split())[:200],
        "historyId": str(message.history_id),
        "internalDate": str(int(message.received_at * 1000)),
        "sizeEstimate": len(message.raw),
    }
    if form == "raw":
        view["raw"] = base64.urlsafe_b64encode(message.raw).decode()
    elif form == "metadata":
        view["payload"] = _metadata(message, headers or [])
    elif form == "full":
        view["payload"] = _part(mime.parse(message.raw), "")
    return view


def view_ids(message: GmailMessage) -> dict[str, Any]:
    return {"id": message.id, "threadId": message.thread_id, "labelIds": message.label_ids()}


def _metadata(message: GmailMessage, wanted: list[str]) -> dict[str, Any]:
    names = {name.lower() for name in wanted}
    parsed = mime.read_headers(message.raw)
    headers = _headers(parsed)
    if names:
        headers = [header for header in headers if header["name"].lower() in names]
    return {"mimeType": parsed.get_content_type(), "headers": headers}


def _headers(part: Message) -> list[dict[str, str]]:
    return [{"name": name, "value": " ".join(str(value).split())} for name, value in part.items()]


def _part(part: Message, part_id: str) -> dict[str, Any]:
    """One MIME part; the data of attachments is fetched by an id of its own."""
    view: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": part.get_filename() or "",
        "headers": _headers(part),
    }
    payload = part.get_payload()
    if isinstance(payload, list):
        view["body"] = {"size": 0}
        prefix = f"{part_id}." if part_id else ""
        view["parts"] = [_part(child, f"{prefix}{number}") for number, child in enumerate(payload)]
        return view
    decoded = part.get_payload(decode=True)
    data = decoded if isinstance(decoded, bytes) else b""
    if view["filename"]:
        view["body"] = {"attachmentId": f"ANGjdJ{part_id or 0}", "size": len(data)}
    else:
        view["body"] = {"size": len(data), "data": base64.urlsafe_b64encode(data).decode()}
    return view


def attachment(message: GmailMessage, attachment_id: str) -> bytes | None:
    """The data behind an `attachmentId` of this message."""
    wanted = attachment_id.removeprefix("ANGjdJ")
    part: Message = mime.parse(message.raw)
    for number in wanted.split(".") if part.is_multipart() else []:
        children = part.get_payload()
        if not isinstance(children, list) or not number.isdigit() or int(number) >= len(children):
            return None
        child = children[int(number)]
        assert isinstance(child, Message)
        part = child
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else None

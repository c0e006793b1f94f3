"""From Graph's JSON message to MIME, and edits of a draft.

https://learn.microsoft.com/graph/api/resources/message
"""

import base64
import binascii
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Any

from sandbox import ids, mime
from sandbox.calls import ApiError, Call
from sandbox.graph.errors import bad_request

HEADERS_MAX = 5
_RECIPIENT_HEADERS = {
    "toRecipients": "To",
    "ccRecipients": "Cc",
    "bccRecipients": "Bcc",
    "replyTo": "Reply-To",
}
DRAFT_ONLY = frozenset({*_RECIPIENT_HEADERS, "subject", "body", "internetMessageId", "from", "sender"})
ALWAYS = frozenset({"isRead", "categories", "flag", "importance"})


def make_message_id() -> str:
    """As Exchange Online makes them."""
    mark = ids.request_id().replace("-", "").upper()
    return f"<AM0PR01MB{mark[:20]}@AM0PR01MB0001.eurprd01.prod.exchangelabs.com>"


def compose_json(call: Call, document: dict[str, Any]) -> bytes:
    """A message resource as MIME; raises the API's 400 for what Exchange does not take."""
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(datetime.fromtimestamp(call.now, UTC))
    _set_headers(call, message, document)
    message["MIME-Version"] = "1.0"
    set_fields(call, message, document)
    if message.get_content_type() != "text/html" and not message.is_multipart() and not document.get("body"):
        message.set_content("")
    for attachment in document.get("attachments") or []:
        attach(call, message, attachment)
    return message.as_bytes()


def _set_headers(call: Call, message: EmailMessage, document: dict[str, Any]) -> None:
    headers = document.get("internetMessageHeaders") or []
    if len(headers) > HEADERS_MAX:
        text = f"Maximum number of headers in one message should be less than or equal to {HEADERS_MAX}."
        raise bad_request(call, text, "InvalidInternetMessageHeaderCollection")
    for header in headers:
        name, value = str(header.get("name", "")), str(header.get("value", ""))
        if not name.lower().startswith("x-"):
            text = f"The internet message header name '{name}' should start with 'x-' or 'X-'."
            raise bad_request(call, text, "InvalidInternetMessageHeader")
        message[name] = " ".join(value.split())
        call.mailbox.used_headers.add(name.lower())


def set_fields(call: Call, message: EmailMessage, document: dict[str, Any]) -> None:
    """Write the given properties of a message resource into the draft."""
    for name, header in _RECIPIENT_HEADERS.items():
        if name in document:
            del message[header]
            if shown := _addresses(call, document[name] or []):
                message[header] = shown
    if document.get("from"):
        del message["From"]
        message["From"] = _addresses(call, [document["from"]])
    if "subject" in document:
        del message["Subject"]
        message["Subject"] = " ".join(str(document["subject"] or "").split())
    if document.get("internetMessageId"):
        del message["Message-ID"]
        message["Message-ID"] = str(document["internetMessageId"])
    if document.get("body"):
        _set_body(message, document["body"])


def _addresses(call: Call, recipients: list[Any]) -> str:
    pairs = []
    for recipient in recipients:
        entry = recipient.get("emailAddress") if isinstance(recipient, dict) else None
        if not isinstance(entry, dict) or not entry.get("address"):
            raise bad_request(call, "At least one recipient is not valid.", "ErrorInvalidRecipients")
        name = entry.get("name")
        pairs.append(formataddr((str(name) if name and name != entry["address"] else "", entry["address"])))
    return ", ".join(pairs)


def _set_body(message: EmailMessage, body: dict[str, Any]) -> None:
    subtype = "html" if str(body.get("contentType", "text")).lower() == "html" else "plain"
    content = str(body.get("content") or "")
    part = message.get_body(("html", "plain")) if message.is_multipart() else message
    (part or message).set_content(content, subtype=subtype)


def attach(call: Call, message: EmailMessage, document: dict[str, Any]) -> None:
    """Add a fileAttachment resource; raises the API's 400 when it is not one."""
    try:
        data = base64.b64decode(document["contentBytes"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise bad_request(call, "The attachment has no valid contentBytes.", "RequestBodyRead") from None
    add_file(message, str(document.get("name") or "attachment"), document.get("contentType"), data)


def add_file(message: EmailMessage, name: str, content_type: Any, data: bytes) -> None:
    main, _, sub = str(content_type or "application/octet-stream").partition("/")
    message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=name)


def decode_mime(call: Call) -> bytes:
    """The raw message of a `text/plain` request: standard base64, line breaks allowed."""
    data = b"".join(call.request.get_data().split())
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise _invalid_base64(call) from None
    if not raw or not mime.fields(raw):
        raise _invalid_base64(call)
    return raw


def _invalid_base64(call: Call) -> ApiError:
    message = "Invalid base64 string for MIME content."
    return bad_request(call, message, "ErrorMimeContentInvalidBase64String")

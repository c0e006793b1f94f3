"""Attachments that do not fit into one Graph request.

https://learn.microsoft.com/graph/outlook-large-attachments: up to 3 MB in one POST, beyond that through an
upload session on an Outlook host, without our token.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesParser
from urllib.parse import urlsplit

from providers.answers import as_text
from providers.api import Api, Content
from providers.errors import MessageRejected, PermanentError
from providers.graph.mailbox import message_path, post
from providers.help import general_help
from providers.messages import AccessToken, Draft
from providers.session import Call

# Below this an attachment goes in one POST; base64 makes it 4 MB.
SINGLE_POST_BYTES = 3_000_000
# A chunk is below 4 MB and a multiple of 320 KiB.
CHUNK_BYTES = 10 * 320 * 1024
# Where upload sessions live: Exchange Online's own hosts, national clouds included.
UPLOAD_DOMAINS = (
    "outlook.office.com",
    "outlook.office365.com",
    "outlook.office365.us",
    "outlook-dod.office365.us",
    "partner.outlook.cn",
)
# compat32 keeps every header as it was written.
_POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=None)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file taken out of a message."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


def split_attachments(mime: bytes, limit: int) -> tuple[bytes, tuple[Attachment, ...]]:
    """The message without its largest attachments, so that it has at most `limit` bytes, and those.

    Raises MessageRejected where it stays too large.
    """
    if len(mime) <= limit:
        return mime, ()
    message = BytesParser(policy=_POLICY).parsebytes(mime)
    taken: list[Attachment] = []
    for part in _attachment_parts(message):
        if len(mime) <= limit:
            break
        taken.append(_take_out(message, part))
        mime = message.as_bytes(policy=_POLICY)
    if len(mime) > limit:
        code = "message-too-large"
        raise MessageRejected(
            f"The text of the message alone has more than {limit} bytes.", code=code, help=general_help(code)
        )
    return mime, tuple(taken)


def attach(api: Api, token: AccessToken, draft: Draft, attachment: Attachment) -> None:
    """Add an attachment to a draft."""
    path = f"{message_path(token.email, draft.id)}/attachments"
    if len(attachment.content) < SINGLE_POST_BYTES:
        post(api, token, path, Content.json(_file_attachment(attachment)), ok=(201,))
        return
    item = {"attachmentType": "file", "name": attachment.name, "size": len(attachment.content)}
    answer = post(
        api, token, f"{path}/createUploadSession", Content.json({"AttachmentItem": item}), ok=(201,)
    )
    _upload(api, as_text(answer.fields().get("uploadUrl")), attachment.content)


def _upload(api: Api, url: str, content: bytes) -> None:
    """Chunks in order. The address is secret enough by itself: our token never goes there."""
    if not _is_upload_address(api, url):
        raise PermanentError(
            f"Microsoft named an upload address that is not its own ({urlsplit(url).hostname}).",
            code="foreign-link",
            help=general_help("foreign-link"),
        )
    for start in range(0, len(content), CHUNK_BYTES):
        chunk = content[start : start + CHUNK_BYTES]
        end = start + len(chunk)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"bytes {start}-{end - 1}/{len(content)}",
        }
        answer = api.http.once(Call("PUT", url, headers, chunk))
        if answer.status != (201 if end == len(content) else 200):
            raise api.error_for(answer)


def _is_upload_address(api: Api, url: str) -> bool:
    if api.is_own(url):
        return True
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(
        host == domain or host.endswith(f".{domain}") for domain in UPLOAD_DOMAINS
    )


def _attachment_parts(message: Message) -> list[Message]:
    """Files directly below a multipart/mixed, largest first."""
    if message.get_content_type() != "multipart/mixed":
        return []
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    files = [
        part for part in parts if part.get_content_disposition() == "attachment" and not part.is_multipart()
    ]
    return sorted(files, key=lambda part: len(str(part.get_payload())), reverse=True)


def _take_out(message: Message, part: Message) -> Attachment:
    content = part.get_payload(decode=True)
    message.set_payload([other for other in message.get_payload() if other is not part])
    return Attachment(
        part.get_filename() or "attachment",
        part.get_content_type(),
        content if isinstance(content, bytes) else b"",
    )


def _file_attachment(attachment: Attachment) -> dict[str, str]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": attachment.name,
        "contentType": attachment.content_type,
        "contentBytes": base64.b64encode(attachment.content).decode(),
    }

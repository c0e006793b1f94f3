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
from typing import Any

from providers.answers import as_text
from providers.api import Api, Content, origin_of
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
    """A file taken out of a message. `content_id`: the HTML shows it under this name."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""


def split_attachments(mime: bytes, limit: int) -> tuple[bytes, tuple[Attachment, ...]]:
    """The message without its largest attachments, so that it has at most `limit` bytes, and those.

    Raises MessageRejected where it stays too large.
    """
    if len(mime) <= limit:
        return mime, ()
    message = BytesParser(policy=_POLICY).parsebytes(mime)
    taken: list[Attachment] = []
    for parent, part in _files_of(message):
        if len(mime) <= limit:
            break
        taken.append(_take_out(parent, part))
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
    item: dict[str, Any] = {
        "attachmentType": "file",
        "name": attachment.name,
        "size": len(attachment.content),
    }
    item |= {"contentType": attachment.content_type, **_inline_fields(attachment)}
    answer = post(
        api, token, f"{path}/createUploadSession", Content.json({"AttachmentItem": item}), ok=(201,)
    )
    _upload(api, as_text(answer.fields().get("uploadUrl")), attachment.content)


def _upload(api: Api, url: str, content: bytes) -> None:
    """Chunks in order. The address is secret enough by itself: our token never goes there."""
    if not _is_upload_address(api, url):
        raise PermanentError(
            f"Microsoft named an upload address that is not its own ({origin_of(url)[1] or 'no host'}).",
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
    scheme, host, port = origin_of(url)
    return (scheme, port) == ("https", 443) and any(
        host == domain or host.endswith(f".{domain}") for domain in UPLOAD_DOMAINS
    )


def _files_of(message: Message) -> list[tuple[Message, Message]]:
    """(parent, part) of each attachment and each picture that the HTML shows, largest first."""
    pairs = [
        (parent, part)
        for parent in message.walk()
        if parent.get_content_maintype() == "multipart"
        for part in parent.get_payload()
        if isinstance(part, Message) and _is_file(part)
    ]
    return sorted(pairs, key=lambda pair: len(str(pair[1].get_payload())), reverse=True)


def _is_file(part: Message) -> bool:
    if part.is_multipart():
        return False
    is_shown = bool(part.get("Content-ID")) and part.get_content_maintype() != "text"
    return is_shown or part.get_content_disposition() == "attachment"


def _take_out(parent: Message, part: Message) -> Attachment:
    content = part.get_payload(decode=True)
    parent.set_payload([other for other in parent.get_payload() if other is not part])
    return Attachment(
        part.get_filename() or "attachment",
        part.get_content_type(),
        content if isinstance(content, bytes) else b"",
        str(part.get("Content-ID") or "").strip().strip("<>"),
    )


def _file_attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": attachment.name,
        "contentType": attachment.content_type,
        "contentBytes": base64.b64encode(attachment.content).decode(),
        **_inline_fields(attachment),
    }


def _inline_fields(attachment: Attachment) -> dict[str, Any]:
    return {"isInline": True, "contentId": attachment.content_id} if attachment.content_id else {}

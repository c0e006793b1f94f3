"""Attachments of a draft, small ones at once and large ones through an upload session.

https://learn.microsoft.com/graph/outlook-large-attachments
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox import ids, mime
from sandbox.calls import Call
from sandbox.clock import rfc3339
from sandbox.execution import execute
from sandbox.graph.composing import add_file, attach
from sandbox.graph.errors import GraphDialect, bad_request, graph_error, not_found
from sandbox.graph.mailbox import GraphMailbox, GraphMessage
from sandbox.graph.queries import find_message, read_body
from sandbox.graph.replying import answer, empty
from sandbox.http import json_response, origin
from sandbox.world import World

SMALL_MAX = 3 * 1024 * 1024
LARGE_MAX = 150 * 1024 * 1024
CHUNK_MAX = 4 * 1024 * 1024
SESSION_SECONDS = 3 * 86_400
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass
class Upload:
    """One session; `data` grows chunk by chunk, in order."""

    mailbox: GraphMailbox
    message: GraphMessage
    name: str
    content_type: str
    size: int
    expires_at: float
    data: bytearray = field(default_factory=bytearray)


def list_attachments(call: Call) -> Response:
    message = find_message(call)
    return answer(call, {"value": _attachments(message)}, context="attachments")


def _attachments(message: GraphMessage) -> list[dict[str, Any]]:
    rows = []
    for number, part in enumerate(mime.parse(message.raw).walk()):
        if part.get_content_disposition() != "attachment":
            continue
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else part.as_bytes()
        rows.append(
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "id": f"{message.rest_id}-{number}",
                "name": part.get_filename() or "attachment",
                "contentType": part.get_content_type(),
                "size": len(data),
                "isInline": False,
                "contentBytes": base64.b64encode(data).decode(),
            }
        )
    return rows


def create_attachment(call: Call) -> Response:
    """`POST …/attachments`: a file below 3 MB."""
    message, body = _draft(call), read_body(call)
    if len(str(body.get("contentBytes") or "")) * 3 // 4 > SMALL_MAX:
        text = "The attachment is too large: use an upload session."
        raise graph_error(call, 413, "ErrorMessageSizeExceeded", text)
    edited = mime.editable(message.raw)
    attach(call, edited, body)
    message.rewrite(edited.as_bytes())
    call.mailbox.touch(message, call.now)
    return answer(call, _attachments(message)[-1], 201, context="attachments/$entity")


def _draft(call: Call) -> GraphMessage:
    message = find_message(call)
    if not message.is_draft or message.in_transit:
        raise bad_request(call, "Only a draft takes attachments.", "ErrorInvalidOperation")
    return message


def create_upload_session(call: Call) -> Response:
    """`POST …/attachments/createUploadSession`: 201 with the address to put chunks to."""
    message = _draft(call)
    body = {name.lower(): value for name, value in read_body(call).items()}
    item = body.get("attachmentitem")
    size = item.get("size") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(size, int) or not 0 < size <= LARGE_MAX:
        raise bad_request(call, "AttachmentItem needs a name and a size.", "ErrorInvalidRequest")
    upload = Upload(
        mailbox=call.mailbox,
        message=message,
        name=str(item.get("name") or "attachment"),
        content_type=str(item.get("contentType") or "application/octet-stream"),
        size=size,
        expires_at=call.now + SESSION_SECONDS,
    )
    session = ids.request_id()
    call.world.uploads[session] = upload
    session_body = {
        "uploadUrl": f"{origin(call.request)}/graph/upload/{session}",
        "expirationDateTime": rfc3339(upload.expires_at),
        "nextExpectedRanges": ["0-"],
    }
    return answer(call, session_body, 201, context="uploadSession")


def respond_to_upload(world: World, request: Request, session: str) -> Response:
    """`PUT uploadUrl`: the address itself is the permission, an Authorization header an error."""
    upload: Upload | None = world.uploads.get(session)
    call = Call("graph.upload", request, world, upload.mailbox if upload else None)
    call.values["session"] = session
    return execute(call, GraphDialect(), _put_chunk)


def _put_chunk(call: Call) -> Response:
    upload: Upload | None = call.world.uploads.get(call.values["session"])
    if upload is None or upload.expires_at <= call.now:
        raise not_found(call)
    if "Authorization" in call.request.headers:
        call.note("authorization-sent-to-upload-url")
        raise graph_error(call, 401, "InvalidAudience", "The audience claim value is invalid.")
    found = _RANGE.fullmatch(call.request.headers.get("Content-Range", ""))
    data = call.request.get_data()
    if found is None or int(found[1]) != len(upload.data) or len(data) > CHUNK_MAX:
        raise bad_request(call, "The range of the upload is not the expected one.", "ErrorInvalidRange")
    if int(found[2]) - int(found[1]) + 1 != len(data) or int(found[3]) != upload.size:
        raise bad_request(call, "The range does not fit the data.", "ErrorInvalidRange")
    upload.data += data
    if len(upload.data) < upload.size:
        return json_response({"nextExpectedRanges": [str(len(upload.data))]})
    return _finish(call, upload)


def _finish(call: Call, upload: Upload) -> Response:
    edited = mime.editable(upload.message.raw)
    add_file(edited, upload.name, upload.content_type, bytes(upload.data))
    upload.message.rewrite(edited.as_bytes())
    upload.mailbox.touch(upload.message, call.now)
    del call.world.uploads[call.values["session"]]
    response = empty(call, 201)
    response.headers["Location"] = f"{origin(call.request)}/graph/v1.0/attachments/{ids.request_id()}"
    return response

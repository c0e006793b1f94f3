"""Messages that come as a media, multipart or resumable upload instead of JSON.

https://developers.google.com/workspace/gmail/api/guides/uploads
"""

import email
import json
from email.policy import compat32
from typing import Any

from werkzeug.wrappers import Response

from sandbox import ids
from sandbox.calls import Call
from sandbox.gmail.errors import bad_request
from sandbox.http import origin

Uploaded = tuple[bytes, dict[str, Any]]


def uploaded(call: Call) -> Uploaded | None:
    """The raw message and its metadata; None for a call that is no upload."""
    if "upload" not in call.values:
        return None
    kind = call.request.args.get("uploadType", "")
    if kind == "media":
        _check_type(call.request.mimetype)
        return call.request.get_data(), {}
    if kind == "multipart":
        return _from_multipart(call)
    if kind == "resumable" and "upload_id" in call.request.args:
        metadata = call.world.uploads.pop(call.request.args["upload_id"], None)
        if metadata is None:
            raise bad_request("Unknown upload id.")
        return call.request.get_data(), metadata
    raise bad_request("uploadType must be media, multipart or resumable.")


def _check_type(mimetype: str) -> None:
    if mimetype != "message/rfc822":
        raise bad_request(f"Media type '{mimetype}' is not supported. Valid media types: [message/rfc822]")


def _from_multipart(call: Call) -> Uploaded:
    head = f"Content-Type: {call.request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    body = call.request.get_data()
    parsed = email.message_from_bytes(head + body, policy=compat32)
    parts = parsed.get_payload()
    if parsed.get_content_maintype() != "multipart" or not isinstance(parts, list) or len(parts) != 2:
        raise bad_request("Failed to parse the multipart upload: two parts are expected.")
    boundary = str(parsed.get_param("boundary", "")).encode()
    # The message part is cut out of the bytes, since parsing would rewrite it.
    pieces = body.split(b"--" + boundary)
    if len(pieces) != 4:
        raise bad_request("Failed to parse the multipart upload.")
    metadata, media = (_part(piece) for piece in pieces[1:3])
    _check_type(media[0])
    return media[1], json.loads(metadata[1] or b"{}")


def _part(piece: bytes) -> tuple[str, bytes]:
    text = piece.replace(b"\r\n", b"\n", 1).lstrip(b"\n")
    for gap in (b"\r\n\r\n", b"\n\n"):
        head, found, data = text.partition(gap)
        if found:
            break
    kind = email.message_from_bytes(head + b"\n\n").get_content_type()
    return kind, data.removesuffix(b"\n").removesuffix(b"\r")


def begins_resumable(call: Call) -> bool:
    args = call.request.args
    return "upload" in call.values and args.get("uploadType") == "resumable" and "upload_id" not in args


def begin_resumable(call: Call) -> Response:
    """The first step of a resumable upload: 200 with the address for the data."""
    session = ids.request_id()
    call.world.uploads[session] = json.loads(call.request.get_data() or b"{}")
    query = f"uploadType=resumable&upload_id={session}"
    location = f"{origin(call.request)}{call.request.path}?{query}"
    return Response(status=200, headers={"Location": location, "X-GUploader-UploadID": session})

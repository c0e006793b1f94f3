"""HTTP batch: up to a hundred requests in one multipart/mixed body, each with its own answer.

https://developers.google.com/workspace/gmail/api/guides/batch
"""

import email
import secrets
from email.message import Message
from email.policy import compat32
from http import HTTPStatus
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from sandbox.calls import ApiError, Call
from sandbox.execution import execute
from sandbox.gmail.errors import GmailDialect, bad_request
from sandbox.gmail.routes import respond as respond_to_part
from sandbox.http import json_response, origin
from sandbox.world import World

PARTS_MAX = 100


def respond(world: World, request: Request) -> Response:
    """The outer answer is 200 whatever becomes of the parts; the parts carry their own statuses."""
    call = Call("gmail.batch", request, world)
    parts: list[Message] = []

    def read(call: Call) -> Response:
        parts.extend(_read_parts(call))
        return json_response({})

    opened = execute(call, GmailDialect(), read)
    if opened.status_code != 200:
        return opened
    answers = [_run(call, part) for part in parts]
    boundary = f"batch_{secrets.token_urlsafe(16)}"
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + answer + b"\r\n" for answer in answers)
    body += b"--" + boundary.encode() + b"--\r\n"
    return Response(body, content_type=f"multipart/mixed; boundary={boundary}")


def _read_parts(call: Call) -> list[Message]:
    head = f"Content-Type: {call.request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + call.request.get_data(), policy=compat32)
    parts = parsed.get_payload()
    if parsed.get_content_maintype() != "multipart" or not isinstance(parts, list) or not parts:
        raise bad_request(
            "Failed to parse batch request, error: 0 items. Received batch body: ()", "badRequest"
        )
    if len(parts) > PARTS_MAX:
        raise bad_request(f"The batch request exceeds the maximum of {PARTS_MAX} calls.", "badRequest")
    return [part for part in parts if isinstance(part, Message)]


def _run(outer: Call, part: Message) -> bytes:
    try:
        request = _inner_request(outer, part)
    except ApiError as error:
        return _as_part(part, error.response)
    path = urlsplit(request.full_path).path
    # Clients whose base URL has our prefix repeat it in the inner request line.
    if path.startswith("/gmail/gmail/"):
        path = path.removeprefix("/gmail")
    return _as_part(part, respond_to_part(outer.world, request, path, inner=True))


def _inner_request(outer: Call, part: Message) -> Request:
    payload = part.get_payload(decode=True)
    data = (payload if isinstance(payload, bytes) else b"").lstrip(b"\r\n")
    line, _, rest = data.partition(b"\n")
    words = line.decode("latin-1").split()
    if part.get_content_type() != "application/http" or len(words) < 2:
        raise bad_request("Failed to parse a part of the batch request.", "badRequest")
    if "://" in words[1]:
        outer.note("absolute-url-in-batch", words[1])
    inner = email.message_from_bytes(rest if rest.strip() else b"\r\n", policy=compat32)
    body = inner.get_payload(decode=True)
    kept = [(name, str(value)) for name, value in inner.items() if name.lower() != "content-length"]
    headers = Headers(kept)
    headers.setdefault("Authorization", outer.request.headers.get("Authorization", ""))
    target = urlsplit(words[1])
    builder = EnvironBuilder(
        path=target.path,
        query_string=target.query,
        base_url=origin(outer.request),
        method=words[0],
        headers=headers,
        data=body if isinstance(body, bytes) else b"",
    )
    return Request(builder.get_environ())


def _as_part(part: Message, response: Response) -> bytes:
    """A whole HTTP answer; the Content-ID is echoed as it came, spaces included."""
    content_id = str(part.get("Content-ID", "")).strip()
    echoed = f"<response-{content_id[1:]}" if content_id.startswith("<") else f"response-{content_id}"
    phrase = HTTPStatus(response.status_code).phrase
    lines = ["Content-Type: application/http"]
    if content_id:
        lines.append(f"Content-ID: {echoed}")
    lines += ["", f"HTTP/1.1 {response.status_code} {phrase}"]
    data = response.get_data()
    kept = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
    lines += [f"{name}: {value}" for name, value in kept]
    lines += [f"Content-Length: {len(data)}", "", ""]
    return "\r\n".join(lines).encode() + data

"""Answers of Graph with the headers that all of them carry."""

from typing import Any

from werkzeug.wrappers import Response

from sandbox import ids
from sandbox.calls import Call
from sandbox.graph.errors import CONTENT_TYPE
from sandbox.http import json_response, origin


def trace_headers(call: Call) -> dict[str, str]:
    request_id = ids.request_id()
    return {
        "request-id": request_id,
        "client-request-id": call.request.headers.get("client-request-id", request_id),
    }


def answer(
    call: Call, document: dict[str, Any], status: int = 200, *, context: str = "", location: str = ""
) -> Response:
    """JSON with its `@odata.context`."""
    user = call.values.get("user", "")
    metadata = f"{origin(call.request)}/graph/v1.0/$metadata#users('{user}')/{context}"
    headers = trace_headers(call)
    if location:
        headers["Location"] = location
    body = {"@odata.context": metadata, **document}
    return json_response(body, status, content_type=CONTENT_TYPE, headers=headers)


def empty(call: Call, status: int) -> Response:
    response = Response(status=status, headers=trace_headers(call))
    response.headers.pop("Content-Type", None)
    return response

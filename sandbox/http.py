"""Small parts of HTTP that every endpoint uses."""

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response


def json_response(
    document: Any,
    status: int = 200,
    *,
    content_type: str = "application/json; charset=utf-8",
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return Response(body, status=status, content_type=content_type, headers=dict(headers or {}))


def bearer_token(request: Request) -> str:
    """The access token of the call; an empty string without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body; raises ValueError when it is none."""
    document = json.loads(request.get_data() or b"{}")
    if not isinstance(document, dict):
        raise ValueError("The body must be a JSON object.")
    return document


def origin(request: Request) -> str:
    """`http://127.0.0.1:8025`, as the caller addressed us."""
    return f"{request.scheme}://{request.host}"

"""`$batch`: up to twenty requests in one, of which Exchange runs four at a time for a mailbox.

https://learn.microsoft.com/graph/json-batching
"""

import base64
import json
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from sandbox.calls import ApiError, Call
from sandbox.execution import execute, leave_place, take_place
from sandbox.graph import access
from sandbox.graph.errors import GraphDialect, bad_request, graph_error
from sandbox.graph.queries import read_body
from sandbox.graph.routes import Operation, prepare, run
from sandbox.http import json_response, origin
from sandbox.world import World

PARTS_MAX = 20
Part = dict[str, Any]
Ready = tuple[Part, Call, Operation]


def respond(world: World, request: Request) -> Response:
    """The outer answer is 200 whenever the JSON makes sense."""
    call = Call("graph.batch", request, world)
    try:
        call.grant = access.authenticate(call)
    except ApiError as error:
        return error.response
    return _outer(call)


def _outer(call: Call) -> Response:
    # The parts run outside the world's lock, like requests of their own.
    parts: list[Part] = []

    def read(call: Call) -> Response:
        parts.extend(_read_parts(call))
        return json_response({})

    opened = execute(call, GraphDialect(), read)
    if opened.status_code != 200:
        return opened
    answers = _run_waves(call, parts)
    # The order of the answers is nobody's business; this one is never that of the requests.
    return json_response({"responses": [answers[part["id"]] for part in reversed(parts)]})


def _read_parts(call: Call) -> list[Part]:
    parts = read_body(call).get("requests")
    if not isinstance(parts, list) or not 0 < len(parts) <= PARTS_MAX:
        text = f"Number of batch request steps is over the maximum allowed value of {PARTS_MAX}."
        raise bad_request(call, text, "MaximumValueExceeded")
    for part in parts:
        if not isinstance(part, dict) or not part.get("id") or not part.get("method") or not part.get("url"):
            raise bad_request(call, "Every request of a batch needs id, method and url.")
        part["id"] = str(part["id"])
        part["dependsOn"] = part.get("dependsOn") or []
    _check_ids(call, parts)
    return parts


def _check_ids(call: Call, parts: list[Part]) -> None:
    names = [part["id"].lower() for part in parts]
    if len(set(names)) != len(names):
        raise bad_request(call, "Request Id has to be unique in a batch.")
    before: set[str] = set()
    for part in parts:
        if unknown := [name for name in part["dependsOn"] if str(name).lower() not in before]:
            raise bad_request(call, f"Request dependency '{unknown[0]}' does not come before it.")
        before.add(part["id"].lower())


def _run_waves(call: Call, parts: list[Part]) -> dict[str, Part]:
    """Everything whose dependencies are done runs at once, then what waited for it."""
    answers: dict[str, Part] = {}
    waiting = list(parts)
    while waiting:
        done = {name.lower() for name in answers}
        wave = [part for part in waiting if all(str(one).lower() in done for one in part["dependsOn"])]
        waiting = [part for part in waiting if part not in wave]
        answers |= _run_wave(call, wave, answers)
    return answers


def _run_wave(outer: Call, wave: list[Part], before: dict[str, Part]) -> dict[str, Part]:
    by_lower = {name.lower(): answer for name, answer in before.items()}
    answers: dict[str, Part] = {}
    ready: list[Ready] = []
    for part in wave:
        if any(by_lower[str(name).lower()]["status"] >= 400 for name in part["dependsOn"]):
            error = graph_error(outer, 424, "FailedDependency", "Failed dependency")
            answers[part["id"]] = _as_part(part, error.response)
            continue
        try:
            _place(outer, part, ready)
        except ApiError as error:
            answers[part["id"]] = _as_part(part, error.response)
    try:
        for part, call, operation in ready:
            answers[part["id"]] = _as_part(part, run(call, operation))
    finally:
        for _, call, _ in ready:
            if call.mailbox is not None:
                leave_place(call)
    return answers


def _place(outer: Call, part: Part, ready: list[Ready]) -> None:
    """Take the part's place among the calls of its mailbox; raises ApiError when there is none."""
    request = _inner_request(outer, part)
    path = urlsplit(request.full_path).path
    call, operation = prepare(outer.world, request, path.removeprefix("/graph/v1.0"), inner=True)
    dialect = GraphDialect()
    if call.mailbox is not None and not take_place(call, dialect):
        raise dialect.too_many_at_once(call)
    ready.append((part, call, operation))


def _inner_request(outer: Call, part: Part) -> Request:
    url = str(part["url"])
    own = f"{origin(outer.request)}/graph/v1.0"
    if url.startswith(own):
        outer.note("absolute-url-in-batch", url)
        url = url.removeprefix(own)
    if "://" in url:
        raise bad_request(outer, f"Invalid request URL '{url}' in batch: it must be relative.")
    headers = Headers([(str(name), str(value)) for name, value in (part.get("headers") or {}).items()])
    body = part.get("body")
    if body is not None and "Content-Type" not in headers:
        raise bad_request(outer, "A request of a batch with a body needs its Content-Type header.")
    headers.setdefault("Authorization", outer.request.headers.get("Authorization", ""))
    target = urlsplit(url)
    builder = EnvironBuilder(
        path=f"/graph/v1.0/{target.path.lstrip('/')}",
        query_string=target.query,
        base_url=origin(outer.request),
        method=str(part["method"]).upper(),
        headers=headers,
        data=_inner_data(body),
    )
    return Request(builder.get_environ())


def _inner_data(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _as_part(part: Part, response: Response) -> Part:
    """JSON stays JSON; anything else, such as `$value`, becomes a base64 string."""
    headers = dict(response.headers.items())
    answer: Part = {"id": part["id"], "status": response.status_code, "headers": headers}
    data = response.get_data()
    if data and response.mimetype == "application/json":
        answer["body"] = json.loads(data)
    elif data:
        answer["body"] = base64.b64encode(data).decode()
    return answer

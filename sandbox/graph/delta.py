"""Delta queries: what changed in one folder since a token.

https://learn.microsoft.com/graph/api/message-delta
"""

import base64
import hashlib
import json
import re
from typing import Any

from werkzeug.wrappers import Response

from sandbox.calls import ApiError, Call
from sandbox.clock import parse_rfc3339
from sandbox.graph.errors import bad_request, graph_error
from sandbox.graph.mailbox import Change, Folder, GraphMessage
from sandbox.graph.odata import FilterError
from sandbox.graph.queries import folder_missing, option, page_size, parse_filter, selected
from sandbox.graph.replying import answer
from sandbox.graph.views import read_property, view_message, wants_immutable_ids
from sandbox.http import origin

_SEAL = b"sandbox-delta-token"
# A round limited by receivedDateTime ends here, whatever else there is.
_FILTERED_MAX = 5_000
_PAGE = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)", re.IGNORECASE)

State = dict[str, Any]


def delta(call: Call) -> Response:
    """The first round lists the folder, later ones its changes; parameters are baked into the links."""
    folder = call.mailbox.folder(call.values["folder"])
    if folder is None:
        raise folder_missing(call)
    text = option(call, "$deltatoken") or option(call, "$skiptoken")
    state = _open_token(call, folder, text) if text else _first_state(call, folder)
    if text and call.has_fault("gone"):
        raise _gone(call)
    if state["immutable"] != wants_immutable_ids(call):
        call.note("lost-immutable-id-preference", "delta")
    if call.has_fault("empty-page"):
        return _answer(call, [], state, "nextLink", "$skiptoken")
    if state["first"]:
        return _listing(call, folder, state)
    return _changes(call, folder, state)


def _first_state(call: Call, folder: Folder) -> State:
    change_type = option(call, "changetype")
    if change_type not in (None, "created", "updated", "deleted"):
        raise bad_request(call, f"Invalid changeType '{change_type}'.")
    order = option(call, "$orderby")
    if order not in (None, "receivedDateTime desc"):
        raise bad_request(call, "The query parameter '$orderby' is not supported.")
    _check_filter(call)
    prefer = _PAGE.search(",".join(call.request.headers.getlist("Prefer")))
    size = int(prefer[1]) if prefer else page_size(call)
    return {
        "epoch": call.mailbox.delta_epoch,
        "folder": folder.key,
        "first": True,
        "from": len(folder.changes),
        "after": 0,
        "until": max(call.mailbox.by_key, default=0),
        "sent": 0,
        "size": max(1, size),
        "select": selected(call),
        "filter": option(call, "$filter"),
        "type": change_type,
        "immutable": wants_immutable_ids(call),
    }


def _check_filter(call: Call) -> None:
    condition = parse_filter(call)
    text = (option(call, "$filter") or "").split()
    allowed = len(text) == 3 and text[0] == "receivedDateTime" and text[1] in ("ge", "gt")
    if condition is not None and not allowed:
        raise bad_request(call, "Only receivedDateTime ge or gt can be filtered by in a delta query.")


def _listing(call: Call, folder: Folder, state: State) -> Response:
    rows = [
        message
        for message in call.mailbox.in_folder(folder.key)
        if state["after"] < message.key <= state["until"] and _passes(message, state)
    ]
    room = _FILTERED_MAX - state["sent"] if state["filter"] else len(rows)
    page = rows[: min(state["size"], room)]
    shown = [view_message(call, message, state["select"]) for message in page]
    state["sent"] += len(page)
    if len(page) < len(rows) and len(page) < room:
        return _answer(call, shown, {**state, "after": page[-1].key}, "nextLink", "$skiptoken")
    return _answer(call, shown, {**state, "first": False}, "deltaLink", "$deltatoken")


def _passes(message: GraphMessage, state: State) -> bool:
    if not state["filter"]:
        return True
    try:
        _, operator, value = state["filter"].split()
        received = read_property(message, "receivedDateTime")
        limit = parse_rfc3339(value)
        return bool(received > limit if operator == "gt" else received >= limit)
    except (FilterError, ValueError):
        return False


def _changes(call: Call, folder: Folder, state: State) -> Response:
    log = folder.changes
    start = state["from"]
    if call.mailbox.settings.delta_repeats and 0 < start < len(log):
        start -= 1
    rows: dict[int, dict[str, Any]] = {}
    while start < len(log) and len(rows) < state["size"]:
        change = log[start]
        start += 1
        if (row := _change_row(call, folder, state, change)) is not None:
            # The latest state of an item takes the place of an earlier one.
            rows.pop(change.key, None)
            rows[change.key] = row
    state = {**state, "from": start}
    if start < len(log):
        return _answer(call, list(rows.values()), state, "nextLink", "$skiptoken")
    return _answer(call, list(rows.values()), state, "deltaLink", "$deltatoken")


def _change_row(call: Call, folder: Folder, state: State, change: Change) -> dict[str, Any] | None:
    if state["type"] not in (None, change.kind):
        return None
    message = call.mailbox.by_key.get(change.key)
    if change.kind == "deleted" or message is None or message.folder != folder.key:
        if state["type"] == "created":
            return None
        identity = change.immutable_id if wants_immutable_ids(call) else change.rest_id
        return {"@removed": {"reason": "deleted"}, "id": identity}
    if not _passes(message, state):
        return None
    return view_message(call, message, state["select"])


def _answer(call: Call, rows: list[dict[str, Any]], state: State, link: str, parameter: str) -> Response:
    url = f"{origin(call.request)}{call.request.path}?{parameter}={_seal_token(state)}"
    body = {"value": rows, f"@odata.{link}": url}
    return answer(call, body, context="Collection(message)")


def _seal_token(state: State) -> str:
    data = json.dumps(state, separators=(",", ":")).encode()
    mark = hashlib.blake2b(data, key=_SEAL, digest_size=8).digest()
    return base64.urlsafe_b64encode(mark + data).rstrip(b"=").decode()


def _open_token(call: Call, folder: Folder, text: str) -> State:
    """Raises 400 for a token that was changed or made up, 410 for one that has expired."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        sealed = b""
    mark, data = sealed[:8], sealed[8:]
    if hashlib.blake2b(data, key=_SEAL, digest_size=8).digest() != mark:
        raise bad_request(call, "Badly formed token.")
    if len(call.request.args) > 1:
        raise bad_request(call, "Query parameters cannot be combined with a delta or skip token.")
    state: State = json.loads(data)
    if state["folder"] != folder.key or state["epoch"] != call.mailbox.delta_epoch:
        raise _gone(call)
    return state


def _gone(call: Call) -> ApiError:
    message = "The sync state generation is not found; the token has expired. Start again without it."
    return graph_error(call, 410, "syncStateNotFound", message)

"""Reading raw, changing, moving and deleting messages."""

from typing import Any

from werkzeug.wrappers import Response

from sandbox import ids, mime
from sandbox.calls import Call
from sandbox.graph.composing import ALWAYS, DRAFT_ONLY, set_fields
from sandbox.graph.errors import bad_request, graph_error
from sandbox.graph.mailbox import GraphMessage
from sandbox.graph.queries import find_message, folder_missing, read_body
from sandbox.graph.replying import answer, empty, trace_headers
from sandbox.graph.views import etag, view_message


def get_value(call: Call) -> Response:
    """`$value`: MIME written anew for every request, so its bytes are never twice the same."""
    raw = mime.with_boundaries(find_message(call).raw, ids.request_id().replace("-", ""))
    return Response(raw, content_type="text/plain", headers=trace_headers(call))


def update_message(call: Call) -> Response:
    """PATCH: flags at any time, contents while it is a draft."""
    message = find_message(call)
    _check_etag(call, message)
    changes = {name: value for name, value in read_body(call).items() if not name.startswith("@odata")}
    unknown = set(changes) - ALWAYS - DRAFT_ONLY
    if unknown or (set(changes) & DRAFT_ONLY and not message.is_draft):
        name = sorted(unknown or set(changes) & DRAFT_ONLY)[0]
        text = f"Update operation is invalid for property '{name}' of this item."
        raise bad_request(call, text, "ErrorInvalidPropertySet")
    _apply(call, message, changes)
    return answer(call, view_message(call, message), context="messages/$entity")


def _apply(call: Call, message: GraphMessage, changes: dict[str, Any]) -> None:
    if set(changes) & DRAFT_ONLY:
        edited = mime.editable(message.raw)
        set_fields(call, edited, changes)
        message.rewrite(edited.as_bytes())
    if changes.get("internetMessageId"):
        message.submitted_message_id = str(changes["internetMessageId"])
    if "isRead" in changes:
        message.is_read = bool(changes["isRead"])
    message.properties |= {name: changes[name] for name in changes if name in ALWAYS - {"isRead"}}
    call.mailbox.touch(message, call.now)


def _check_etag(call: Call, message: GraphMessage) -> None:
    wanted = call.request.headers.get("If-Match")
    if wanted not in (None, "*", etag(message)):
        text = "The send or update operation could not be performed because the change key is out of date."
        raise graph_error(call, 412, "ErrorIrresolvableConflict", text)


def move_message(call: Call) -> Response:
    """`move`: 201 with the item at its new place, under a new default id."""
    message = find_message(call)
    _move(call, message)
    return answer(call, view_message(call, message), 201, context="messages/$entity")


def _move(call: Call, message: GraphMessage) -> None:
    body = {name.lower(): value for name, value in read_body(call).items()}
    call.values["folder"] = str(body.get("destinationid", ""))
    folder = call.mailbox.folder(call.values["folder"])
    if folder is None:
        raise folder_missing(call)
    call.mailbox.move_to(message, folder.key)


def delete_message(call: Call) -> Response:
    """DELETE: into Deleted Items (or Recoverable Items by switch), and from there for good."""
    message = find_message(call)
    if message.folder == "recoverableitemsdeletions":
        text = "Items in this folder cannot be deleted."
        raise bad_request(call, text, "ErrorCannotDeleteObject")
    if message.folder == "deleteditems":
        call.mailbox.remove(message)
    elif call.mailbox.settings.delete_to == "deleteditems":
        call.mailbox.move_to(message, "deleteditems")
    else:
        call.mailbox.move_to(message, "recoverableitemsdeletions")
    return empty(call, 204)


def purge_message(call: Call) -> Response:
    """`permanentDelete`: gone from every folder."""
    call.mailbox.remove(find_message(call))
    return empty(call, 204)

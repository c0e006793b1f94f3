"""The table of Graph's operations, and how a request finds its own.

Anything that is not in the table answers 400, as Graph does for a segment it does not know.
"""

import re
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from sandbox.calls import ApiError, Call, Handler
from sandbox.execution import execute
from sandbox.graph import access, attachments, delta, folders, messages, queries, sending
from sandbox.graph.errors import GraphDialect, bad_request, graph_error
from sandbox.graph.replying import answer
from sandbox.world import World

_NONE: frozenset[str] = frozenset()
_GET = frozenset({"$select", "$expand"})
_LIST = _GET | {"$filter", "$top", "$orderby", "$skip", "$count", "$search"}
_FOLDERS = frozenset({"$select", "$top", "$skip", "$count", "includehiddenfolders"})
_DELTA = frozenset(
    {"$select", "$top", "$filter", "$orderby", "$expand", "changetype", "$deltatoken", "$skiptoken"}
)
_KEYED = re.compile(r"([A-Za-z]+)\('([^']*)'\)")


@dataclass(frozen=True)
class Operation:
    """`path` names its variable parts in braces."""

    name: str
    method: str
    path: str
    roles: frozenset[str]
    handler: Handler
    options: frozenset[str] = _NONE

    def match(self, method: str, segments: list[str]) -> dict[str, str] | None:
        pattern = self.path.split("/")
        if method != self.method or len(pattern) != len(segments):
            return None
        values: dict[str, str] = {}
        for part, segment in zip(pattern, segments, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = segment
            elif part.lower() != segment.lower():
                return None
        return values


def _get_user(call: Call) -> Response:
    mailbox = call.mailbox
    user = {
        "id": mailbox.user_id,
        "displayName": mailbox.display_name,
        "mail": mailbox.email,
        "userPrincipalName": mailbox.email,
    }
    return answer(call, user, context="users/$entity")


_ITEM = "users/{user}/messages/{message}"
_BOX = "users/{user}/mailFolders/{folder}"
_BOXED = f"{_BOX}/messages/{{message}}"

OPERATIONS = (
    Operation("graph.users.get", "GET", "users/{user}", access.DIRECTORY, _get_user, _GET),
    Operation("graph.sendMail", "POST", "users/{user}/sendMail", access.SEND, sending.send_mail),
    Operation(
        "graph.translateExchangeIds",
        "POST",
        "users/{user}/translateExchangeIds",
        access.READ,
        sending.translate_ids,
    ),
    Operation("graph.mailFolders.list", "GET", "users/{user}/mailFolders", access.READ, folders.list_folders, _FOLDERS),
    Operation("graph.mailFolders.create", "POST", "users/{user}/mailFolders", access.WRITE, folders.create_folder),
    Operation("graph.mailFolders.get", "GET", _BOX, access.READ, folders.get_folder, _GET),
    Operation("graph.mailFolders.delete", "DELETE", _BOX, access.WRITE, folders.delete_folder),
    Operation("graph.messages.delta", "GET", f"{_BOX}/messages/delta", access.READ, delta.delta, _DELTA),
    *(
        operation
        for listing, item in (("users/{user}/messages", _ITEM), (f"{_BOX}/messages", _BOXED))
        for operation in (
            Operation("graph.messages.list", "GET", listing, access.READ, queries.list_messages, _LIST),
            Operation("graph.messages.create", "POST", listing, access.WRITE, sending.create_draft),
            Operation("graph.messages.get", "GET", item, access.READ, queries.get_message, _GET),
            Operation("graph.messages.update", "PATCH", item, access.WRITE, messages.update_message),
            Operation("graph.messages.delete", "DELETE", item, access.WRITE, messages.delete_message),
            Operation("graph.messages.value", "GET", f"{item}/$value", access.READ, messages.get_value),
            Operation("graph.messages.send", "POST", f"{item}/send", access.SEND, sending.send_draft),
            Operation("graph.messages.move", "POST", f"{item}/move", access.WRITE, messages.move_message),
            Operation(
                "graph.messages.permanentDelete",
                "POST",
                f"{item}/permanentDelete",
                access.WRITE,
                messages.purge_message,
            ),
            Operation(
                "graph.attachments.list", "GET", f"{item}/attachments", access.READ, attachments.list_attachments, _GET
            ),
            Operation(
                "graph.attachments.create",
                "POST",
                f"{item}/attachments",
                access.WRITE,
                attachments.create_attachment,
            ),
            Operation(
                "graph.attachments.createUploadSession",
                "POST",
                f"{item}/attachments/createUploadSession",
                access.WRITE,
                attachments.create_upload_session,
            ),
        )
    ),
)  # fmt: skip


def segments_of(path: str) -> list[str]:
    """The parts of a path; keys in brackets and calls of functions count as parts of their own."""
    keyed = _KEYED.sub(r"\1/\2", path).replace("microsoft.graph.", "").replace("()", "")
    return [segment for segment in keyed.split("/") if segment]


def prepare(world: World, request: Request, path: str, *, inner: bool = False) -> tuple[Call, Operation]:
    """The call and its operation, authenticated and with its mailbox; raises ApiError."""
    call = Call("graph.unknown", request, world, inner=inner)
    call.grant = access.authenticate(call)
    segments = segments_of(path)
    if segments[:1] == ["me"]:
        raise bad_request(call, "/me request is only valid with delegated authentication flow.")
    for operation in OPERATIONS:
        values = operation.match(request.method, segments)
        if values is not None:
            call.name, call.values = operation.name, values
            break
    else:
        segment = segments[-1] if segments else ""
        raise bad_request(call, f"Resource not found for the segment '{segment}'.")
    if operation.roles is not access.DIRECTORY:
        call.mailbox = access.find_mailbox(call, values["user"])
    return call, operation


def run(call: Call, operation: Operation) -> Response:
    """Everything after the mailbox is known; raises ConnectionDropped."""
    return execute(call, GraphDialect(), lambda call: _checked(call, operation))


def _checked(call: Call, operation: Operation) -> Response:
    access.check_roles(call, operation.roles)
    if operation.roles is access.DIRECTORY:
        call.mailbox = access.find_mailbox(call, call.values["user"])
    access.note_habits(call)
    queries.check_options(call, operation.options)
    return operation.handler(call)


def respond(world: World, request: Request, path: str) -> Response:
    """Answer one request below `/v1.0`; raises ConnectionDropped."""
    call = Call("graph.unknown", request, world)
    try:
        if (request.content_length or 0) > world.limits.graph_request_bytes:
            message = "The page was not displayed because the request entity is too large."
            raise graph_error(call, 413, "RequestEntityTooLarge", message)
        return run(*prepare(world, request, path))
    except ApiError as error:
        return error.response

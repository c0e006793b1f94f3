"""Mail folders: listing, counts, and making one."""

from typing import Any

from werkzeug.wrappers import Response

from sandbox.calls import Call
from sandbox.graph.errors import bad_request, graph_error
from sandbox.graph.mailbox import HIDDEN, Folder
from sandbox.graph.queries import folder_missing, next_link, option, page_size, read_body
from sandbox.graph.replying import answer

_ROOT = "msgfolderroot"
_PROPERTIES = (
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "sizeInBytes",
    "isHidden",
)


def _view(call: Call, folder: Folder) -> dict[str, Any]:
    messages = call.mailbox.in_folder(folder.well_known)
    view = {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": f"{folder.id[:20]}{_ROOT}",
        "childFolderCount": 0,
        "unreadItemCount": sum(not message.is_read for message in messages),
        "totalItemCount": len(messages),
        "sizeInBytes": sum(len(message.raw) for message in messages),
        "isHidden": folder.well_known in HIDDEN,
    }
    wanted = _selected(call)
    return {name: value for name, value in view.items() if name in wanted or name == "id"}


def _selected(call: Call) -> set[str]:
    text = option(call, "$select")
    names = {name.strip() for name in text.split(",")} if text else set(_PROPERTIES)
    if unknown := sorted(names - set(_PROPERTIES)):
        message = f"Could not find a property named '{unknown[0]}' on type 'microsoft.graph.mailFolder'."
        raise bad_request(call, message, "RequestBroker--ParseUri")
    return names


def list_folders(call: Call) -> Response:
    """`GET …/mailFolders`: the top level, without the hidden ones."""
    folders = [folder for name, folder in call.mailbox.folders.items() if name not in HIDDEN]
    text = option(call, "$skip") or "0"
    skip, top = int(text) if text.isdigit() else 0, page_size(call)
    body: dict[str, Any] = {"value": [_view(call, folder) for folder in folders[skip : skip + top]]}
    if skip + top < len(folders):
        body["@odata.nextLink"] = next_link(call, {"$skip": str(skip + top)})
    return answer(call, body, context="mailFolders")


def get_folder(call: Call) -> Response:
    folder = call.mailbox.folder(call.values["folder"])
    if folder is None:
        raise folder_missing(call)
    return answer(call, _view(call, folder), context="mailFolders/$entity")


def create_folder(call: Call) -> Response:
    name = str(read_body(call).get("displayName") or "").strip()
    if not name:
        raise bad_request(call, "The folder needs a displayName.", "ErrorInvalidRequest")
    shown = {folder.name.lower() for folder in call.mailbox.folders.values()}
    if name.lower() in shown:
        message = "A folder with the specified name already exists."
        raise graph_error(call, 409, "ErrorFolderExists", message)
    return answer(call, _view(call, call.mailbox.add_folder(name)), 201, context="mailFolders/$entity")

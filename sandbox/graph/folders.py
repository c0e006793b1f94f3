"""Mail folders: listing, counts, making and deleting one.

https://learn.microsoft.com/graph/api/user-post-mailfolders
"""

from typing import Any

from werkzeug.wrappers import Response

from sandbox import ids
from sandbox.calls import Call
from sandbox.graph.errors import bad_request, graph_error
from sandbox.graph.mailbox import HIDDEN, ROOT, Folder
from sandbox.graph.queries import folder_missing, next_link, option, page_size, read_body
from sandbox.graph.replying import answer, empty

NAME_MAX = 255
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
    messages = call.mailbox.in_folder(folder.key)
    view = {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": _parent_id(call, folder),
        "childFolderCount": 0,
        "unreadItemCount": sum(not message.is_read for message in messages),
        "totalItemCount": len(messages),
        "sizeInBytes": sum(len(message.raw) for message in messages),
        "isHidden": folder.key in HIDDEN,
    }
    wanted = _selected(call)
    return {name: value for name, value in view.items() if name in wanted or name == "id"}


def _parent_id(call: Call, folder: Folder) -> str:
    if folder.parent == ROOT:
        return ids.folder_id(call.mailbox.email, ROOT)
    parent: Folder = call.mailbox.folders[folder.parent]
    return parent.id


def _selected(call: Call) -> set[str]:
    text = option(call, "$select")
    names = {name.strip() for name in text.split(",")} if text else set(_PROPERTIES)
    if unknown := sorted(names - set(_PROPERTIES)):
        message = f"Could not find a property named '{unknown[0]}' on type 'microsoft.graph.mailFolder'."
        raise bad_request(call, message, "RequestBroker--ParseUri")
    return names


def list_folders(call: Call) -> Response:
    """`GET …/mailFolders`: the top level, without the hidden ones."""
    folders = call.mailbox.top_folders()
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
    """On the top level: displayName and isHidden are all that may be given."""
    body = {name: value for name, value in read_body(call).items() if not name.startswith("@odata")}
    if unknown := sorted(set(body) - {"displayName", "isHidden"}):
        text = f"The property '{unknown[0]}' is read-only or unknown and cannot be set on a mail folder."
        raise bad_request(call, text, "ErrorInvalidPropertySet")
    name = body.get("displayName")
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MAX:
        raise bad_request(call, "The folder needs a displayName.", "ErrorInvalidRequest")
    name = name.strip()
    if any(folder.name.lower() == name.lower() for folder in call.mailbox.top_folders()):
        message = "A folder with the specified name already exists."
        raise graph_error(call, 409, "ErrorFolderExists", message)
    return answer(call, _view(call, call.mailbox.add_folder(name)), 201, context="mailFolders/$entity")


def delete_folder(call: Call) -> Response:
    """204: into Deleted Items with its messages, from there for good. A distinguished one stays."""
    folder = call.mailbox.folder(call.values["folder"])
    if folder is None:
        raise folder_missing(call)
    if folder.key != folder.id:
        message = "Distinguished folders cannot be deleted."
        raise graph_error(call, 403, "ErrorDeleteDistinguishedFolder", message)
    call.mailbox.remove_folder(folder)
    return empty(call, 204)

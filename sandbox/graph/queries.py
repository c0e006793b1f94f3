"""Query options, listings and single messages.

https://learn.microsoft.com/graph/api/user-list-messages
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Response

from sandbox.calls import ApiError, Call
from sandbox.graph.errors import bad_request, graph_error, not_found
from sandbox.graph.mailbox import HIDDEN, GraphMessage
from sandbox.graph.odata import Filter, FilterError, Parser
from sandbox.graph.replying import answer
from sandbox.graph.searching import matches_search
from sandbox.graph.views import (
    SELECTABLE,
    extended_property,
    read_property,
    view_message,
    wants_immutable_ids,
)
from sandbox.http import origin, read_json

PAGE_DEFAULT = 10
PAGE_MAX = 1000
_EXTENDED = "singleValueExtendedProperties"


def read_body(call: Call) -> dict[str, Any]:
    """The JSON body; raises the API's 400 for anything else."""
    if call.request.mimetype != "application/json":
        raise bad_request(call, "A content type of application/json is expected.", "RequestBodyRead")
    try:
        return read_json(call.request)
    except ValueError:
        raise bad_request(call, "The request body is not valid JSON.", "RequestBodyRead") from None


def check_options(call: Call, allowed: frozenset[str]) -> None:
    """Raises 400 for a query option that the operation does not know."""
    for name in call.request.args:
        if name.lower() not in allowed:
            raise bad_request(call, f"The query parameter '{name}' is not supported.")


def option(call: Call, name: str) -> str | None:
    """A query option by its lower-case name."""
    return next((value for key, value in call.request.args.items() if key.lower() == name), None)


def selected(call: Call) -> list[str] | None:
    """The properties of `$select`; raises 400 for one that a message does not have."""
    text = option(call, "$select")
    if not text:
        return None
    names = [name.strip() for name in text.split(",")]
    by_lower = {name.lower(): name for name in SELECTABLE}
    for name in names:
        if name.lower() not in by_lower:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.message'."
            raise bad_request(call, message, "RequestBroker--ParseUri")
    return [by_lower[name.lower()] for name in names]


def page_size(call: Call, default: int = PAGE_DEFAULT) -> int:
    return _number(call, "$top", default, 1, PAGE_MAX)


def _number(call: Call, name: str, default: int, least: int, most: int | None = None) -> int:
    text = option(call, name)
    if text is None:
        return default
    if not text.isdigit() or not least <= int(text) <= (most or int(text)):
        raise bad_request(call, f"Invalid value '{text}' specified for '{name}'.", "ErrorInvalidUrlQuery")
    return int(text)


def parse_filter(call: Call) -> Filter | None:
    text = option(call, "$filter")
    if not text:
        return None
    try:
        return Parser(text, read_property).parse()
    except (FilterError, ValueError) as error:
        raise bad_request(call, f"Invalid filter clause: {error}") from None


def list_messages(call: Call) -> Response:
    """`GET …/messages`: of one folder, or of the whole mailbox with sent and deleted ones."""
    rows = _searched(call) if option(call, "$search") else _filtered(call)
    skip, top = _number(call, "$skip", 0, 0), page_size(call)
    page = [] if call.has_fault("empty-page") else rows[skip : skip + top]
    select = selected(call)
    body: dict[str, Any] = {"value": [_row(call, message, select) for message in page]}
    if (option(call, "$count") or "").lower() == "true":
        body = {"@odata.count": len(rows), **body}
    # The link counts rows, so rows that leave the listing in between make others be skipped.
    if skip + len(page) < len(rows):
        body["@odata.nextLink"] = next_link(call, {"$skip": str(skip + len(page))})
    return answer(call, body, context=_context(call))


def _context(call: Call) -> str:
    folder = call.values.get("folder")
    return f"mailFolders('{folder}')/messages" if folder else "messages"


def next_link(call: Call, changes: dict[str, str]) -> str:
    """The same address on our own origin with other options."""
    kept = [(name, value) for name, value in call.request.args.items() if name.lower() not in changes]
    query = urlencode([*kept, *changes.items()], quote_via=quote)
    return f"{origin(call.request)}{quote(call.request.path)}?{query}"


def scope(call: Call) -> list[GraphMessage]:
    """The messages the path speaks of."""
    mailbox = call.mailbox
    if "folder" not in call.values:
        return [message for message in mailbox.by_key.values() if message.folder not in HIDDEN]
    folder = mailbox.folder(call.values["folder"])
    if folder is None:
        raise folder_missing(call)
    found: list[GraphMessage] = mailbox.in_folder(folder.key)
    return found


def folder_missing(call: Call) -> ApiError:
    """Malformed ids are told apart from unknown ones."""
    if len(call.values["folder"]) < 40:
        return bad_request(call, "Id is malformed.", "ErrorInvalidIdMalformed")
    message = "The specified folder could not be found in the store."
    return graph_error(call, 404, "ErrorItemNotFound", message)


def _filtered(call: Call) -> list[GraphMessage]:
    condition = parse_filter(call)
    order = _order(call, condition)
    try:
        rows = [row for row in scope(call) if condition is None or condition.matches(row)]
    except KeyError as error:
        message = f"Could not find a property named {error} on type 'microsoft.graph.message'."
        raise bad_request(call, message, "ErrorInvalidUrlQueryFilter") from None
    except FilterError as error:
        raise bad_request(call, str(error), "ErrorInvalidUrlQueryFilter") from None
    rows.sort(key=lambda row: (row.received_at, row.key), reverse=True)
    for name, descending in reversed(order):
        rows.sort(key=_sort_key(name), reverse=descending)
    return rows


def _sort_key(name: str) -> Callable[[GraphMessage], Any]:
    return lambda row: read_property(row, name)


def _order(call: Call, condition: Filter | None) -> list[tuple[str, bool]]:
    """`$orderby` with its directions; its properties must lead those of the filter, in order."""
    text = option(call, "$orderby")
    order = []
    for term in (text or "").split(",") if text else []:
        name, _, direction = term.strip().partition(" ")
        order.append((name, direction.strip().lower() == "desc"))
    names = [name for name, _ in order]
    if condition is not None and condition.properties[: len(names)] != names:
        text = "The restriction or sort order is too complex for this operation."
        raise bad_request(call, text, "InefficientFilter")
    for name in names:
        _check_sortable(call, name)
    return order


def _check_sortable(call: Call, name: str) -> None:
    if name not in ("receivedDateTime", "sentDateTime", "createdDateTime", "subject", "isRead",
                    "lastModifiedDateTime", "from/emailAddress/address", "importance"):  # fmt: skip
        message = f"The property '{name}' does not support sorting."
        raise bad_request(call, message, "ErrorInvalidUrlQueryFilter")


def _searched(call: Call) -> list[GraphMessage]:
    if option(call, "$filter") or option(call, "$orderby"):
        text = "The query parameter '$search' is not supported with '$filter' or '$orderby'."
        raise bad_request(call, text, "SearchWithFilter")
    known_by = call.now - call.mailbox.settings.index_lag_seconds
    query = option(call, "$search") or ""
    rows = [row for row in scope(call) if row.modified_at <= known_by and matches_search(row, query)]
    return sorted(rows, key=lambda row: (row.received_at, row.key), reverse=True)


def _row(call: Call, message: GraphMessage, select: list[str] | None) -> dict[str, Any]:
    return {**view_message(call, message, select), **_expanded(call, message)}


def _expanded(call: Call, message: GraphMessage) -> dict[str, Any]:
    """`$expand=singleValueExtendedProperties($filter=id eq '…')`."""
    text = option(call, "$expand")
    if not text:
        return {}
    if not text.startswith(f"{_EXTENDED}(") or "'" not in text:
        raise bad_request(call, f"Could not expand '{text}'.", "RequestBroker--ParseUri")
    property_id = text.split("'")[1]
    value = extended_property(message, property_id)
    return {_EXTENDED: [{"id": property_id, "value": value}]} if value is not None else {}


def find_message(call: Call) -> GraphMessage:
    """The item of the path; ids are case-sensitive and an immutable one needs its Prefer header."""
    wanted = call.values["message"]
    if not wanted.startswith(("AAMkAD", "AAkALg")) or len(wanted) < 40:
        raise bad_request(call, "Id is malformed.", "ErrorInvalidIdMalformed")
    message = call.mailbox.by_rest_id.get(wanted)
    if message is None and wants_immutable_ids(call):
        message = call.mailbox.by_immutable_id.get(wanted)
    if message is None:
        raise not_found(call)
    folder = call.mailbox.folder(call.values["folder"]) if "folder" in call.values else None
    if folder is not None and folder.key != message.folder:
        raise not_found(call)
    found: GraphMessage = message
    return found


def get_message(call: Call) -> Response:
    message = find_message(call)
    row = _row(call, message, selected(call))
    return answer(call, row, context="messages/$entity")

"""Listing, reading, labelling, trashing and deleting messages; the profile."""

import base64
import binascii
from typing import Any

from werkzeug.wrappers import Response

from sandbox.calls import Call
from sandbox.gmail.access import only_metadata
from sandbox.gmail.errors import bad_request, gmail_error, not_found
from sandbox.gmail.mailbox import SYSTEM_LABELS, GmailMailbox, GmailMessage
from sandbox.gmail.searching import Search
from sandbox.gmail.sending import check_names, read_body, read_message
from sandbox.gmail.views import FORMATS, attachment, view_ids, view_message
from sandbox.http import json_response

PAGE_DEFAULT = 100
PAGE_MAX = 500
IDS_MAX = 1000
LABELS_MAX = 100
# Gmail alone decides what is sent and what is a draft.
_NOT_SETTABLE = frozenset({"SENT", "DRAFT", "CHAT"})


def number(call: Call, name: str, default: int, most: int) -> int:
    text = call.request.args.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise bad_request(f"Invalid value at '{name}' (TYPE_UINT32), \"{text}\"", "badRequest")
    return min(int(text), most)


def page_token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"page:{offset}".encode()).decode()


def page_offset(call: Call) -> int:
    """Where the page begins; raises 400 for a token we did not make."""
    text = call.request.args.get("pageToken")
    if not text:
        return 0
    try:
        mark, _, offset = base64.urlsafe_b64decode(text).decode().partition(":")
        if mark != "page":
            raise ValueError(text)
        return int(offset)
    except (binascii.Error, ValueError):
        raise bad_request("Invalid pageToken") from None


def list_messages(call: Call) -> Response:
    """`messages.list`: ids alone, newest first, without spam and trash unless asked for."""
    rows = _found(call)
    start, size = page_offset(call), max(1, number(call, "maxResults", PAGE_DEFAULT, PAGE_MAX))
    page = [] if call.has_fault("empty-page") else rows[start : start + size]
    # The number is an estimate and not to be counted on; an exact one would teach the wrong thing.
    estimate = min(len(rows), 201)
    body: dict[str, Any] = {"resultSizeEstimate": estimate}
    if page:
        body["messages"] = [{"id": row.id, "threadId": row.thread_id} for row in page]
    if start + len(page) < len(rows):
        body["nextPageToken"] = page_token(start + len(page))
    return json_response(body)


def _found(call: Call) -> list[GmailMessage]:
    args = call.request.args
    wanted = args.getlist("labelIds")
    everywhere = args.get("includeSpamTrash", "false").lower() == "true" or {"SPAM", "TRASH"} & set(wanted)
    query = args.get("q", "")
    if query and only_metadata(call):
        raise gmail_error(403, "forbidden", "Metadata scope does not support 'q' parameter")
    search = Search(query, call.now)
    for term in search.unknown:
        call.note("unknown-search-operator", term)
    known_by = call.now - call.mailbox.settings.index_lag_seconds
    rows = [
        row
        for row in call.mailbox.by_id.values()
        if set(wanted) <= row.labels
        and (everywhere or search.reaches_everywhere or not row.labels & {"SPAM", "TRASH"})
        and (not query or (row.filed_at <= known_by and search.matches(row)))
    ]
    return sorted(rows, key=lambda row: (row.received_at, row.key), reverse=True)


def find_message(call: Call) -> GmailMessage:
    wanted = call.values["id"]
    if not wanted or len(wanted) > 16 or not set(wanted) <= set("0123456789abcdef"):
        raise bad_request("Invalid id value")
    message: GmailMessage | None = call.mailbox.by_id.get(wanted)
    if message is None:
        raise not_found()
    return message


def get_message(call: Call) -> Response:
    form = call.request.args.get("format", "full").lower()
    if form not in FORMATS:
        raise bad_request(f"Invalid value at 'format', \"{form}\"")
    if form in ("full", "raw") and only_metadata(call):
        raise gmail_error(403, "forbidden", f"Metadata scope doesn't allow format {form.upper()}")
    headers = call.request.args.getlist("metadataHeaders")
    return json_response(view_message(find_message(call), form, headers))


def get_attachment(call: Call) -> Response:
    data = attachment(find_message(call), call.values["attachment"])
    if data is None:
        raise not_found()
    return json_response({"size": len(data), "data": base64.urlsafe_b64encode(data).decode()})


def modify_message(call: Call) -> Response:
    message = find_message(call)
    add, drop = _label_changes(call, read_body(call))
    call.mailbox.relabel(message, add, drop)
    return json_response(view_ids(message))


def _label_changes(call: Call, body: dict[str, Any], *known: str) -> tuple[list[str], list[str]]:
    check_names(body, "addLabelIds", "removeLabelIds", *known)
    add, drop = list(body.get("addLabelIds") or []), list(body.get("removeLabelIds") or [])
    if len(add) > LABELS_MAX or len(drop) > LABELS_MAX:
        raise bad_request("Too many labels")
    if not add and not drop:
        raise bad_request("No label add or removes specified")
    for label in add + drop:
        if label in _NOT_SETTABLE or label not in {*SYSTEM_LABELS, *call.mailbox.user_labels}:
            raise bad_request(f"Invalid label: {label}")
    return add, drop


def _batch_ids(body: dict[str, Any]) -> list[str]:
    wanted = body.get("ids")
    if not isinstance(wanted, list) or not wanted:
        raise bad_request("No message ids specified")
    if len(wanted) > IDS_MAX:
        raise bad_request("Too many message ids specified")
    return [str(one) for one in wanted]


def batch_modify(call: Call) -> Response:
    """204 without a word about ids that do not exist."""
    body = read_body(call)
    wanted = _batch_ids(body)
    add, drop = _label_changes(call, body, "ids")
    for message in _existing(call.mailbox, wanted):
        call.mailbox.relabel(message, add, drop)
    return Response(status=204)


def batch_delete(call: Call) -> Response:
    for message in _existing(call.mailbox, _batch_ids(read_body(call))):
        call.mailbox.remove(message)
    return Response(status=204)


def _existing(mailbox: GmailMailbox, wanted: list[str]) -> list[GmailMessage]:
    return [mailbox.by_id[one] for one in dict.fromkeys(wanted) if one in mailbox.by_id]


def trash_message(call: Call) -> Response:
    message = find_message(call)
    call.mailbox.trash(message)
    return json_response(view_ids(message))


def untrash_message(call: Call) -> Response:
    message = find_message(call)
    call.mailbox.relabel(message, [], ["TRASH"])
    return json_response(view_ids(message))


def delete_message(call: Call) -> Response:
    """At once and for good."""
    call.mailbox.remove(find_message(call))
    return Response(status=204)


def insert_message(call: Call) -> Response:
    """`messages.insert` and `import`: into the mailbox, without any sending."""
    raw, body = read_message(call)
    labels = [label for label in body.get("labelIds") or [] if label not in _NOT_SETTABLE]
    message = call.mailbox.add(raw, labels, call.now, thread_id=str(body.get("threadId") or ""))
    return json_response(view_ids(message))


def get_profile(call: Call) -> Response:
    mailbox: GmailMailbox = call.mailbox
    return json_response(
        {
            "emailAddress": mailbox.email,
            "messagesTotal": len(mailbox.by_id),
            "threadsTotal": len({message.thread_id for message in mailbox.by_id.values()}),
            "historyId": str(mailbox.history_id),
        }
    )


def list_send_as(call: Call) -> Response:
    mailbox: GmailMailbox = call.mailbox
    rows = [
        {
            "sendAsEmail": address,
            "displayName": mailbox.display_name,
            "isPrimary": address == mailbox.email.lower(),
            "isDefault": address == mailbox.email.lower(),
            "verificationStatus": "accepted",
        }
        for address in sorted(mailbox.send_as)
    ]
    return json_response({"sendAs": rows})

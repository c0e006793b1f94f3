"""`history.list`: what changed since a history id.

https://developers.google.com/workspace/gmail/api/guides/sync
"""

from typing import Any

from werkzeug.wrappers import Response

from sandbox.calls import Call
from sandbox.gmail.errors import bad_request, not_found
from sandbox.gmail.mailbox import GmailMailbox, HistoryRecord
from sandbox.gmail.messages import PAGE_DEFAULT, PAGE_MAX, number, page_offset, page_token
from sandbox.http import json_response

_KEYS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}


def list_history(call: Call) -> Response:
    """In the order of events; a start that is too old, or was never given, answers 404."""
    mailbox: GmailMailbox = call.mailbox
    start = _start(call, mailbox)
    wanted = set(call.request.args.getlist("historyTypes")) or set(_KEYS)
    if unknown := wanted - set(_KEYS):
        raise bad_request(f"Invalid value at 'history_types', \"{sorted(unknown)[0]}\"")
    label = call.request.args.get("labelId")
    rows = [
        record
        for record in mailbox.history
        if record.id > start and record.type in wanted and (label is None or label in record.labels)
    ]
    offset, size = page_offset(call), max(1, number(call, "maxResults", PAGE_DEFAULT, PAGE_MAX))
    page = [] if call.has_fault("empty-page") else rows[offset : offset + size]
    body: dict[str, Any] = {"historyId": str(mailbox.history_id)}
    if page:
        body["history"] = [_view(record) for record in page]
    if offset + len(page) < len(rows):
        body["nextPageToken"] = page_token(offset + len(page))
    return json_response(body)


def _start(call: Call, mailbox: GmailMailbox) -> int:
    text = call.request.args.get("startHistoryId", "")
    if not text:
        raise bad_request("Missing required parameter: startHistoryId")
    if not text.isdigit():
        raise bad_request("Invalid value at 'start_history_id' (TYPE_UINT64)")
    start = int(text)
    if call.has_fault("gone") or not mailbox.history_floor <= start <= mailbox.history_id:
        raise not_found()
    return start


def _view(record: HistoryRecord) -> dict[str, Any]:
    message: dict[str, Any] = {"id": record.message_id, "threadId": record.thread_id}
    event: dict[str, Any] = {"message": {**message, "labelIds": list(record.labels)}}
    if record.changed:
        event["labelIds"] = list(record.changed)
    return {"id": str(record.id), "messages": [message], _KEYS[record.type]: [event]}

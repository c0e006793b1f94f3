"""Labels: listing, reading with counts, making and deleting one.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels
"""

from typing import Any

from werkzeug.wrappers import Response

from sandbox.calls import Call
from sandbox.gmail.errors import bad_request, gmail_error, not_found
from sandbox.gmail.mailbox import SYSTEM_LABELS, GmailMailbox
from sandbox.gmail.sending import check_names, read_body
from sandbox.http import json_response

NAME_MAX = 225
# Names that Gmail keeps for itself, beside those of its system labels; in a mailbox of another language, that
# language's words too.
_RESERVED = frozenset({"archive", "bin", "chats", "drafts", "muted", "scheduled", "snoozed", "unsubscribed"})
_VISIBLE = {
    "labelListVisibility": ("labelShow", "labelShowIfUnread", "labelHide"),
    "messageListVisibility": ("show", "hide"),
}


def _view(label: str, name: str, kind: str) -> dict[str, Any]:
    return {"id": label, "name": name, "type": kind}


def _all(mailbox: GmailMailbox) -> list[dict[str, Any]]:
    system = [_view(label, label, "system") for label in SYSTEM_LABELS]
    return system + [_view(one, name, "user") for one, name in mailbox.user_labels.items()]


def list_labels(call: Call) -> Response:
    return json_response({"labels": _all(call.mailbox)})


def get_label(call: Call) -> Response:
    """With counts, which the list leaves out."""
    wanted = call.values["id"]
    found = next((label for label in _all(call.mailbox) if label["id"] == wanted), None)
    if found is None:
        raise not_found()
    rows = [message for message in call.mailbox.by_id.values() if wanted in message.labels]
    unread = [message for message in rows if "UNREAD" in message.labels]
    threads = {message.thread_id for message in rows}
    counts = {"messagesTotal": len(rows), "messagesUnread": len(unread), "threadsTotal": len(threads)}
    return json_response({**found, **counts, "threadsUnread": len({row.thread_id for row in unread})})


def create_label(call: Call) -> Response:
    """400 for a name that is missing, too long or Gmail's own; 409 for one that is there, whatever its case."""
    mailbox: GmailMailbox = call.mailbox
    body = read_body(call)
    check_names(body, "name", "color", "type", *_VISIBLE)
    for option, choices in _VISIBLE.items():
        if body.get(option, choices[0]) not in choices:
            raise bad_request(f"Invalid value at 'label.{option}', \"{body[option]}\"")
    name = str(body.get("name") or "").strip()
    if not name:
        raise bad_request("Label name required")
    if name.lower() in _RESERVED | {label.lower() for label in SYSTEM_LABELS} or len(name) > NAME_MAX:
        raise bad_request("Invalid label name")
    if name.lower() in {taken.lower() for taken in mailbox.user_labels.values()}:
        raise gmail_error(409, "aborted", "Label name exists or conflicts", name="ABORTED")
    return json_response(_view(mailbox.add_label(name), name, "user"))


def delete_label(call: Call) -> Response:
    """204: the label goes from every message that carries it, the messages stay."""
    wanted = call.values["id"]
    if wanted in SYSTEM_LABELS:
        raise bad_request("Invalid delete request")
    if wanted not in call.mailbox.user_labels:
        raise not_found()
    call.mailbox.remove_label(wanted)
    return Response(status=204)

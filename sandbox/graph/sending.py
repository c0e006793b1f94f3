"""Drafts, sendMail and what Exchange does to a message on its way out.

https://learn.microsoft.com/graph/outlook-things-to-know-about-send-mail
"""

from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime, formataddr
from typing import Any

from werkzeug.wrappers import Response

from sandbox import mime
from sandbox.calls import Call
from sandbox.flow import Submission, transport
from sandbox.graph.composing import compose_json, decode_mime, make_message_id
from sandbox.graph.errors import bad_request, graph_error, not_found
from sandbox.graph.mailbox import GraphMailbox, GraphMessage
from sandbox.graph.queries import find_message, read_body
from sandbox.graph.replying import answer, empty
from sandbox.graph.views import shown_id, view_message
from sandbox.http import origin
from sandbox.ledger import TOKEN_HEADER
from sandbox.world import World

RECIPIENTS_MAX = 500
# Transport drops these or writes its own.
_REPLACED = ("Return-Path", "Auto-Submitted")


def is_mime(call: Call) -> bool:
    return call.request.mimetype == "text/plain"


def create_draft(call: Call) -> Response:
    """`POST /users/{id}/messages`, or into a folder: 201 and the draft."""
    raw = decode_mime(call) if is_mime(call) else compose_json(call, read_body(call))
    folder = "drafts"
    if "folder" in call.values:
        found = call.mailbox.folder(call.values["folder"])
        if found is None:
            raise not_found(call)
        folder = found.key
    message = add_draft(call, raw, folder)
    user = call.values["user"]
    location = f"{origin(call.request)}/graph/v1.0/users/{user}/messages/{shown_id(call, message)}"
    return answer(call, view_message(call, message), 201, context="messages/$entity", location=location)


def add_draft(call: Call, raw: bytes, folder: str = "drafts") -> GraphMessage:
    mailbox: GraphMailbox = call.mailbox
    token, submitted = mime.header(raw, TOKEN_HEADER), mime.header(raw, "Message-ID")
    if is_mime(call) and mailbox.settings.drops_new_headers:
        raw = mime.without(raw, *_never_used(mailbox, raw))
    if not submitted or mailbox.settings.message_id == "rewrite-on-draft":
        raw = mime.with_header(raw, "Message-ID", make_message_id())
    if not mime.header(raw, "Date"):
        raw = mime.with_header(raw, "Date", format_datetime(datetime.fromtimestamp(call.now, UTC)))
    message = mailbox.add(raw, folder, call.now, draft=True)
    message.token, message.submitted_message_id = token, submitted
    return message


def _never_used(mailbox: GraphMailbox, raw: bytes) -> list[str]:
    names = {mime.field_name(field) for field in mime.fields(raw)}
    return [name for name in names if name.startswith("x-") and name not in mailbox.used_headers]


def send_mail(call: Call) -> Response:
    """`POST /users/{id}/sendMail`: 202, and everything that may still fail comes back as a bounce."""
    saves = True
    if is_mime(call):
        raw = decode_mime(call)
    else:
        # Parameters of an action are matched without case; samples send booleans as strings.
        body = {name.lower(): value for name, value in read_body(call).items()}
        if not isinstance(body.get("message"), dict):
            raise bad_request(call, "The parameter 'Message' is required.", "ErrorInvalidRequest")
        raw = compose_json(call, body["message"])
        saves = str(body.get("savetosentitems", True)).lower() != "false"
    check_sender(call, raw)
    submit(call, add_draft(call, raw), saves=saves)
    return empty(call, 202)


def send_draft(call: Call) -> Response:
    """`POST …/messages/{id}/send`: a second one finds no draft any more."""
    message = find_message(call)
    if message.in_transit or not message.is_draft:
        raise not_found(call)
    check_sender(call, message.raw)
    submit(call, message, saves=True)
    return empty(call, 202)


def check_sender(call: Call, raw: bytes) -> None:
    """Raises the API's errors for recipients and From that Exchange refuses at once."""
    recipients = mime.recipients(raw)
    if not recipients or any("@" not in address for address in recipients):
        raise bad_request(call, "At least one recipient is not valid.", "ErrorInvalidRecipients")
    if len(recipients) > RECIPIENTS_MAX:
        text = "The number of recipients is over the limit."
        raise bad_request(call, text, "ErrorExceededMaxRecipientLimit")
    sender = mime.addresses(mime.read_headers(raw), "From")
    if sender and sender[0][1].lower() not in call.mailbox.addresses():
        text = (
            "The user account which was used to submit this request does not have the right to send mail "
            "on behalf of the specified sending account., Cannot submit message."
        )
        raise graph_error(call, 403, "ErrorSendAsDenied", text)


def submit(call: Call, message: GraphMessage, *, saves: bool) -> None:
    """Drafts → transport → Sent Items, each step when its time has come."""
    world, mailbox = call.world, call.mailbox
    message.rewrite(_as_sent(mailbox, message.raw))
    mailbox.learn_message_id(message)
    message.in_transit = True
    submission = Submission.build(
        mailbox, message.raw, token=message.token, submitted_message_id=message.submitted_message_id
    )
    delay = _deferral(world, mailbox)
    world.schedule(delay, lambda: transport(world, submission))
    lag = delay + mailbox.settings.sent_lag_seconds
    world.schedule(lag, lambda: _file_sent(world, mailbox, message, saves))


def _as_sent(mailbox: GraphMailbox, raw: bytes) -> bytes:
    """The mailbox's own From and, unless told otherwise, a Message-ID of Exchange's making."""
    raw = mime.without(raw, *_REPLACED)
    if mailbox.settings.message_id == "rewrite-on-send":
        raw = mime.with_header(raw, "Message-ID", make_message_id())
    sender = mime.addresses(mime.read_headers(raw), "From")
    if mailbox.settings.keeps_from and sender:
        return raw
    return mime.with_header(raw, "From", formataddr((mailbox.display_name, mailbox.email)))


def _deferral(world: World, mailbox: GraphMailbox) -> float:
    """Seconds until transport takes one more message of a mailbox with a rate limit."""
    limit = mailbox.settings.messages_per_minute
    now = world.clock.now()
    if not limit:
        return 0.0
    slots: deque[float] = mailbox.usage.messages
    slot = max(now, slots[-limit] + 60) if len(slots) >= limit else now
    slots.append(slot)
    return slot - now


def _file_sent(world: World, mailbox: GraphMailbox, message: GraphMessage, saves: bool) -> None:
    if message.key not in mailbox.by_key:
        return
    message.in_transit = False
    message.is_draft = False
    message.is_read = True
    message.sent_at = message.received_at = message.modified_at = world.clock.now()
    if saves and mailbox.settings.files_sent:
        mailbox.move_to(message, "sentitems")
    else:
        mailbox.remove(message)


def translate_ids(call: Call) -> Response:
    """`POST /users/{id}/translateExchangeIds`: between default and immutable ids, 1,000 at most."""
    body = {name.lower(): value for name, value in read_body(call).items()}
    wanted: list[Any] = body.get("inputids") or []
    if len(wanted) > 1000:
        raise bad_request(call, "At most 1000 ids can be translated at once.", "ErrorInvalidRequest")
    immutable = str(body.get("targetidtype", "")).lower() == "restimmutableentryid"
    rows = []
    for source in wanted:
        known = call.mailbox.by_rest_id.get(source) or call.mailbox.by_immutable_id.get(source)
        if known is not None:
            target = known.immutable_id if immutable else known.rest_id
            rows.append({"sourceId": source, "targetId": target})
    return answer(call, {"value": rows}, context="translateExchangeIds")

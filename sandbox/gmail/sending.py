"""Sending, drafts, and what Gmail does to a message on its way out."""

import base64
import binascii
import secrets
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime, formataddr
from typing import Any

from werkzeug.wrappers import Response

from sandbox import ids, mime
from sandbox.calls import ApiError, Call, told_to_wait
from sandbox.flow import DAY_SECONDS, Submission, transport
from sandbox.gmail.errors import GmailDialect, bad_request, gmail_error, not_found
from sandbox.gmail.mailbox import GmailMailbox, GmailMessage
from sandbox.gmail.uploads import uploaded
from sandbox.gmail.views import FORMATS, view_ids, view_message
from sandbox.http import json_response, read_json
from sandbox.ledger import TOKEN_HEADER

RECIPIENTS_MAX = 500
# Beyond the daily quota Gmail goes on answering 200 for a while, and bounces.
_GRACE_SECONDS = 300
_LIMITED_SECONDS = 3_600


def read_body(call: Call) -> dict[str, Any]:
    try:
        return read_json(call.request)
    except ValueError:
        raise bad_request("Invalid JSON payload received.", "parseError") from None


def check_names(body: dict[str, Any], *known: str) -> None:
    """Raises 400 for a field that the request's message does not have."""
    for name in body:
        if name not in known:
            raise bad_request(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')


def read_message(call: Call, body: dict[str, Any] | None = None) -> tuple[bytes, dict[str, Any]]:
    """The raw message with the other fields of its resource, from JSON or from an upload."""
    if body is None:
        found = uploaded(call)
        if found is not None:
            return _checked(call, found[0]), found[1]
        body = read_body(call)
    raw = body.get("raw")
    if not isinstance(raw, str) or not raw:
        message = "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
        raise bad_request(message)
    return _checked(call, _decode(raw)), body


def _decode(text: str) -> bytes:
    """Base64url, padded or not; the standard alphabet is refused, since nobody promises it."""
    try:
        if "+" in text or "/" in text:
            raise ValueError(text)
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("Invalid value for ByteString: raw") from None


def _checked(call: Call, raw: bytes) -> bytes:
    if len(raw) > call.world.limits.gmail_message_bytes:
        raise gmail_error(413, "uploadTooLarge", "Request entity too large.")
    return raw


def send_message(call: Call) -> Response:
    """`messages.send`: 200 with ids alone; the Message-ID has to be fetched."""
    raw, body = read_message(call)
    message = submit(call, raw, str(body.get("threadId") or ""))
    return json_response(view_ids(message))


def submit(call: Call, raw: bytes, thread_id: str = "") -> GmailMessage:
    """File the copy in Sent and hand the message over; raises the API's 400 and 429."""
    mailbox: GmailMailbox = call.mailbox
    _check_recipients(raw)
    fault = _check_daily_limit(call, mailbox)
    token, submitted = mime.header(raw, TOKEN_HEADER), mime.header(raw, "Message-ID")
    sent = _as_sent(call, mailbox, raw)
    thread = thread_id if _may_join(mailbox, thread_id, sent) else ""
    labels = _labels(mailbox, sent)
    message = mailbox.add(sent, labels, call.now, thread_id=thread)
    submission = Submission.build(mailbox, sent, token=token, submitted_message_id=submitted, fault=fault)
    transport(call.world, submission)
    if not message.labels:
        mailbox.remove(message)
    return message


def _labels(mailbox: GmailMailbox, sent: bytes) -> list[str]:
    """A message to oneself is one message that was sent and has arrived."""
    labels = ["SENT"] if mailbox.settings.files_sent else []
    to_self = mailbox.addresses() & {address.lower() for address in mime.recipients(sent)}
    return [*labels, "INBOX", "UNREAD"] if to_self else labels


def _check_recipients(raw: bytes) -> None:
    recipients = mime.recipients(raw)
    if not recipients:
        raise bad_request("Recipient address required")
    if any("@" not in address for address in recipients):
        raise bad_request("Invalid To header")
    if len(recipients) > RECIPIENTS_MAX:
        raise bad_request("Too many recipients")


def _check_daily_limit(call: Call, mailbox: GmailMailbox) -> str | None:
    """The sender fault of a message beyond the day's limit, later 429."""
    limit = mailbox.settings.messages_per_day or call.world.limits.gmail_messages_per_day
    if call.now < mailbox.limited_until:
        raise _over_daily_limit(call, mailbox)
    sent: deque[float] = mailbox.usage.messages
    while sent and sent[0] <= call.now - DAY_SECONDS:
        sent.popleft()
    if limit is None or len(sent) < limit:
        mailbox.over_daily_since = None
        sent.append(call.now)
        return None
    if mailbox.over_daily_since is None:
        mailbox.over_daily_since = call.now
    if call.now - mailbox.over_daily_since >= _GRACE_SECONDS:
        mailbox.limited_until = call.now + _LIMITED_SECONDS
        raise _over_daily_limit(call, mailbox)
    return "daily-limit"


def _over_daily_limit(call: Call, mailbox: GmailMailbox) -> ApiError:
    wait = mailbox.limited_until - call.now
    until = datetime.fromtimestamp(mailbox.limited_until, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    told_to_wait(mailbox, mailbox.limited_until)
    message = f"User-rate limit exceeded.  Retry after {until} (Mail sending)"
    error = GmailDialect().throttled(call, wait, message)
    del error.response.headers["Retry-After"]
    return error


def make_message_id() -> str:
    return f"<CA{secrets.token_urlsafe(30)}@mail.gmail.com>"


def _as_sent(call: Call, mailbox: GmailMailbox, raw: bytes) -> bytes:
    """Always an own Message-ID; a From that is no verified identity is replaced in silence."""
    raw = mime.with_header(raw, "Message-ID", make_message_id())
    sender = mime.addresses(mime.read_headers(raw), "From")
    if not sender or sender[0][1].lower() not in mailbox.send_as:
        raw = mime.with_header(raw, "From", formataddr((mailbox.display_name, mailbox.email)))
    if not mime.header(raw, "Date"):
        raw = mime.with_header(raw, "Date", format_datetime(datetime.fromtimestamp(call.now, UTC)))
    return raw


def _may_join(mailbox: GmailMailbox, thread_id: str, raw: bytes) -> bool:
    """A thread takes a message that also answers one of its messages."""
    if not thread_id:
        return False
    if thread_id not in set(mailbox.threads_by_message_id.values()):
        raise not_found()
    return mailbox.thread_for(raw) == thread_id


# Drafts


def create_draft(call: Call) -> Response:
    raw, body = _draft_body(call)
    thread = str(body.get("threadId") or "")
    message = call.mailbox.add(raw, ["DRAFT"], call.now, thread_id=thread)
    draft_id = "r" + str(int(ids.gmail_id(call.mailbox.email, message.key), 16))
    call.mailbox.drafts[draft_id] = message.id
    return json_response({"id": draft_id, "message": view_ids(message)})


def _draft_body(call: Call) -> tuple[bytes, dict[str, Any]]:
    """A draft wraps its message, unless the message itself is uploaded."""
    found = uploaded(call)
    if found is not None:
        return _checked(call, found[0]), found[1].get("message") or {}
    return read_message(call, read_body(call).get("message") or {})


def find_draft(call: Call, draft_id: str) -> GmailMessage:
    message_id = call.mailbox.drafts.get(draft_id)
    if message_id is None:
        raise not_found()
    found: GmailMessage = call.mailbox.by_id[message_id]
    return found


def get_draft(call: Call) -> Response:
    form = call.request.args.get("format", "full")
    if form not in FORMATS:
        raise bad_request(f"Invalid value at 'format': {form}")
    message = find_draft(call, call.values["id"])
    return json_response({"id": call.values["id"], "message": view_message(message, form)})


def list_drafts(call: Call) -> Response:
    rows = [
        {"id": draft, "message": {"id": held, "threadId": call.mailbox.by_id[held].thread_id}}
        for draft, held in reversed(call.mailbox.drafts.items())
    ]
    return json_response({**({"drafts": rows} if rows else {}), "resultSizeEstimate": len(rows)})


def update_draft(call: Call) -> Response:
    """Replaces the message of the draft, which gets another message id."""
    old = find_draft(call, call.values["id"])
    raw, _ = _draft_body(call)
    message = call.mailbox.add(raw, ["DRAFT"], call.now, thread_id=old.thread_id)
    call.mailbox.remove(old)
    call.mailbox.drafts[call.values["id"]] = message.id
    return json_response({"id": call.values["id"], "message": view_ids(message)})


def delete_draft(call: Call) -> Response:
    call.mailbox.remove(find_draft(call, call.values["id"]))
    return Response(status=204)


def send_draft(call: Call) -> Response:
    """`drafts.send {"id"}`: the draft is gone afterwards, the sent message has an id of its own."""
    draft_id = str(read_body(call).get("id") or "")
    if not draft_id:
        raise bad_request("Draft id required")
    draft = find_draft(call, draft_id)
    thread = draft.thread_id if call.mailbox.thread_for(draft.raw) == draft.thread_id else ""
    message = submit(call, draft.raw, thread)
    call.mailbox.remove(draft)
    return json_response(view_ids(message))

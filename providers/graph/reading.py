"""Fetching and disposing of messages of an Exchange mailbox, in batches.

https://learn.microsoft.com/graph/outlook-get-mime-message: the MIME is made anew for each request.
"""

from __future__ import annotations

import base64
import binascii

from providers.api import Api
from providers.errors import AnswerLost, AnswerTooLarge, MessageRejected, NotFound, ProviderError
from providers.graph.batch import Part
from providers.graph.mailbox import PREFER, RAW, message_path
from providers.help import general_help
from providers.messages import AccessToken, Disposal, Disposed, MessageRef, RawMessage
from providers.rounds import Outcome
from providers.session import HEAD_BYTES


def fetch_part(token: AccessToken, ref: MessageRef) -> Part:
    """Reading one message's MIME."""
    return Part("GET", f"{message_path(token.email, ref.id)}/$value", PREFER)


def dispose_part(token: AccessToken, ref: MessageRef, how: Disposal) -> Part:
    """Deleting one message, or moving it to Deleted Items."""
    if how is Disposal.DELETE:
        return Part("DELETE", message_path(token.email, ref.id), PREFER)
    return move_part(token, ref, "deleteditems")


def move_part(token: AccessToken, ref: MessageRef, folder: str) -> Part:
    """Moving one message to a folder, by its id or well-known name; with this header it keeps its own id."""
    path = f"{message_path(token.email, ref.id)}/move"
    return Part("POST", path, PREFER, {"destinationId": folder})


def read_raw(ref: MessageRef, outcome: Outcome, max_bytes: int) -> RawMessage:
    """The message that a part's outcome brought."""
    if isinstance(outcome, NotFound):
        return RawMessage(ref, gone=True)
    if isinstance(outcome, ProviderError):
        return RawMessage(ref, error=outcome)
    try:
        raw = base64.b64decode(b"".join(outcome.body.split()), validate=True)
    except (binascii.Error, ValueError):
        return RawMessage(ref, error=AnswerLost("The message arrived in pieces.", code="answer-lost"))
    return RawMessage(ref, raw) if len(raw) <= max_bytes else too_large(ref, raw)


def read_disposed(ref: MessageRef, outcome: Outcome, how: Disposal) -> Disposed:
    """What became of a message that was to go; one that is gone already is success."""
    if isinstance(outcome, NotFound):
        return Disposed(ref, how, gone=True)
    return Disposed(ref, how, error=outcome if isinstance(outcome, ProviderError) else None)


def read_head(api: Api, token: AccessToken, ref: MessageRef) -> RawMessage:
    """The beginning of a message that is too large to fetch: its header part, and most of a report."""
    url = api.url(f"{message_path(token.email, ref.id)}/$value")
    try:
        head = api.request(token, "GET", url, headers=RAW, max_bytes=HEAD_BYTES).body
    except AnswerTooLarge as error:
        head = error.head
    except ProviderError as error:
        return RawMessage(ref, error=error)
    return too_large(ref, head)


def too_large(ref: MessageRef, raw: bytes) -> RawMessage:
    """A message of which only the beginning is kept."""
    code = "message-too-large"
    error = MessageRejected("The message is too large to be read.", code=code, help=general_help(code))
    return RawMessage(ref, raw[:HEAD_BYTES], error=error)

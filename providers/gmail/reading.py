"""Fetching and disposing of messages of a Gmail mailbox, in batches."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from itertools import islice

from providers.answers import as_mapping, as_rows, as_text
from providers.api import Api, Content
from providers.errors import AnswerLost, AnswerTooLarge, MessageRejected, NotFound, ProviderError
from providers.gmail.batch import Part
from providers.gmail.mailbox import ROOT, message_path
from providers.help import general_help
from providers.messages import AccessToken, Disposal, Disposed, MessageRef, RawMessage
from providers.rounds import Outcome
from providers.session import HEAD_BYTES

# batchDelete takes no more ids than this.
DELETE_SIZE = 1_000


def fetch_part(ref: MessageRef) -> Part:
    """Reading one message as it was received."""
    return Part("GET", f"{message_path(ref.id)}?format=raw")


def trash_part(ref: MessageRef) -> Part:
    """Moving one message to Trash."""
    return Part("POST", f"{message_path(ref.id)}/trash")


def read_raw(api: Api, token: AccessToken, ref: MessageRef, outcome: Outcome, max_bytes: int) -> RawMessage:
    """The message that a part's outcome brought."""
    if isinstance(outcome, NotFound):
        return RawMessage(ref, gone=True)
    if isinstance(outcome, AnswerTooLarge):
        return _read_headers(api, token, ref)
    if isinstance(outcome, ProviderError):
        return RawMessage(ref, error=outcome)
    encoded = as_text(outcome.fields().get("raw"))
    try:
        # Padded or not, in either alphabet: Google has sent all of them.
        raw = base64.b64decode(
            encoded.rstrip("=").translate(_TO_STANDARD) + "=" * (-len(encoded.rstrip("=")) % 4)
        )
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        return RawMessage(ref, error=AnswerLost("The message arrived in pieces.", code="answer-lost"))
    return RawMessage(ref, raw) if len(raw) <= max_bytes else _too_large(ref, raw)


def read_trashed(ref: MessageRef, outcome: Outcome) -> Disposed:
    """What became of a message that was to be trashed; one that is gone already is success."""
    if isinstance(outcome, NotFound):
        return Disposed(ref, Disposal.TRASH, gone=True)
    return Disposed(ref, Disposal.TRASH, error=outcome if isinstance(outcome, ProviderError) else None)


def delete_for_good(api: Api, token: AccessToken, refs: Sequence[MessageRef]) -> Iterator[Disposed]:
    """Delete by the thousand. Google does not say which of them were gone already."""
    remaining = iter(refs)
    while chunk := list(islice(remaining, DELETE_SIZE)):
        content = Content.json({"ids": [ref.id for ref in chunk]})
        api.request(token, "POST", api.url(f"{ROOT}/messages/batchDelete"), content, ok=(200, 204))
        yield from (Disposed(ref, Disposal.DELETE) for ref in chunk)


_TO_STANDARD = str.maketrans("-_", "+/")


def _read_headers(api: Api, token: AccessToken, ref: MessageRef) -> RawMessage:
    """The header part of a message that is too large to fetch."""
    try:
        row = api.request(token, "GET", api.url(message_path(ref.id), {"format": "metadata"})).fields()
    except ProviderError as error:
        return RawMessage(ref, error=error)
    headers = as_rows(as_mapping(row.get("payload")).get("headers"))
    lines = [f"{as_text(header.get('name'))}: {as_text(header.get('value'))}\r\n" for header in headers]
    return _too_large(ref, "".join(lines).encode() + b"\r\n")


def _too_large(ref: MessageRef, raw: bytes) -> RawMessage:
    """A message of which only the beginning is kept."""
    code = "message-too-large"
    error = MessageRejected("The message is too large to be read.", code=code, help=general_help(code))
    return RawMessage(ref, raw[:HEAD_BYTES], error=error)

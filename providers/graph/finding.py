"""Finding a submitted message in Sent and Drafts of an Exchange mailbox.

A message is known by our token header, our Message-ID, or its draft's immutable id. Exchange may replace the
Message-ID, and files the copy in Sent only after transport took it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from functools import partial
from itertools import islice
from typing import Any

from providers.answers import as_mapping, as_rows, as_text
from providers.api import Api
from providers.clock import format_time
from providers.errors import AnswerTooLarge, NotFound, PermissionDenied, ProviderError, Unavailable
from providers.graph.batch import Batch, Part
from providers.graph.mailbox import PREFER, RAW, folder_path, get, message_path, pages
from providers.messages import (
    TOKEN_HEADER,
    Absent,
    AccessToken,
    CannotTell,
    Draft,
    Found,
    Markers,
    MessageRef,
    Receipt,
    SentState,
    StillDraft,
    Submitted,
)
from providers.rounds import read_look_ups

# Clocks differ: the look begins a little before the attempt.
CLOCK_SKEW = timedelta(minutes=5)
PAGE_SIZE = 100
# A mailbox sends 30 a minute; a look over more pages than this is given up, and says so.
MAX_PAGES = 50
# Copies to one recipient whose raw headers are read, where the listing shows no token header.
MAX_RAW_LOOKS = 20
HEADER_BYTES = 256 * 1024
_STATE_FIELDS = "id,internetMessageId,conversationId,isDraft,parentFolderId"
_COPY_FIELDS = (
    "id,internetMessageId,conversationId,toRecipients,ccRecipients,bccRecipients,internetMessageHeaders"
)


class _LookIncomplete(Exception):
    """The look cannot be finished; its text says why."""


def find_sent(
    api: Api, token: AccessToken, since: datetime, recipient: str, markers: Markers, *, has_drafts: bool
) -> SentState:
    """As `MailProvider.find_sent`; `has_drafts`: our messages begin as drafts in this mailbox."""
    try:
        state = _look_at_draft(api, token, markers) if markers.draft_id else None
        if state is None and has_drafts and not markers.draft_id:
            state = _find_orphan(api, token, since, markers)
        return state or _look_at_sent(api, token, since, recipient, markers)
    except (PermissionDenied, Unavailable, _LookIncomplete) as error:
        if getattr(error, "retry_at", None):  # the mailbox is to be left alone, not only this message
            raise
        return CannotTell(f"The mailbox could not be searched: {error}")


def look_up(
    api: Api, token: AccessToken, batch: Batch, submitted: Sequence[Submitted]
) -> list[Receipt | ProviderError | None]:
    """As `MailProvider.look_up`. One that was a draft has its id; the others are looked for in Sent, together."""
    ids = dict.fromkeys(one.receipt.provider_message_id for one in submitted)
    outcomes = batch.run([MessageRef(number) for number in ids if number], partial(_state_part, token))
    found = read_look_ups(outcomes, submitted, _sent_receipt)
    newest = _newest_copies(api, token) if "" in ids else []
    return [
        receipt if one.receipt.provider_message_id else _pick(newest, one)
        for one, receipt in zip(submitted, found, strict=True)
    ]


def _state_part(token: AccessToken, ref: MessageRef) -> Part:
    return Part("GET", f"{message_path(token.email, ref.id)}?$select={_STATE_FIELDS}", PREFER)


def _sent_receipt(row: Mapping[str, Any]) -> Receipt | None:
    return _receipt(row) if row.get("isDraft") is False else None


def _pick(newest: list[dict[str, Any]] | None, one: Submitted) -> Receipt | None:
    """Its copy among the newest in Sent; where these may not be read, nothing more will ever be known."""
    if newest is None:
        return one.receipt
    return next((_receipt(row) for row in newest if _is_ours(row, one.markers)), None)


def _look_at_draft(api: Api, token: AccessToken, markers: Markers) -> SentState | None:
    try:
        row = get(api, token, message_path(token.email, markers.draft_id), select=_STATE_FIELDS)
    except NotFound:
        return None
    if row.get("isDraft") is False:
        return Found(_receipt(row))
    drafts = get(api, token, folder_path(token.email, "drafts"), select="id")
    if row.get("isDraft") is True and row.get("parentFolderId") == drafts.get("id"):
        return StillDraft(_draft(row))
    # Submitting what a person threw away would be wrong, and so would be a second message.
    return CannotTell("The draft is no longer in Drafts, and was not sent from where it is.")


def _find_orphan(api: Api, token: AccessToken, since: datetime, markers: Markers) -> SentState | None:
    """A draft whose id was lost before it could be noted: it was never submitted."""
    for row in _copies(api, token, "drafts", since):
        if markers.token and _token_in(row) == markers.token:
            return StillDraft(_draft(row))
    return None


def _look_at_sent(
    api: Api, token: AccessToken, since: datetime, recipient: str, markers: Markers
) -> SentState:
    unclear: list[dict[str, Any]] = []
    for row in _copies(api, token, "sentitems", since):
        if _is_ours(row, markers):
            return Found(_receipt(row))
        if not _token_in(row) and recipient.casefold() in _recipients(row):
            unclear.append(row)
    if len(unclear) > MAX_RAW_LOOKS:
        raise _LookIncomplete(f"{len(unclear)} messages to this recipient carry no mark of ours.")
    for row in unclear:
        if _is_ours_raw(api, token, row, markers):
            return Found(_receipt(row))
    return Absent()


def _newest_copies(api: Api, token: AccessToken) -> list[dict[str, Any]] | None:
    """The newest messages of Sent; None where they may not be read."""
    try:
        body = get(
            api,
            token,
            f"{folder_path(token.email, 'sentitems')}/messages",
            orderby="receivedDateTime desc",
            select=_COPY_FIELDS,
            top=PAGE_SIZE,
        )
    except PermissionDenied:
        return None
    return as_rows(body.get("value"))


def _copies(api: Api, token: AccessToken, folder: str, since: datetime) -> Iterator[dict[str, Any]]:
    """Everything in a folder since then, oldest first: what is filed meanwhile comes at the end."""
    found = pages(
        api,
        token,
        f"{folder_path(token.email, folder)}/messages",
        filter=f"receivedDateTime ge {format_time(since - CLOCK_SKEW)}",
        orderby="receivedDateTime",
        select=_COPY_FIELDS,
        top=PAGE_SIZE,
    )
    for rows in islice(found, MAX_PAGES):
        yield from rows
    if next(found, None) is not None:
        raise _LookIncomplete("Too much was sent since then.")


def _is_ours(row: Mapping[str, Any], markers: Markers) -> bool:
    return _has_marker(_token_in(row), as_text(row.get("internetMessageId")), markers)


def _is_ours_raw(api: Api, token: AccessToken, row: Mapping[str, Any], markers: Markers) -> bool:
    """The copy's own header part: a listing may leave out what the message has."""
    url = api.url(f"{message_path(token.email, as_text(row.get('id')))}/$value")
    try:
        head = api.request(token, "GET", url, headers=RAW, max_bytes=HEADER_BYTES).body
    except AnswerTooLarge as error:
        head = error.head
    except NotFound:
        raise _LookIncomplete("A copy was moved while it was looked at.") from None
    headers = BytesHeaderParser().parsebytes(head)
    return _has_marker(str(headers.get(TOKEN_HEADER, "")), str(headers.get("Message-ID", "")), markers)


def _has_marker(token: str, message_id: str, markers: Markers) -> bool:
    """Whether one of our marks is there; an empty one marks nothing."""
    pairs = ((markers.token, token), (markers.message_id, message_id))
    return any(mark and mark == found.strip() for mark, found in pairs)


def _token_in(row: Mapping[str, Any]) -> str:
    for header in as_rows(row.get("internetMessageHeaders")):
        if as_text(header.get("name")).lower() == TOKEN_HEADER.lower():
            return as_text(header.get("value")).strip()
    return ""


def _recipients(row: Mapping[str, Any]) -> set[str]:
    return {
        as_text(as_mapping(entry.get("emailAddress")).get("address")).casefold()
        for kind in ("toRecipients", "ccRecipients", "bccRecipients")
        for entry in as_rows(row.get(kind))
    }


def _receipt(row: Mapping[str, Any]) -> Receipt:
    return Receipt(
        provider_message_id=as_text(row.get("id")),
        message_id=as_text(row.get("internetMessageId")),
        thread_id=as_text(row.get("conversationId")),
    )


def _draft(row: Mapping[str, Any]) -> Draft:
    found = _receipt(row)
    return Draft(found.provider_message_id, found.message_id, found.thread_id)

"""Finding a submitted message in a Gmail mailbox's Sent mail.

Gmail replaces our Message-ID and keeps our own X- header, which a search cannot find: so every message sent to
the recipient since then is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from providers.answers import as_rows, as_text
from providers.api import Api
from providers.errors import NotFound, PermissionDenied, ProviderError, Throttled, Unavailable
from providers.gmail.batch import Batch
from providers.gmail.mailbox import get, header_of, headers_part, read_receipt
from providers.messages import (
    TOKEN_HEADER,
    Absent,
    AccessToken,
    CannotTell,
    Found,
    Markers,
    MessageRef,
    Receipt,
    SentState,
    Submitted,
)
from providers.rounds import Outcome, read_look_ups

CLOCK_SKEW = timedelta(minutes=5)
PAGE_SIZE = 500
# Reading headers costs 20 of a minute's 6,000 units each; so many to one recipient is no campaign.
MAX_CANDIDATES = 200
# Against page tokens that lead in a circle: a page may come with nothing on it.
MAX_PAGES = 50


class _LookIncomplete(Exception):
    """The look cannot be finished; its text says why."""


def find_sent(
    api: Api, token: AccessToken, since: datetime, recipient: str, markers: Markers, *, batch_size: int
) -> SentState:
    """As `MailProvider.find_sent`."""
    try:
        refs = _candidates(api, token, since, recipient)
        return _look_at(Batch(api, token, batch_size), refs, markers)
    except (PermissionDenied, Unavailable, _LookIncomplete) as error:
        if getattr(error, "retry_at", None):  # the mailbox is to be left alone, not only this message
            raise
        return CannotTell(f"The mailbox could not be searched: {error}")


def look_up(batch: Batch, submitted: Sequence[Submitted]) -> list[Receipt | ProviderError | None]:
    """As `MailProvider.look_up`. Gmail tells each message's id at once; without it nothing can be asked."""
    ids = (one.receipt.provider_message_id for one in submitted)
    refs = [MessageRef(number) for number in dict.fromkeys(ids) if number]
    return read_look_ups(batch.run(refs, headers_part), submitted, read_receipt)


def _candidates(api: Api, token: AccessToken, since: datetime, recipient: str) -> list[MessageRef]:
    after = int((since - CLOCK_SKEW).timestamp())
    params: dict[str, Any] = {"q": f"in:sent after:{after} to:{recipient}", "maxResults": PAGE_SIZE}
    refs: dict[str, MessageRef] = {}
    for _ in range(MAX_PAGES):
        body = get(api, token, "/messages", **params)
        for row in as_rows(body.get("messages")):
            refs[as_text(row.get("id"))] = MessageRef(as_text(row.get("id")))
        if len(refs) > MAX_CANDIDATES:
            raise _LookIncomplete(f"More than {MAX_CANDIDATES} messages went to this recipient since then.")
        if not (page := as_text(body.get("nextPageToken"))):
            return list(refs.values())
        params["pageToken"] = page
    raise _LookIncomplete(f"The search was not at its end after {MAX_PAGES} pages.")


def _look_at(batch: Batch, refs: list[MessageRef], markers: Markers) -> SentState:
    for _, outcome in batch.run(refs, headers_part):
        row = _row_of(outcome)
        if _has_marker(row, markers):
            return Found(read_receipt(row))
    return Absent()


def _row_of(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, NotFound):
        raise _LookIncomplete("A message disappeared while it was looked at.")
    if isinstance(outcome, Throttled):
        raise outcome
    if isinstance(outcome, ProviderError):
        raise _LookIncomplete(outcome.message)
    return outcome.fields()


def _has_marker(row: dict[str, Any], markers: Markers) -> bool:
    """Whether one of our marks is there; an empty one marks nothing."""
    pairs = ((markers.token, TOKEN_HEADER), (markers.message_id, "Message-ID"))
    return any(mark and mark == header_of(row, name) for mark, name in pairs)

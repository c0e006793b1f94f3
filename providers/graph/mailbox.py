"""Addresses and common requests of one Graph mailbox.

https://learn.microsoft.com/graph/outlook-immutable-id: the header goes with every call, or ids change on moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from providers.answers import as_mapping, as_rows, as_text
from providers.api import NO_CONTENT, Api, Content
from providers.clock import parse_time
from providers.errors import AnswerLost
from providers.messages import AccessToken, MessageRef
from providers.session import Answer

IMMUTABLE_IDS = 'IdType="ImmutableId"'
PREFER = {"Prefer": IMMUTABLE_IDS}
RAW = {**PREFER, "Accept": "*/*"}
SUMMARY_FIELDS = "id,internetMessageId,conversationId,from,subject,receivedDateTime,isRead"


def user_path(email: str) -> str:
    """The mailbox's own path. A guest's address holds #, another may hold an apostrophe."""
    return f"/users/{quote(email, safe='@')}"


def message_path(email: str, message_id: str) -> str:
    """One message's path; ids may hold =, + and /."""
    return f"{user_path(email)}/messages/{quote(message_id, safe='')}"


def folder_path(email: str, folder: str) -> str:
    """A folder's path, by its well-known name or its id."""
    return f"{user_path(email)}/mailFolders/{quote(folder, safe='')}"


def get(api: Api, token: AccessToken, path: str, **params: Any) -> dict[str, Any]:
    """A JSON object, asked for with immutable ids. `select` and `top` and `filter` stand for the $ options."""
    url = api.url(path, {f"${name}": value for name, value in params.items()})
    return api.request(token, "GET", url, headers=PREFER).fields()


def post(
    api: Api,
    token: AccessToken,
    path: str,
    content: Content = NO_CONTENT,
    *,
    ok: tuple[int, ...],
) -> Answer:
    """A POST that is no submission, sent once."""
    return api.request(token, "POST", api.url(path), content, ok=ok, headers=PREFER, repeatable=False)


def read_ref(row: Mapping[str, Any], folder: str = "") -> MessageRef:
    """A message row as a reference."""
    address = as_mapping(as_mapping(row.get("from")).get("emailAddress"))
    is_read = row.get("isRead")
    return MessageRef(
        id=as_text(row.get("id")),
        folder=folder,
        message_id=as_text(row.get("internetMessageId")),
        thread_id=as_text(row.get("conversationId")),
        sender=as_text(address.get("address")),
        subject=as_text(row.get("subject")),
        received_at=parse_time(as_text(row.get("receivedDateTime"))),
        is_read=is_read if isinstance(is_read, bool) else None,
    )


def pages(api: Api, token: AccessToken, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
    """The rows of each page to the end. A page may be empty and still not be the last."""
    url = api.url(path, {f"${name}": value for name, value in params.items()})
    while url:
        body = api.request(token, "GET", url, headers=PREFER).fields()
        if not isinstance(body.get("value"), list):
            raise AnswerLost("Microsoft's answer holds no list.", code="answer-lost")
        yield as_rows(body["value"])
        url = as_text(body.get("@odata.nextLink"))

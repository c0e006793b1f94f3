"""Addresses and common requests of one Gmail mailbox.

`me` is the mailbox that the token impersonates, so that no spelling of its address is ever refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from providers.answers import as_mapping, as_rows, as_text
from providers.api import Api
from providers.gmail.batch import Part
from providers.messages import TOKEN_HEADER, AccessToken, MessageRef, Receipt

ROOT = "/gmail/v1/users/me"
UPLOAD_ROOT = f"/upload{ROOT}"
MARKER_HEADERS = ("Message-ID", TOKEN_HEADER)


def message_path(message_id: str) -> str:
    """One message's path."""
    return f"{ROOT}/messages/{quote(message_id, safe='')}"


def get(api: Api, token: AccessToken, path: str, **params: Any) -> dict[str, Any]:
    """A JSON object."""
    return api.request(token, "GET", api.url(f"{ROOT}{path}", params)).fields()


def headers_part(ref: MessageRef) -> Part:
    """Reading the headers that our messages are known by."""
    query = urlencode({"format": "metadata", "metadataHeaders": MARKER_HEADERS}, doseq=True)
    return Part("GET", f"{message_path(ref.id)}?{query}")


def header_of(row: Mapping[str, Any], name: str) -> str:
    """A header of a message in format metadata or full, whatever its capitals."""
    for header in as_rows(as_mapping(row.get("payload")).get("headers")):
        if as_text(header.get("name")).lower() == name.lower():
            return as_text(header.get("value")).strip()
    return ""


def read_receipt(row: Mapping[str, Any]) -> Receipt:
    """What a message row tells of a sent message."""
    return Receipt(
        provider_message_id=as_text(row.get("id")),
        message_id=header_of(row, "Message-ID"),
        thread_id=as_text(row.get("threadId")),
    )

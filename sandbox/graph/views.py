"""A stored message as Graph shows it, and the properties that queries may name.

https://learn.microsoft.com/graph/api/resources/message
"""

import html
from typing import Any

from sandbox import ids, mime
from sandbox.calls import Call
from sandbox.clock import rfc3339
from sandbox.graph.mailbox import GraphMailbox, GraphMessage
from sandbox.mime import Address

# Internet headers live in this property set, each as a named property.
INTERNET_HEADERS_SET = "{00020386-0000-0000-c000-000000000046}"
# Copies in Sent Items list their headers without these, although `$value` has them.
_NOT_IN_SENT_HEADERS = frozenset({"message-id", "references", "in-reply-to"})

SELECTABLE = frozenset(
    {
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "changeKey",
        "categories",
        "receivedDateTime",
        "sentDateTime",
        "hasAttachments",
        "internetMessageId",
        "subject",
        "bodyPreview",
        "importance",
        "parentFolderId",
        "conversationId",
        "conversationIndex",
        "isDeliveryReceiptRequested",
        "isReadReceiptRequested",
        "isRead",
        "isDraft",
        "webLink",
        "inferenceClassification",
        "body",
        "uniqueBody",
        "sender",
        "from",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
        "flag",
        "internetMessageHeaders",
    }
)
_ONLY_SELECTED = frozenset({"internetMessageHeaders", "uniqueBody"})


def wants_immutable_ids(call: Call) -> bool:
    """`Prefer: IdType="ImmutableId"`, which goes for one request alone."""
    prefer = ",".join(call.request.headers.getlist("Prefer")).replace(" ", "").replace('"', "").lower()
    return "idtype=immutableid" in prefer


def shown_id(call: Call, message: GraphMessage) -> str:
    return message.immutable_id if wants_immutable_ids(call) else message.rest_id


def etag(message: GraphMessage) -> str:
    return f'W/"{change_key(message)}"'


def change_key(message: GraphMessage) -> str:
    return f"CQAAABYAAAD{message.key:06d}{message.change:06d}"


def view_message(call: Call, message: GraphMessage, select: list[str] | None = None) -> dict[str, Any]:
    """The default properties, or those selected; `id` and the etag always."""
    names = SELECTABLE - _ONLY_SELECTED if select is None else {"id", *select}
    everything = _properties(call, message, names)
    shown = {name: value for name, value in everything.items() if name in names}
    return {"@odata.etag": etag(message), **shown}


def _properties(call: Call, message: GraphMessage, names: set[str] | frozenset[str]) -> dict[str, Any]:
    digest = message.digest
    mailbox: GraphMailbox = call.mailbox
    item: dict[str, Any] = {
        "id": shown_id(call, message),
        "createdDateTime": rfc3339(message.created_at),
        "lastModifiedDateTime": rfc3339(message.modified_at),
        "changeKey": change_key(message),
        "categories": message.properties.get("categories", []),
        "receivedDateTime": rfc3339(message.received_at),
        "sentDateTime": rfc3339(message.sent_at),
        "hasAttachments": digest.has_attachments,
        "internetMessageId": digest.message_id,
        "subject": digest.subject,
        "bodyPreview": preview(digest),
        "importance": message.properties.get("importance", "normal"),
        "parentFolderId": mailbox.folders[message.folder].id,
        "conversationId": message.conversation_id,
        "conversationIndex": ids.conversation_index(message.conversation_id),
        "isDeliveryReceiptRequested": None,
        "isReadReceiptRequested": False,
        "isRead": message.is_read,
        "isDraft": message.is_draft,
        "webLink": f"https://outlook.office365.com/owa/?ItemID={message.rest_id}",
        "inferenceClassification": "focused",
        "sender": _recipient(digest.sender),
        "from": _recipient(digest.sender),
        "toRecipients": [_recipient(one) for one in digest.to],
        "ccRecipients": [_recipient(one) for one in digest.cc],
        "bccRecipients": [_recipient(one) for one in digest.bcc],
        "replyTo": [_recipient(one) for one in digest.reply_to],
        "flag": message.properties.get("flag", {"flagStatus": "notFlagged"}),
    }
    if names & {"body", "uniqueBody"}:
        item["body"] = item["uniqueBody"] = _body(call, digest)
    if "internetMessageHeaders" in names:
        item["internetMessageHeaders"] = _headers(message)
    return item


def _recipient(address: Address) -> dict[str, Any]:
    name, email = address
    return {"emailAddress": {"name": name or email, "address": email}}


def preview(digest: mime.Digest) -> str:
    return " ".join(digest.text.split())[:255]


def _body(call: Call, digest: mime.Digest) -> dict[str, str]:
    prefer = ",".join(call.request.headers.getlist("Prefer")).replace('"', "").lower()
    if "outlook.body-content-type=text" in prefer or not digest.html:
        if "outlook.body-content-type=text" in prefer or digest.text:
            return {"contentType": "text", "content": digest.text}
        return {"contentType": "html", "content": f"<html><body>{html.escape(digest.text)}</body></html>"}
    return {"contentType": "html", "content": digest.html}


def _headers(message: GraphMessage) -> list[dict[str, str]]:
    listed = []
    for field in mime.fields(message.raw):
        name, _, value = field.decode("utf-8", "replace").partition(":")
        if message.folder == "sentitems" and name.strip().lower() in _NOT_IN_SENT_HEADERS:
            continue
        listed.append({"name": name.strip(), "value": " ".join(value.split())})
    return listed


def read_property(message: GraphMessage, name: str) -> Any:
    """A property as `$filter` and `$orderby` compare it; raises KeyError for one they do not know."""
    if name.startswith("extended:"):
        return extended_property(message, name.removeprefix("extended:"))
    return _READERS[name](message)


def extended_property(message: GraphMessage, property_id: str) -> str | None:
    """A header by its MAPI name: `String {00020386-…} Name X-Header`."""
    kind, _, rest = property_id.partition(" ")
    guid, _, name = rest.partition(" Name ")
    if kind != "String" or guid.lower() != INTERNET_HEADERS_SET:
        return None
    return mime.header(message.raw, name.strip()) or None


_READERS: dict[str, Any] = {
    "receivedDateTime": lambda message: int(message.received_at),
    "sentDateTime": lambda message: int(message.sent_at),
    "createdDateTime": lambda message: int(message.created_at),
    "lastModifiedDateTime": lambda message: int(message.modified_at),
    "isRead": lambda message: message.is_read,
    "isDraft": lambda message: message.is_draft,
    "hasAttachments": lambda message: message.digest.has_attachments,
    "subject": lambda message: message.digest.subject,
    "internetMessageId": lambda message: message.digest.message_id,
    "conversationId": lambda message: message.conversation_id,
    "importance": lambda message: message.properties.get("importance", "normal"),
    "from/emailAddress/address": lambda message: message.digest.sender[1],
    "from/emailAddress/name": lambda message: message.digest.sender[0],
    "sender/emailAddress/address": lambda message: message.digest.sender[1],
}

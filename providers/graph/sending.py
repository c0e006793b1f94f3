"""Sending through Graph: MIME as a draft that is then submitted, or in one go where no draft may be made.

https://learn.microsoft.com/graph/outlook-send-mime-message
"""

from __future__ import annotations

import base64
from datetime import datetime

from providers.answers import as_text
from providers.api import NO_CONTENT, Api, Content, unknown_outcome
from providers.errors import NotFound, ProviderError, Unavailable
from providers.graph.mailbox import PREFER, message_path, post, user_path
from providers.graph.uploads import attach, split_attachments
from providers.messages import TOKEN_HEADER, AccessToken, Draft, Receipt
from providers.session import Answer

# Graph takes 4 MB a request; Exchange re-encodes, and beyond about 2.2 MB of MIME it has answered 200 instead
# of 201 and 202. What is larger goes as a draft whose attachments are uploaded one by one.
MIME_BYTES = 2_000_000


def mime_content(mime: bytes) -> Content:
    """A whole message as Graph takes it: base64, as plain text."""
    return Content(base64.b64encode(mime), "text/plain")


def create_draft(api: Api, token: AccessToken, mime: bytes) -> Draft:
    """Lay the message down in Drafts, large attachments uploaded. A failure leaves no draft behind."""
    body, attachments = split_attachments(mime, MIME_BYTES)
    answer = post(api, token, f"{user_path(token.email)}/messages", mime_content(body), ok=(200, 201))
    draft = _read_draft(answer)
    try:
        if answer.status != 201 or not draft.id:
            raise Unavailable(
                "Microsoft did not confirm the draft.", code="draft-unconfirmed", status=answer.status
            )
        for attachment in attachments:
            attach(api, token, draft, attachment)
    except ProviderError:
        _drop_quietly(api, token, draft)
        raise
    return draft


def submit_draft(api: Api, token: AccessToken, draft: Draft, deadline: datetime) -> Receipt:
    """Submit a draft, once. A draft that is gone was submitted before, or removed: only Sent can tell."""
    url = api.url(f"{message_path(token.email, draft.id)}/send")
    try:
        api.submit(token, url, NO_CONTENT, ok=202, deadline=deadline, headers=PREFER)
    except NotFound as error:
        raise unknown_outcome(error) from None
    return Receipt(provider_message_id=draft.id, thread_id=draft.thread_id)


def send_mime(api: Api, token: AccessToken, mime: bytes, deadline: datetime) -> Receipt:
    """Submit a whole message, once. Nothing is known of the copy in Sent until it is looked up."""
    url = api.url(f"{user_path(token.email)}/sendMail")
    api.submit(token, url, mime_content(mime), ok=202, deadline=deadline, headers=PREFER)
    return Receipt()


def delete_message(api: Api, token: AccessToken, message_id: str) -> None:
    """Delete a message; one that is gone is success."""
    url = api.url(message_path(token.email, message_id))
    api.request(token, "DELETE", url, ok=(204, 404), headers=PREFER)


def register_token_header(api: Api, token: AccessToken) -> None:
    """Let the mailbox know our header's name.

    On a mailbox where a header of that name was never used, Exchange may drop it from MIME messages until it
    came once in a JSON message: so one JSON draft is made and removed.
    """
    header = {"name": TOKEN_HEADER.lower(), "value": "registered"}
    content = Content.json({"subject": "API Connect", "internetMessageHeaders": [header]})
    answer = post(api, token, f"{user_path(token.email)}/messages", content, ok=(201,))
    delete_message(api, token, _read_draft(answer).id)


def _read_draft(answer: Answer) -> Draft:
    row = answer.fields()
    return Draft(
        id=as_text(row.get("id")),
        message_id=as_text(row.get("internetMessageId")),
        thread_id=as_text(row.get("conversationId")),
    )


def _drop_quietly(api: Api, token: AccessToken, draft: Draft) -> None:
    """The failure that led here is the one to report; a draft left over is swept later."""
    if not draft.id:
        return
    try:
        delete_message(api, token, draft.id)
    except ProviderError:
        return

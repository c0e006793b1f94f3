"""Moving messages of a Gmail mailbox to a label of the customer's own, out of inbox and spam, by the thousand.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/batchModify: 204 without a word
about messages that are gone. One that a person has thrown away keeps lying in Trash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from providers.answers import as_rows, as_text
from providers.api import Api, Content
from providers.errors import AnswerLost, MessageRejected, NotFound, PermissionDenied, ProviderError
from providers.folders import folder_vanished, is_named, not_moved
from providers.gmail.mailbox import ROOT, get
from providers.messages import AccessToken, Disposal, Disposed, MessageRef

# batchModify takes no more ids than this.
MOVE_SIZE = 1_000
_WATCHED = ["INBOX", "SPAM"]
_CONFLICT = 409


def move(api: Api, token: AccessToken, refs: Sequence[MessageRef], name: str) -> Iterator[Disposed]:
    """Move each message; where the label cannot be had, each carries that refusal as its own."""
    remaining = iter(refs)
    try:
        label = find_or_make_label(api, token, name)
        while chunk := list(islice(remaining, MOVE_SIZE)):
            yield from _move(api, token, chunk, label, name)
    except (PermissionDenied, MessageRejected, NotFound) as error:
        yield from (not_moved(ref, error) for ref in remaining)


def _move(
    api: Api, token: AccessToken, refs: Sequence[MessageRef], label: str, name: str
) -> Iterator[Disposed]:
    body = {"ids": [ref.id for ref in refs], "addLabelIds": [label], "removeLabelIds": _WATCHED}
    url = api.url(f"{ROOT}/messages/batchModify")
    try:
        api.request(token, "POST", url, Content.json(body), ok=(200, 204))
    except (PermissionDenied, MessageRejected, NotFound) as error:
        reason: ProviderError = error if _find(api, token, name) == label else folder_vanished(name)
        yield from (not_moved(ref, reason) for ref in refs)
    else:
        yield from (Disposed(ref, Disposal.MOVE) for ref in refs)


def find_or_make_label(api: Api, token: AccessToken, name: str) -> str:
    """The id of the label that is called so. Two who make it at once get the same one."""
    found = _find(api, token, name)
    if found:
        return found
    body = {"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
    try:
        answer = api.request(token, "POST", api.url(f"{ROOT}/labels"), Content.json(body))
    except ProviderError as error:
        made = _find(api, token, name) if error.status == _CONFLICT else ""
        if not made:
            raise
        return made
    made = as_text(answer.fields().get("id"))
    if not made:
        raise AnswerLost("The provider's answer holds no id of the new label.", code="answer-lost")
    return made


def _find(api: Api, token: AccessToken, name: str) -> str:
    for row in as_rows(get(api, token, "/labels").get("labels")):
        if row.get("type") == "user" and is_named(as_text(row.get("name")), name):
            return as_text(row.get("id"))
    return ""

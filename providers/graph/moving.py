"""Moving messages of an Exchange mailbox to a folder of the customer's own, in batches.

https://learn.microsoft.com/graph/api/message-move: a new copy under a new default id; the immutable id stays.
https://learn.microsoft.com/graph/api/user-post-mailfolders: names are unique beside the inbox, whatever their case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from providers.answers import as_text
from providers.api import Api, Content
from providers.errors import AnswerLost, MessageRejected, NotFound, PermissionDenied, ProviderError
from providers.folders import folder_vanished, is_named, not_moved
from providers.graph.batch import Batch
from providers.graph.mailbox import PREFER, folder_path, get, pages, user_path
from providers.graph.reading import move_part, read_disposed
from providers.messages import AccessToken, Disposal, Disposed, MessageRef

PAGE = 250
_EXISTS = "ErrorFolderExists"


def move(
    api: Api, token: AccessToken, batch: Batch, refs: Sequence[MessageRef], name: str
) -> Iterator[Disposed]:
    """Move each message; where the folder cannot be had, each carries that refusal as its own.

    A 404 means either the message or the folder, so the folder is looked at before a message is called gone.
    """
    try:
        folder = find_or_make_folder(api, token, name)
    except (PermissionDenied, MessageRejected, NotFound) as error:
        yield from (not_moved(ref, error) for ref in refs)
        return
    missing: list[Disposed] = []
    for ref, outcome in batch.run(refs, lambda ref: move_part(token, ref, folder)):
        result = read_disposed(ref, outcome, Disposal.MOVE)
        if result.gone:
            missing.append(result)
        else:
            yield result
    if missing and not _exists(api, token, folder):
        missing = [not_moved(result.ref, folder_vanished(name)) for result in missing]
    yield from missing


def find_or_make_folder(api: Api, token: AccessToken, name: str) -> str:
    """The id of the folder beside the inbox that is called so. Two who make it at once get the same one."""
    found = _find(api, token, name)
    if found:
        return found
    path = f"{user_path(token.email)}/mailFolders"
    try:
        answer = api.request(
            token,
            "POST",
            api.url(path),
            Content.json({"displayName": name}),
            ok=(200, 201),
            headers=PREFER,
        )
    except ProviderError as error:
        made = _find(api, token, name) if error.code == _EXISTS else ""
        if not made:
            raise
        return made
    made = as_text(answer.fields().get("id"))
    if not made:
        raise AnswerLost("The provider's answer holds no id of the new folder.", code="answer-lost")
    return made


def _find(api: Api, token: AccessToken, name: str) -> str:
    path = f"{user_path(token.email)}/mailFolders"
    for rows in pages(api, token, path, select="id,displayName", top=PAGE):
        for row in rows:
            if is_named(as_text(row.get("displayName")), name):
                return as_text(row.get("id"))
    return ""


def _exists(api: Api, token: AccessToken, folder: str) -> bool:
    try:
        get(api, token, folder_path(token.email, folder), select="id")
    except NotFound:
        return False
    return True

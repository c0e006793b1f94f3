"""The table of Gmail's methods with the scopes that each accepts, and how a request finds its own."""

from dataclasses import dataclass
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from sandbox.calls import ApiError, Call, Handler
from sandbox.execution import execute
from sandbox.gmail import access, history, labels, messages, sending, uploads
from sandbox.gmail.errors import GmailDialect, bad_request, gmail_error
from sandbox.world import World

_ALWAYS = frozenset(
    {"alt", "prettyPrint", "fields", "quotaUser", "key", "$.xgafv", "uploadType", "upload_id"}
)
_LIST = frozenset({"q", "labelIds", "maxResults", "pageToken", "includeSpamTrash"})
_HISTORY = frozenset({"startHistoryId", "historyTypes", "labelId", "maxResults", "pageToken"})
_GET = frozenset({"format", "metadataHeaders"})
_INSERT = frozenset({"deleted", "internalDateSource", "neverMarkSpam", "processForCalendar"})


@dataclass(frozen=True)
class Method:
    """`path` follows `/gmail/v1/users/{userId}/`; variable parts stand in braces."""

    name: str
    http_method: str
    path: str
    scopes: frozenset[str]
    handler: Handler
    options: frozenset[str] = frozenset()
    uploads: bool = False

    def match(self, method: str, segments: list[str]) -> dict[str, str] | None:
        pattern = self.path.split("/")
        if method != self.http_method or len(pattern) != len(segments):
            return None
        values: dict[str, str] = {}
        for part, segment in zip(pattern, segments, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = unquote(segment)
            elif part != segment:
                return None
        return values


METHODS = (
    Method("gmail.getProfile", "GET", "profile", access.TO_SEE_PROFILE, messages.get_profile),
    Method("gmail.messages.send", "POST", "messages/send", access.TO_SEND, sending.send_message, uploads=True),
    Method("gmail.messages.list", "GET", "messages", access.TO_READ, messages.list_messages, _LIST),
    Method("gmail.messages.insert", "POST", "messages", access.TO_INSERT, messages.insert_message, _INSERT, True),
    Method(
        "gmail.messages.insert", "POST", "messages/import", access.TO_INSERT, messages.insert_message, _INSERT, True
    ),
    Method("gmail.messages.batchModify", "POST", "messages/batchModify", access.TO_MODIFY, messages.batch_modify),
    Method("gmail.messages.batchDelete", "POST", "messages/batchDelete", access.TO_DELETE, messages.batch_delete),
    Method("gmail.messages.get", "GET", "messages/{id}", access.TO_READ, messages.get_message, _GET),
    Method("gmail.messages.delete", "DELETE", "messages/{id}", access.TO_DELETE, messages.delete_message),
    Method("gmail.messages.modify", "POST", "messages/{id}/modify", access.TO_MODIFY, messages.modify_message),
    Method("gmail.messages.trash", "POST", "messages/{id}/trash", access.TO_MODIFY, messages.trash_message),
    Method("gmail.messages.untrash", "POST", "messages/{id}/untrash", access.TO_MODIFY, messages.untrash_message),
    Method(
        "gmail.attachments.get",
        "GET",
        "messages/{id}/attachments/{attachment}",
        access.TO_READ_BODIES,
        messages.get_attachment,
    ),
    Method("gmail.history.list", "GET", "history", access.TO_READ, history.list_history, _HISTORY),
    Method("gmail.drafts.create", "POST", "drafts", access.TO_DRAFT, sending.create_draft, uploads=True),
    Method("gmail.drafts.list", "GET", "drafts", access.TO_READ_DRAFTS, sending.list_drafts, _LIST),
    Method("gmail.drafts.send", "POST", "drafts/send", access.TO_DRAFT, sending.send_draft),
    Method("gmail.drafts.get", "GET", "drafts/{id}", access.TO_READ_DRAFTS, sending.get_draft, _GET),
    Method("gmail.drafts.update", "PUT", "drafts/{id}", access.TO_DRAFT, sending.update_draft, uploads=True),
    Method("gmail.drafts.delete", "DELETE", "drafts/{id}", access.TO_DRAFT, sending.delete_draft),
    Method("gmail.labels.list", "GET", "labels", access.TO_SEE_LABELS, labels.list_labels),
    Method("gmail.labels.create", "POST", "labels", access.TO_CHANGE_LABELS, labels.create_label),
    Method("gmail.labels.get", "GET", "labels/{id}", access.TO_SEE_LABELS, labels.get_label),
    Method("gmail.labels.delete", "DELETE", "labels/{id}", access.TO_CHANGE_LABELS, labels.delete_label),
    Method("gmail.settings.sendAs.list", "GET", "settings/sendAs", access.TO_SEE_SEND_AS, messages.list_send_as),
)  # fmt: skip


def respond(world: World, request: Request, path: str, *, inner: bool = False) -> Response:
    """Answer one request; `path` follows the Gmail base URL. Raises ConnectionDropped."""
    call = Call("gmail.unknown", request, world, inner=inner)
    try:
        method = _find(call, path)
        call.grant = access.authenticate(call)
        call.mailbox = access.find_mailbox(call, call.values["user"])
        return execute(call, GmailDialect(), lambda call: _checked(call, method))
    except ApiError as error:
        return error.response


def _find(call: Call, path: str) -> Method:
    segments = [segment for segment in path.split("/") if segment]
    is_resumable = segments[:1] == ["resumable"]
    segments = segments[1:] if is_resumable else segments
    is_upload = segments[:1] == ["upload"]
    segments = segments[1:] if is_upload else segments
    http_method = "POST" if call.request.method == "PUT" and is_upload else call.request.method
    if segments[:3] == ["gmail", "v1", "users"] and len(segments) > 4:
        for method in METHODS:
            values = method.match(http_method, segments[4:])
            if values is not None and (method.uploads or not is_upload):
                call.name = method.name
                call.values = {**values, "user": segments[3]}
                if is_upload:
                    call.values["upload"] = "true"
                return method
    raise gmail_error(404, "notFound", "Not Found")


def _checked(call: Call, method: Method) -> Response:
    access.check_scopes(call, method.scopes)
    for name in call.request.args:
        if name not in _ALWAYS | method.options:
            message = f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
            raise bad_request(message)
    if uploads.begins_resumable(call):
        return uploads.begin_resumable(call)
    return method.handler(call)

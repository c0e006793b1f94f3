"""Who listens to the calls of this process: metrics and logs, which this room knows nothing of.

A listener is called in the thread that made the call, a moment after it ended. It must be quick and never raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class CallEnded:
    """One HTTP request, from its start to the end of its answer. `status` is 0 where none came."""

    operation: str
    seconds: float
    status: int

    @property
    def provider(self) -> str:
        """The provider's name; empty for an address that is nobody's."""
        return provider_of(self.operation)


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    """An error as a caller gets it, a part of a batch included. `request_id` is what the vendor's support asks for.

    `kind` is its class in the tree of errors, `code` the provider's own word for it; `topic` is the same as one of
    the help catalogue's codes, of which there are only so many.
    """

    provider: str
    operation: str
    kind: str
    code: str
    topic: str
    status: int
    request_id: str


Event = CallEnded | ErrorSeen
Listener = Callable[[Event], None]

BATCH_PART = "batch.part"
UNKNOWN = "unknown"
_LISTENERS: list[Listener] = []
_MAILBOX = r"/users/[^/]+"
# The providers' own names of what is called: method, end of the path, operation. The first that fits counts.
_OPERATIONS = [
    (method, re.compile(f"{path}$"), operation)
    for method, path, operation in (
        ("POST", r"/oauth2/v2\.0/token", "entra.token"),
        ("POST", r"/token", "google.token"),
        ("POST", r"/\$batch", "graph.batch"),
        ("POST", r"/batch/gmail/v1", "gmail.batch"),
        ("PUT", r"/upload/gmail/.*", "gmail.upload"),
        ("POST", rf"/upload/gmail/v1{_MAILBOX}/messages/send", "gmail.messages.send"),
        ("POST", rf"/gmail/v1{_MAILBOX}/messages/send", "gmail.messages.send"),
        ("POST", rf"/gmail/v1{_MAILBOX}/messages/batchDelete", "gmail.messages.batchDelete"),
        ("POST", rf"/gmail/v1{_MAILBOX}/messages/batchModify", "gmail.messages.batchModify"),
        ("GET", rf"/gmail/v1{_MAILBOX}/messages", "gmail.messages.list"),
        ("GET", rf"/gmail/v1{_MAILBOX}/messages/[^/]+", "gmail.messages.get"),
        ("GET", rf"/gmail/v1{_MAILBOX}/history", "gmail.history.list"),
        ("GET", rf"/gmail/v1{_MAILBOX}/profile", "gmail.getProfile"),
        ("GET", rf"/gmail/v1{_MAILBOX}/labels", "gmail.labels.list"),
        ("POST", rf"/gmail/v1{_MAILBOX}/labels", "gmail.labels.create"),
        ("GET", rf"/gmail/v1{_MAILBOX}/labels/[^/]+", "gmail.labels.get"),
        ("GET", rf"/gmail/v1{_MAILBOX}/settings/sendAs", "gmail.settings.sendAs.list"),
        ("POST", rf"{_MAILBOX}/sendMail", "graph.sendMail"),
        ("POST", rf"{_MAILBOX}/messages", "graph.messages.create"),
        ("POST", rf"{_MAILBOX}/messages/[^/]+/send", "graph.messages.send"),
        ("POST", rf"{_MAILBOX}/messages/[^/]+/attachments", "graph.attachments.create"),
        ("POST", r"/attachments/createUploadSession", "graph.attachments.createUploadSession"),
        ("PATCH", rf"{_MAILBOX}/messages/[^/]+", "graph.messages.update"),
        ("DELETE", rf"{_MAILBOX}/messages/[^/]+", "graph.messages.delete"),
        ("GET", rf"{_MAILBOX}/messages/[^/]+/\$value", "graph.messages.value"),
        ("GET", rf"{_MAILBOX}/messages/[^/]+", "graph.messages.get"),
        ("GET", rf"{_MAILBOX}/mailFolders/[^/]+/messages/delta", "graph.messages.delta"),
        ("GET", rf"{_MAILBOX}/mailFolders/[^/]+/messages", "graph.messages.list"),
        ("GET", rf"{_MAILBOX}/messages", "graph.messages.list"),
        ("GET", rf"{_MAILBOX}/mailFolders/[^/]+", "graph.mailFolders.get"),
        ("GET", rf"{_MAILBOX}/mailFolders", "graph.mailFolders.list"),
        ("POST", rf"{_MAILBOX}/mailFolders", "graph.mailFolders.create"),
        ("PUT", r".*", "graph.upload"),
    )
]
_PROVIDERS = {"entra": "microsoft", "graph": "microsoft", "google": "google", "gmail": "google"}


def listen(listener: Listener) -> None:
    """Tell `listener` of every call from now on; the same one twice is once."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)


def tell(event: Event) -> None:
    """Tell all who listen."""
    for listener in _LISTENERS:
        listener(event)


def operation_of(method: str, url: str) -> str:
    """The operation behind an address: one of a short list, whatever ids and addresses the path holds."""
    path = urlsplit(url).path.rstrip("/")
    fitting = (name for verb, pattern, name in _OPERATIONS if verb == method and pattern.search(path))
    return next(fitting, UNKNOWN)


def provider_of(operation: str) -> str:
    """The provider whose operation it is; empty where it is nobody's."""
    return _PROVIDERS.get(operation.partition(".")[0], "")

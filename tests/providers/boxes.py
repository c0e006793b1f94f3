"""One mailbox at each provider, the real clients over the sandbox, and its clock for theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from providers.base import MailProvider
from providers.errors import ProviderError
from providers.messages import (
    TOKEN_HEADER,
    AccessToken,
    BaseUrls,
    Cursor,
    Draft,
    Folder,
    Markers,
    News,
    Receipt,
    Start,
    StartKind,
    Submitted,
)
from providers.registry import provider_for
from providers.session import Http, new_session
from sandbox.adapter import ORIGIN, WsgiAdapter
from sandbox.app import create_app
from sandbox.credentials import make_service_account
from sandbox.mailbox import Mailbox, StoredMessage
from sandbox.urls import SandboxUrls
from sandbox.world import World

TENANT = "aaaaaaaa-0000-0000-0000-000000000001"
CLIENT = "bbbbbbbb-0000-0000-0000-000000000002"
SECRET = "abc8Q~it.has+odd~characters/inside"
GMAIL = "https://www.googleapis.com/auth/gmail."
GMAIL_SCOPES = (f"{GMAIL}send", f"{GMAIL}modify", "https://mail.google.com/")
ACCOUNT = make_service_account()
CREDENTIALS = {
    "microsoft": {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET},
    "google": {
        "client_email": ACCOUNT.client_email,
        "private_key": ACCOUNT.private_key,
        "private_key_id": ACCOUNT.private_key_id,
    },
}
_AT = SandboxUrls.at(ORIGIN)
URLS = BaseUrls(_AT.login, _AT.graph, _AT.google_token, _AT.gmail)
# What the sandbox calls the requests by which each dialect does the same thing.
CALLS = {
    "microsoft": {
        "token": "entra.token",
        "submit": "graph.messages.send",
        "list": "graph.messages.list",
        "news": "graph.messages.delta",
        "raw": "graph.messages.value",
        "delete": "graph.messages.delete",
        "batch": "graph.batch",
        "move": "graph.messages.move",
        "list-folders": "graph.mailFolders.list",
        "make-folder": "graph.mailFolders.create",
    },
    "google": {
        "token": "google.token",
        "submit": "gmail.messages.send",
        "list": "gmail.messages.list",
        "news": "gmail.history.list",
        "raw": "gmail.messages.get",
        "delete": "gmail.messages.batchDelete",
        "batch": "gmail.batch",
        "move": "gmail.messages.batchModify",
        "list-folders": "gmail.labels.list",
        "make-folder": "gmail.labels.create",
    },
}


@dataclass
class Box:
    """One mailbox with its provider's client; `pauses` is how long the client has waited so far."""

    name: str
    world: World
    client: MailProvider
    email: str
    pauses: list[float]

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock.now(), UTC)

    def call(self, what: str) -> str:
        return CALLS[self.name][what]

    def token(self) -> AccessToken:
        return self.client.acquire_token(self.email, self.client.scopes)

    def store(self) -> Mailbox:
        return self.world.mailbox(self.email)

    def deliver(self, number: int = 0, folder: Any = "inbox", **details: Any) -> StoredMessage:
        return self.world.deliver(incoming(number, self.email), self.email, folder=folder, **details)

    def make_folder(self, name: str) -> None:
        """As a person does beside us."""
        store: Any = self.store()
        (store.add_folder if self.name == "microsoft" else store.add_label)(name)

    def folders(self) -> list[str]:
        """The names of the person's own folders or labels."""
        store: Any = self.store()
        if self.name == "google":
            return sorted(store.user_labels.values())
        return sorted(folder.name for folder in store.top_folders() if folder.key == folder.id)

    def remove_folder(self, name: str) -> None:
        """For good."""
        store: Any = self.store()
        if self.name == "google":
            store.remove_label(next(label for label, shown in store.user_labels.items() if shown == name))
            return
        folder = next(folder for folder in store.top_folders() if folder.name == name)
        store.remove_folder(folder)
        store.remove_folder(folder)

    def submit(self, mime: bytes, token: AccessToken | None = None) -> tuple[Draft | None, Receipt]:
        token = token or self.token()
        draft = self.client.prepare(token, mime)
        deadline = self.now() + timedelta(minutes=1)
        return draft, self.client.submit(token, draft or mime, deadline=deadline)

    def news(
        self,
        cursor: Cursor | None = None,
        *,
        kind: StartKind = StartKind.NOW,
        date: datetime | None = None,
        since: datetime | None = None,
        budget: int = 1000,
        folders: Sequence[Folder] = tuple(Folder),
        token: AccessToken | None = None,
    ) -> News:
        return self.client.new_messages(
            token or self.token(), folders, cursor, start=Start(kind, date), since=since, budget=budget
        )

    def subjects(self, refs: Iterable[Any]) -> list[str]:
        """Subjects of fetched messages, sorted: what a listing tells differs, what is fetched does not."""
        raws = self.client.fetch(self.token(), list(refs))
        return sorted(
            line.removeprefix(b"Subject: ").decode()
            for message in raws
            for line in (message.raw or b"").splitlines()
            if line.startswith(b"Subject: ")
        )


def incoming(number: int, to: str) -> bytes:
    return (
        f"From: Person {number} <person{number}@outside.example>\r\nTo: {to}\r\nSubject: in {number:04}\r\n"
        f"Message-ID: <in-{number}@outside.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
        f"Text of {number}\r\n"
    ).encode()


def outgoing(
    sender: str, token: str = "token-1", to: str = "bob@outside.example", text: str = "Hello"
) -> bytes:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: News\r\nMessage-ID: <{token}@ours.example>\r\n"
        f"{TOKEN_HEADER}: {token}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
    ).encode()


def make_box(world: World, name: str) -> Box:
    email = {"microsoft": "news@acme.example", "google": "news@rival.example"}[name]
    world.add_mailbox(name, email, "The News")
    session = new_session()
    session.mount(ORIGIN, WsgiAdapter(create_app(world)))
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        world.advance(seconds)

    def clock() -> datetime:
        return datetime.fromtimestamp(world.clock.now(), UTC)

    http = Http(session=session, sleep=sleep, clock=clock)
    return Box(name, world, provider_for(name, URLS, CREDENTIALS[name], http), email, pauses)


def look_up(box: Box, token: AccessToken, receipt: Receipt) -> Receipt | ProviderError | None:
    """What one accepted message (with the marker token-1) became."""
    return box.client.look_up(token, [Submitted(receipt, Markers("token-1"))])[0]


def message_with(*sizes: int, sender: str = "news@acme.example") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, "bob@outside.example", "Files"
    message["Message-ID"] = "<files@ours.example>"
    message["X-Apiconnect-Token"] = "token-1"
    message.set_content("See the files.")
    message.add_alternative("<p>See the files.</p>", subtype="html")
    for number, size in enumerate(sizes):
        message.add_attachment(
            bytes([number + 65]) * size, maintype="application", subtype="pdf", filename=f"Größe {number}.pdf"
        )
    return message.as_bytes()

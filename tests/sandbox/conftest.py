"""A small world with one mailbox at each provider, and plain HTTP clients of it."""

import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import jwt
import pytest
import requests

from sandbox.adapter import ORIGIN, WsgiAdapter
from sandbox.app import create_app
from sandbox.clock import VirtualClock
from sandbox.credentials import ServiceAccountKey, make_service_account
from sandbox.urls import SandboxUrls
from sandbox.world import World
from tests.sandbox.requesting import AUTH, CLIENT, FULL, GOOGLE, MICROSOFT, SECRET, TENANT

Send = Callable[..., requests.Response]


@pytest.fixture
def key() -> ServiceAccountKey:
    return make_service_account()


@pytest.fixture
def world(key: ServiceAccountKey) -> World:
    # A clock that stands still makes times in answers predictable; tests move it themselves.
    world = World(clock=VirtualClock(start=float(int(time.time()))))
    world.add_microsoft_tenant(TENANT, domains=["acme.example"])
    world.add_microsoft_app(TENANT, CLIENT, SECRET)
    world.add_google_service_account(
        key.client_email,
        key.public_key,
        delegations={"globex.example": [FULL, f"{AUTH}send", f"{AUTH}modify", f"{AUTH}metadata"]},
        private_key_id=key.private_key_id,
    )
    world.add_mailbox("microsoft", MICROSOFT, "Acme News")
    world.add_mailbox("google", GOOGLE, "Globex News")
    return world


@pytest.fixture
def urls() -> SandboxUrls:
    return SandboxUrls.at(ORIGIN)


@pytest.fixture
def session(world: World) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount(ORIGIN, WsgiAdapter(create_app(world)))
        yield session


@pytest.fixture
def microsoft_token(session: requests.Session, urls: SandboxUrls) -> Callable[..., requests.Response]:
    """Ask the token endpoint; keywords replace fields of the form."""

    def ask(tenant: str = TENANT, **fields: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default",
            **fields,
        }
        return session.post(f"{urls.login}/{tenant}/oauth2/v2.0/token", data=form)

    return ask


@pytest.fixture
def google_token(
    session: requests.Session, urls: SandboxUrls, key: ServiceAccountKey, world: World
) -> Callable[..., requests.Response]:
    """Ask the token endpoint; keywords replace claims."""

    def ask(private_key: str = key.private_key, **changes: Any) -> requests.Response:
        now = int(world.clock.now())
        claims = {
            "iss": key.client_email,
            "sub": GOOGLE,
            "scope": FULL,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now,
            "exp": now + 3600,
            **changes,
        }
        assertion = jwt.encode(claims, private_key, algorithm="RS256", headers={"kid": key.private_key_id})
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return session.post(urls.google_token, data=form)

    return ask


@pytest.fixture
def graph(
    session: requests.Session, urls: SandboxUrls, microsoft_token: Callable[..., requests.Response]
) -> Send:
    """Call Graph below the mailbox: `graph("GET", "messages")`."""
    token = microsoft_token().json()["access_token"]

    def call(method: str, path: str, **arguments: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{urls.graph}/users/{MICROSOFT}/{path}"
        headers = {"Authorization": f"Bearer {token}", **arguments.pop("headers", {})}
        return session.request(method, url, headers=headers, timeout=5, **arguments)

    return call


@pytest.fixture
def gmail(
    session: requests.Session, urls: SandboxUrls, google_token: Callable[..., requests.Response]
) -> Send:
    """Call Gmail below the user: `gmail("GET", "messages")`; `scope` takes another token."""
    tokens: dict[str, str] = {}

    def call(method: str, path: str, *, scope: str = FULL, **arguments: Any) -> requests.Response:
        if scope not in tokens:
            tokens[scope] = google_token(scope=scope).json()["access_token"]
        prefix = arguments.pop("prefix", "")
        url = f"{urls.gmail}{prefix}/gmail/v1/users/me/{path}"
        headers = {"Authorization": f"Bearer {tokens[scope]}", **arguments.pop("headers", {})}
        return session.request(method, url, headers=headers, timeout=5, **arguments)

    return call


@pytest.fixture
def mail() -> Callable[..., bytes]:
    """A message with text, HTML and our token: `mail(to="ada@receiver.example")`."""

    def build(to: str = "ada@receiver.example", *, token: str = "token-1", **headers: str) -> bytes:
        message = EmailMessage()
        message["From"] = headers.pop("sender", "somebody@sender.example")
        message["To"] = to
        message["Subject"] = headers.pop("subject", "November news")
        message["Message-ID"] = headers.pop("message_id", "<ours-1@apiconnect.example>")
        message["X-Apiconnect-Token"] = token
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content("Hello, read https://acme.example/r/sub-0001 please.\n")
        message.add_alternative(
            "<p>Hello <a href='https://acme.example/r/sub-0001'>read</a></p>", subtype="html"
        )
        return message.as_bytes()

    return build

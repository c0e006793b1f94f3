"""The sandbox under the real provider clients, in this process, with a guard that no HTTP call is made inside
a database transaction."""

from __future__ import annotations

from typing import Any

import requests
from django.db import connection

from providers.session import Http
from sandbox.adapter import ORIGIN, WsgiAdapter
from sandbox.app import create_app
from sandbox.credentials import make_service_account
from sandbox.seeding import make_world
from sandbox.urls import SandboxUrls
from sandbox.world import World

MICROSOFT_CREDENTIALS = {
    "tenant_id": "00000000-0000-0000-0000-0000000000a1",
    "client_id": "00000000-0000-0000-0000-0000000000b1",
    "client_secret": "sandbox~secret.of.acme",
}
FULL = "https://mail.google.com/"
GMAIL = "https://www.googleapis.com/auth/gmail."
ALL_SCOPES = [FULL, f"{GMAIL}send", f"{GMAIL}modify"]
DOMAINS = ("acme.example", "rival.example", "platform.example")


def google_credentials() -> dict[str, str]:
    account = make_service_account()
    return {
        "client_email": account.client_email,
        "private_key": account.private_key,
        "private_key_id": account.private_key_id,
    }


def make_test_world() -> World:
    """One Entra tenant and one service account for all domains; tests add their mailboxes."""
    account = make_service_account()
    return make_world(
        {
            "microsoft_tenants": [
                {
                    "id": MICROSOFT_CREDENTIALS["tenant_id"],
                    "domains": list(DOMAINS),
                    "apps": [
                        {
                            "client_id": MICROSOFT_CREDENTIALS["client_id"],
                            "client_secret": MICROSOFT_CREDENTIALS["client_secret"],
                            "roles": ["Mail.Send", "Mail.Read", "Mail.ReadWrite"],
                        }
                    ],
                }
            ],
            "google_service_accounts": [
                {
                    "client_email": account.client_email,
                    "public_key": account.public_key,
                    "private_key_id": account.private_key_id,
                    "delegations": dict.fromkeys(DOMAINS, ALL_SCOPES),
                }
            ],
        }
    )


class GuardedAdapter(WsgiAdapter):
    """Fails a test whose code calls a provider inside a transaction of its own."""

    def __init__(self, world: World) -> None:
        super().__init__(create_app(world))
        self.depth = _depth()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert _depth() <= self.depth, f"{request.method} {request.url} inside a database transaction"
        return super().send(request, *args, **kwargs)


def _depth() -> int:
    """How many atomic blocks are open; those of the test itself are there before the guard is made."""
    return len(connection.savepoint_ids) + connection.in_atomic_block


def sandbox_http(world: World) -> Http:
    session = requests.Session()
    session.mount(ORIGIN, GuardedAdapter(world))
    return Http(session=session, sleep=lambda _seconds: None)


def sandbox_settings() -> dict[str, str]:
    return SandboxUrls.at(ORIGIN).environment()

"""One mailbox at each provider, behind the real clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers import observing
from providers.observing import CallEnded
from providers.registry import PROVIDERS
from sandbox.gmail import routes as gmail_routes
from sandbox.graph import routes as graph_routes
from sandbox.world import World
from tests.providers.boxes import ACCOUNT, CLIENT, GMAIL_SCOPES, SECRET, TENANT, Box, make_box

NAMES = {
    "entra.token", "google.token", "graph.batch", "gmail.batch", "graph.upload",
    *(one.name for one in (*graph_routes.OPERATIONS, *gmail_routes.METHODS)),
}  # fmt: skip


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """At the end of a test: whoever listens has heard of its calls by the names that the sandbox has for them."""
    heard: list[str] = []

    def hear(event: observing.Event) -> None:
        if isinstance(event, CallEnded):
            heard.append(event.operation)

    monkeypatch.setattr(observing, "_LISTENERS", [hear])
    made = World()
    made.add_microsoft_tenant(TENANT, domains=["acme.example"])
    made.add_microsoft_app(TENANT, CLIENT, SECRET, roles=["Mail.Send", "Mail.Read", "Mail.ReadWrite"])
    made.add_google_service_account(
        ACCOUNT.client_email,
        ACCOUNT.public_key,
        private_key_id=ACCOUNT.private_key_id,
        client_id=ACCOUNT.client_id,
        delegations={"rival.example": GMAIL_SCOPES},
    )
    yield made
    assert set(heard) <= NAMES


@pytest.fixture(params=sorted(PROVIDERS))
def box(world: World, request: pytest.FixtureRequest) -> Box:
    return make_box(world, request.param)


@pytest.fixture
def graph(world: World) -> Box:
    return make_box(world, "microsoft")


@pytest.fixture
def gmail(world: World) -> Box:
    return make_box(world, "google")

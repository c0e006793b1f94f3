"""One mailbox at each provider, behind the real clients."""

from __future__ import annotations

import pytest

from providers.registry import PROVIDERS
from sandbox.world import World
from tests.providers.boxes import ACCOUNT, CLIENT, GMAIL_SCOPES, SECRET, TENANT, Box, make_box


@pytest.fixture
def world() -> World:
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
    return made


@pytest.fixture(params=sorted(PROVIDERS))
def box(world: World, request: pytest.FixtureRequest) -> Box:
    return make_box(world, request.param)


@pytest.fixture
def graph(world: World) -> Box:
    return make_box(world, "microsoft")


@pytest.fixture
def gmail(world: World) -> Box:
    return make_box(world, "google")

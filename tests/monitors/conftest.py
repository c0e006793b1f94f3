"""Acme's mailbox over the sandbox, at both providers."""

from __future__ import annotations

import pytest

from tests.mailroom import Mailroom


@pytest.fixture(params=["microsoft", "google"])
def room(request, db, sandbox_world) -> Mailroom:
    return Mailroom(sandbox_world, request.param)


@pytest.fixture
def graph_room(db, sandbox_world) -> Mailroom:
    """Where the provider makes no difference."""
    return Mailroom(sandbox_world)

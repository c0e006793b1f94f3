"""The broker is a bell: a worker outlives its loss, also in the middle of a task."""

from __future__ import annotations

import pytest
from kombu import Connection

from apiconnect import broker


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0"])
def test_a_lost_connection_is_told_as_what_it_is(address):
    """…so that kombu passes over bells that can no longer be acknowledged; the storms show a worker that goes on."""
    connection = Connection(address)
    channel = object.__new__(broker.Channel)
    assert connection.get_transport_cls() is broker.Transport
    channel.connection = None

    with pytest.raises(connection.connection_errors, match="gone"):
        channel._connparams()

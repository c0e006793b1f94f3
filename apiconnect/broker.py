"""Redis as the broker, without the fault by which a worker dies when Redis goes away in the middle of a task.

The channel of a lost connection is still asked to acknowledge the bells that were being worked on, or to put them
back. kombu (5.7) then trips over the connection that is no longer there with an AttributeError, which nothing
expects; told as what it is, a lost connection, it is handled like every other one.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("The connection to Redis that this channel belonged to is gone.")
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]  # not in its stubs
        return parameters


class Transport(redis.Transport):
    Channel = Channel


def install() -> None:
    """Let every redis:// address use this transport."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport"))

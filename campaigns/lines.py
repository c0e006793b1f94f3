"""A line: one server's way to its provider, with a token that is renewed once when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from keys.clients import client_for
from keys.tokens import access
from providers.base import MailProvider
from providers.errors import TokenRefused
from providers.messages import AccessToken
from servers.models import DeliveryServer

T = TypeVar("T")


@dataclass(slots=True)
class Line:
    """A server with its provider's client and the token in use."""

    server: DeliveryServer
    client: MailProvider
    token: AccessToken

    def renew(self, refused: AccessToken, now: datetime) -> None:
        """A new token in place of `refused`, unless it was replaced already. Raises ProviderError."""
        if self.token is refused:
            self.token = _access(self.server, now, fresh=True)

    def with_renewal(self, call: Callable[[], T], now: datetime) -> T:
        """Make a call that uses `self.token`; where that is refused, renew it once and call again."""
        token = self.token
        try:
            return call()
        except TokenRefused:
            self.renew(token, now)
            return call()


def open_line(server: DeliveryServer, now: datetime) -> Line:
    """The server's line. May call the provider for a token: never in a transaction. Raises ProviderError."""
    return Line(server, client_for(server.api_key), _access(server, now))


def _access(server: DeliveryServer, now: datetime, *, fresh: bool = False) -> AccessToken:
    return access(
        customer_id=server.customer_id, email=server.email, api_key=server.api_key, now=now, fresh=fresh
    )

"""A line: one server's way to its provider, with a token that is renewed once when it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keys.clients import client_for
from keys.sealing import SealBroken
from keys.tokens import access
from providers.base import MailProvider
from providers.errors import CredentialRefused
from providers.messages import AccessToken
from servers.models import DeliveryServer


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


def open_line(server: DeliveryServer, now: datetime) -> Line:
    """The server's line. May call the provider for a token: never in a transaction. Raises ProviderError."""
    try:
        client = client_for(server.api_key)
    except SealBroken as error:
        raise CredentialRefused(str(error), code="seal-broken") from error
    return Line(server, client, _access(server, now))


def _access(server: DeliveryServer, now: datetime, *, fresh: bool = False) -> AccessToken:
    return access(
        customer_id=server.customer_id, email=server.email, api_key=server.api_key, now=now, fresh=fresh
    )

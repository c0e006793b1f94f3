"""Acme's campaigns over the sandbox: rows and mailboxes made together, and the sandbox's own count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Customer
from audience.models import MailingList
from campaigns.models import Campaign, Delivery
from campaigns.progress import Progress
from campaigns.running import run_campaign
from keys import clients
from keys.models import Token
from keys.tokens import row_for
from mailboxes.models import Mailbox
from sandbox.world import World
from servers.models import DeliveryServer
from tests.factories import (
    make_campaign,
    make_customer,
    make_delivery_server,
    make_key,
    make_list,
    make_subscriber,
)

SCOPES = {
    "microsoft": ["Mail.Send", "Mail.Read", "Mail.ReadWrite"],
    "google": ["https://www.googleapis.com/auth/gmail.send", "https://www.googleapis.com/auth/gmail.modify"],
}
READER_DOMAIN = "receiver.example"


@dataclass
class Stage:
    """Acme with a list, and the sandbox that its servers send through."""

    world: World
    acme: Customer
    list: MailingList
    _began_at: datetime | None = None

    def add_server(self, provider: str = "microsoft", email: str = "", **fields) -> DeliveryServer:
        """A delivery server whose mailbox exists in the sandbox, with a token of proven scopes."""
        email = email or f"news-{DeliveryServer.objects.count() + 1}@acme.example"
        self.world.add_mailbox(provider, email, "The Mailbox's Own Name")
        key = fields.pop("api_key", None) or make_key(self.acme, provider)
        server = make_delivery_server(self.acme, provider, email=email, api_key=key, **fields)
        self.give_scopes(server, SCOPES[provider])
        return server

    def give_scopes(self, server: DeliveryServer, scopes: list[str]) -> None:
        token = row_for(customer_id=server.customer_id, email=server.email, api_key=server.api_key)
        token.scopes, token.access_token, token.expires_at = sorted(scopes), None, None
        token.save()

    def add_subscribers(self, count: int) -> None:
        for _ in range(count):
            make_subscriber(self.list, fields={"FNAME": "Ada"})

    def make_campaign(self, *servers: DeliveryServer, subscribers: int = 0, **fields) -> Campaign:
        self.add_subscribers(subscribers)
        return make_campaign(self.list, servers, **fields)

    def tally(self) -> list[int]:
        """How often each token and recipient left, by the sandbox's own count."""
        return list(self.world.ledger.tally().values())

    def recipients(self) -> list[str]:
        return sorted(copy.recipient for copy in self.world.ledger.copies)

    def assert_everyone_got_one(self, campaign: Campaign) -> None:
        expected = sorted(campaign.list.subscribers.values_list("email", flat=True))
        assert self.recipients() == expected
        assert self.world.ledger.sent_twice() == {}

    @property
    def now(self) -> datetime:
        """The sandbox's time, which the product and its clients go by as well."""
        return datetime.fromtimestamp(self.world.clock.now(), UTC)

    def run(self, campaign: Campaign, *, after_seconds: float = 0) -> Progress:
        """`run_campaign`, some seconds later."""
        self.world.advance(after_seconds)
        return run_campaign(campaign, self.now)

    def run_at(self, second: float, campaign: Campaign) -> Progress:
        """`run_campaign`, so many seconds after the first run of the test."""
        self._began_at = self._began_at or self.now
        passed = (self.now - self._began_at).total_seconds()
        return self.run(campaign, after_seconds=max(0.0, second - passed))

    def expire_leases(self) -> None:
        """What two minutes do to the leases of a worker that died."""
        past = timezone.now() - timedelta(seconds=1)
        Mailbox.objects.update(sending_until=past)
        Token.objects.update(renewing_until=past)


def statuses(campaign: Campaign) -> dict[str, int]:
    found: dict[str, int] = {}
    for status in campaign.deliveries.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


def only_delivery(campaign: Campaign) -> Delivery:
    return campaign.deliveries.get()


@pytest.fixture
def stage(db, sandbox_world) -> Stage:
    acme = make_customer("Acme")
    stage = Stage(sandbox_world, acme, make_list(acme, name="Readers"))
    clients.shared_http().clock = lambda: stage.now
    return stage

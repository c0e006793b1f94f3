"""A test message: the campaign as one address would get it, now, without a trace in the campaign's figures."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError

from accounts.auditing import audit
from accounts.models import SystemSettings, User
from campaigns.claiming import own_servers
from campaigns.composing import Layout
from campaigns.direct import DirectSendFailed, send_directly
from campaigns.models import Campaign, new_token
from mail.addresses import AddressError, parse_address
from mail.composing import ComposeError
from servers.models import DeliveryServer
from servers.selecting import reasons, standings, usable

# What the audit log calls it.
TEST_SENT = "test message sent"


def send_test_message(
    campaign: Campaign,
    address: str,
    *,
    actor: User | None,
    now: datetime,
    server: DeliveryServer | None = None,
) -> DeliveryServer:
    """Send the campaign to `address` through `server` (else the one with most quota left); returns the server.

    Calls the provider: never in a transaction. Raises ValidationError, in words for the person.
    """
    try:
        recipient = parse_address(address)
    except AddressError as error:
        raise ValidationError(str(error)) from error
    chosen = _choose(campaign, server, now)
    try:
        mime = Layout.of(campaign).compose_test(recipient, new_token(), chosen, now)
        send_directly(chosen, mime, now)
    except (ComposeError, DirectSendFailed) as error:
        raise ValidationError(str(error)) from error
    audit(actor, TEST_SENT, campaign, after={"recipient": recipient, "server": chosen.name})
    return chosen


def _choose(campaign: Campaign, server: DeliveryServer | None, now: datetime) -> DeliveryServer:
    servers = own_servers(campaign)
    if server is not None:
        servers = servers.filter(pk=server.pk)
    found = standings(servers, now, SystemSettings.load())
    if not found:
        raise ValidationError("Choose one of the campaign's own delivery servers.")
    if not (able := usable(found)):
        raise ValidationError(f"No delivery server can send now. {reasons(found)}")
    return able[0].server

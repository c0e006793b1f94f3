"""No request leaves the providers' own hosts, whatever a key holds and whatever a provider's answer points to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from providers.base import MailProvider
from providers.clock import utc_now
from providers.credentials import CredentialInputError
from providers.errors import ProviderError
from providers.messages import (
    AccessToken,
    BaseUrls,
    Disposal,
    Draft,
    Folder,
    Markers,
    MessageRef,
    Receipt,
    Start,
    StartKind,
    Submitted,
)
from providers.registry import PROVIDERS, provider_for
from tests.outgoing import EVIL, Enemy, http_to
from tests.providers.boxes import CREDENTIALS, message_with

URLS = BaseUrls(
    "https://login.microsoftonline.com",
    "https://graph.microsoft.com/v1.0",
    "https://oauth2.googleapis.com/token",
    "https://gmail.googleapis.com",
)
# More than goes in one call: its attachment goes to an address that the answer names.
LARGE = message_with(3_300_000)
HOSTILE_TEXT = (
    *EVIL,
    "../../evil.example",
    "..%2f..%2f@evil.example",
    "@evil.example",
    "x@evil.example/../../..",
    "evil.example#",
    "evil.example?x=",
    "\\\\evil.example",
    "evil.example:80/",
    "\r\nHost: evil.example",
)


def everything(client: MailProvider, email: str) -> Iterator[Callable[[], Any]]:
    """Every call of the interface."""
    token = AccessToken(email, "value", utc_now() + timedelta(hours=1), client.scopes)
    since, deadline, refs = (
        utc_now() - timedelta(hours=1),
        utc_now() + timedelta(minutes=1),
        [MessageRef("1")],
    )
    yield lambda: client.acquire_token(email)
    yield lambda: client.check(email)
    yield lambda: client.prepare_mailbox(token)
    yield lambda: client.prepare(token, LARGE)
    yield lambda: client.submit(token, message_with(10), deadline=deadline)
    yield lambda: client.submit(token, Draft("1"), deadline=deadline)
    yield lambda: client.find_sent(token, since=since, recipient="bob@outside.example", markers=Markers("t"))
    yield lambda: client.look_up(token, [Submitted(Receipt("1"), Markers("t"))])
    yield lambda: client.discard_draft(token, Draft("1"))
    for cursor in (None, {"inbox": EVIL[0], "junk": EVIL[3]}, {"history": EVIL[0]}):
        yield lambda cursor=cursor: client.new_messages(
            token, tuple(Folder), cursor, start=Start(StartKind.UNREAD), since=since, budget=10
        )
    yield lambda: list(client.fetch(token, refs))
    yield lambda: list(client.dispose(token, refs, Disposal.DELETE))


def call_everything(client: MailProvider, email: str) -> None:
    for call in everything(client, email):
        with suppress(ProviderError):
            call()


@pytest.mark.parametrize("redirect", [False, True], ids=["links", "redirects"])
@pytest.mark.parametrize("url", EVIL)
@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_no_link_or_redirect_of_an_answer_is_followed_elsewhere(name, url, redirect):
    enemy = Enemy(url, redirect=redirect)
    call_everything(provider_for(name, URLS, CREDENTIALS[name], http_to(enemy)), "news@acme.example")
    assert len(enemy.asked) > 8
    assert enemy.went_astray() == []


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_no_field_of_a_stored_key_and_no_address_leads_elsewhere(name):
    """Past all validation: as if the row had been written by somebody else."""
    enemy = Enemy(EVIL[3])
    for text in HOSTILE_TEXT:
        for field in CREDENTIALS[name]:
            client = provider_for(name, URLS, {**CREDENTIALS[name], field: text}, http_to(enemy))
            with suppress(ProviderError):
                client.acquire_token("news@acme.example")
        client = provider_for(name, URLS, CREDENTIALS[name], http_to(enemy))
        with suppress(ProviderError):
            client.check(text)
    assert len(enemy.asked) > 50
    assert enemy.went_astray() == []


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_key_with_an_address_in_it_is_refused_when_it_is_typed(name):
    public = {"microsoft": ("tenant_id", "client_id"), "google": ("private_key",)}[name]
    for text in HOSTILE_TEXT:
        for field in public:
            with pytest.raises(CredentialInputError):
                PROVIDERS[name].read_credential({**CREDENTIALS[name], field: text})


def test_the_enemy_would_be_noticed():
    """A client that follows what it is given leads astray in this test too."""
    enemy = Enemy(EVIL[0])
    http_to(enemy).session.get(EVIL[7], timeout=1, allow_redirects=False)
    assert enemy.went_astray()

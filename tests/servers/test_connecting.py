"""A connection test proves what a server may do, step by step, with fresh tokens and never a cached one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from keys.models import Token
from sandbox.faults import Fault
from servers.connecting import connect
from servers.models import Server
from tests.factories import (
    MICROSOFT_CREDENTIALS,
    make_bounce_server,
    make_customer,
    make_delivery_server,
    make_key,
    make_token,
)

pytestmark = pytest.mark.django_db

ADDRESS = {"microsoft": "news@acme.example", "google": "letters@acme.example"}


@pytest.fixture(autouse=True)
def _mailboxes(db, sandbox_world):
    sandbox_world.add_mailbox("microsoft", ADDRESS["microsoft"], "Acme News")
    sandbox_world.add_mailbox("google", ADDRESS["google"], "Acme Letters")


def unconnected(make, provider, **fields):
    fields = {"email": ADDRESS[provider], "connected_at": None, **fields}
    return make(make_customer(), provider, **fields)


def states(server):
    return {step["name"]: step["state"] for step in server.steps}


@pytest.mark.parametrize("provider", ["microsoft", "google"])
@pytest.mark.parametrize("make", [make_delivery_server, make_bounce_server])
def test_a_good_server_is_connected_with_every_step_passed(provider, make):
    server = unconnected(make, provider)
    assert connect(server, timezone.now())
    server.refresh_from_db()
    assert server.is_connected
    assert server.is_active
    assert set(states(server).values()) == {"passed"}
    token = Token.objects.get(customer=server.customer, email_key=server.email_key)
    assert token.api_key == server.api_key


def test_a_wrong_secret_saves_it_inactive_not_connected_with_cause_and_fix():
    key = make_key(credentials={**MICROSOFT_CREDENTIALS, "client_secret": "no~such.secret"})
    server = unconnected(make_delivery_server, "microsoft", api_key=key)
    assert not connect(server, timezone.now())
    server.refresh_from_db()
    assert not server.is_connected
    assert server.status == Server.Status.INACTIVE
    assert server.last_error_code == "AADSTS7000215"
    failed = next(step for step in server.steps if step["state"] == "failed")
    assert failed["cause"]
    assert failed["fix"]
    assert "skipped" in states(server).values()


def test_a_mailbox_without_licence_is_told_by_the_provider_and_explained():
    server = unconnected(make_bounce_server, "microsoft", email="nobody@acme.example")
    assert not connect(server, timezone.now())
    assert server.last_error_code
    assert any(step["fix"] for step in server.steps)


def test_a_missing_delegation_is_found():
    server = unconnected(make_delivery_server, "google", email="eve@elsewhere.example")
    assert not connect(server, timezone.now())
    assert "delegation" in " ".join(step["fix"].lower() for step in server.steps)


def test_it_goes_on_as_soon_as_connect_again_works():
    key = make_key(credentials={**MICROSOFT_CREDENTIALS, "client_secret": "no~such.secret"})
    server = unconnected(make_delivery_server, "microsoft", api_key=key)
    connect(server, timezone.now())
    server.api_key.credentials = MICROSOFT_CREDENTIALS
    server.api_key.save()
    assert connect(server, timezone.now())
    server.refresh_from_db()
    assert server.is_active
    assert server.last_error == ""


def test_one_that_its_owner_had_switched_off_stays_off():
    server = unconnected(make_delivery_server, "microsoft", status=Server.Status.INACTIVE)
    assert connect(server, timezone.now())
    server.refresh_from_db()
    assert not server.is_active


def test_a_cached_token_is_no_proof(sandbox_world):
    server = unconnected(make_bounce_server, "microsoft")
    make_token(server.api_key, server.email, server.customer, expires_at=timezone.now() + timedelta(hours=1))
    sandbox_world.faults.add(Fault("status", "entra.token", times=None, status=503))
    assert not connect(server, timezone.now())


def test_a_provider_that_hangs_ends_in_words_and_not_in_a_traceback(sandbox_world):
    sandbox_world.faults.add(Fault("hang", "*", times=None, seconds=600))
    server = unconnected(make_bounce_server, "google")
    assert not connect(server, timezone.now())
    assert server.last_error


def test_a_passed_test_closes_the_keys_circuit():
    server = unconnected(make_bounce_server, "microsoft")
    server.api_key.record_refusal("refused before", "AADSTS7000215", timezone.now())
    assert connect(server, timezone.now())
    server.api_key.refresh_from_db()
    assert server.api_key.status == "active"


def test_two_keys_on_one_mailbox_keep_what_each_has_proved():
    server = unconnected(make_bounce_server, "google")
    assert connect(server, timezone.now())
    other = make_bounce_server(
        server.customer, "google", email=server.email, api_key=make_key(provider="google"), connected_at=None
    )
    assert connect(other, timezone.now())
    token = Token.objects.get(customer=server.customer, email_key=server.email_key)
    proved = token.scopes
    assert proved
    token.take_key(server.api_key)
    assert token.scopes == proved

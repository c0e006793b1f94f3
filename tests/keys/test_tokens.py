"""Tokens are used while they hold, renewed once for many callers, and never yielded by a mere address."""

from datetime import timedelta

import pytest
from django.utils import timezone

from keys.models import ApiKey, Token
from keys.refreshing import due_groups, refresh_group
from keys.tokens import access, with_access
from providers.errors import CredentialRefused, PermissionDenied, ProviderError, TokenRefused
from providers.messages import AccessToken
from sandbox.faults import Fault
from tests.factories import MICROSOFT_CREDENTIALS, make_customer, make_key, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NOW = timezone.now()
BOTH = {"microsoft", "google"}


@pytest.fixture(autouse=True)
def _world(db, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    sandbox_world.add_mailbox("microsoft", "sales@acme.example")
    sandbox_world.add_mailbox("google", "ada@acme.example")
    sandbox_world.add_mailbox("google", "bob@acme.example")


def get(key: ApiKey, email: str, **options) -> AccessToken:
    return access(customer_id=key.customer_id, email=email, api_key=key, now=timezone.now(), **options)


def token_requests(world) -> int:
    return sum(count for call, count in world.calls.items() if call.endswith(".token"))


def test_a_valid_token_is_used_again_without_a_request(sandbox_world):
    key = make_key()
    first = get(key, "news@acme.example")
    assert get(key, "news@acme.example").value == first.value
    assert token_requests(sandbox_world) == 1


def test_a_token_with_less_than_ten_minutes_left_is_renewed(sandbox_world):
    key = make_key()
    old = make_token(key, "news@acme.example", expires_at=timezone.now() + timedelta(minutes=9))
    assert get(key, "news@acme.example").value != old.access_token
    assert token_requests(sandbox_world) == 1


def test_one_microsoft_token_serves_every_mailbox_of_its_key(sandbox_world):
    key = make_key()
    first = get(key, "news@acme.example")
    second = get(key, "sales@acme.example")
    assert second.value == first.value
    assert second.email == "sales@acme.example"
    assert token_requests(sandbox_world) == 1


def test_a_google_token_opens_its_own_mailbox_only(sandbox_world):
    key = make_key(provider="google")
    assert get(key, "ada@acme.example").value != get(key, "bob@acme.example").value
    assert token_requests(sandbox_world) == 2


def test_another_key_renews_by_itself_so_that_an_address_yields_nothing(sandbox_world):
    acme, rival = make_customer("Acme"), make_customer("Rival")
    get(make_key(acme), "news@acme.example")
    foreign = make_key(rival, credentials={**MICROSOFT_CREDENTIALS, "client_secret": "guessed"})
    with pytest.raises(CredentialRefused):
        get(foreign, "news@acme.example")
    assert Token.objects.get(customer=rival).access_token is None


def test_a_401_renews_once_and_calls_again(sandbox_world):
    key = make_key()
    seen = []

    def call(_client, token):
        seen.append(token.value)
        if len(seen) == 1:
            raise TokenRefused("expired")
        return "done"

    result = with_access(
        customer_id=None, email="news@acme.example", api_key=key, now=timezone.now(), call=call
    )
    assert result == "done"
    assert len(set(seen)) == 2


def test_a_second_401_is_not_answered_by_a_third_call():
    calls = []

    def call(_client, token):
        calls.append(token)
        raise TokenRefused("expired")

    with pytest.raises(TokenRefused):
        with_access(
            customer_id=None, email="news@acme.example", api_key=make_key(), now=timezone.now(), call=call
        )
    assert len(calls) == 2


def test_a_wrong_secret_opens_the_circuit_and_nobody_hammers(sandbox_world):
    key = make_key(credentials={**MICROSOFT_CREDENTIALS, "client_secret": "wrong~secret"})
    with pytest.raises(CredentialRefused) as refused:
        get(key, "news@acme.example")
    assert refused.value.code == "AADSTS7000215"
    assert refused.value.help
    assert "secret" in refused.value.help.fix
    key.refresh_from_db()
    assert key.status == ApiKey.Status.FAILING
    asked = token_requests(sandbox_world)
    for _ in range(5):
        with pytest.raises(CredentialRefused):
            get(key, "news@acme.example")
    assert token_requests(sandbox_world) == asked
    with pytest.raises(CredentialRefused):
        access(
            customer_id=None,
            email="news@acme.example",
            api_key=key,
            now=timezone.now() + timedelta(hours=2),
        )
    assert token_requests(sandbox_world) == asked + 1


def test_a_missing_delegation_is_the_mailboxs_trouble_and_not_the_keys():
    key = make_key(provider="google")
    with pytest.raises(PermissionDenied):
        get(key, "eve@elsewhere.example")
    key.refresh_from_db()
    assert key.status == ApiKey.Status.ACTIVE
    assert Token.objects.get(email="eve@elsewhere.example").status == Token.Status.FAILING


def test_a_provider_that_is_down_does_not_take_a_token_that_still_holds(sandbox_world):
    key = make_key()
    soon = make_token(key, "news@acme.example", expires_at=timezone.now() + timedelta(minutes=5))
    sandbox_world.faults.add(Fault("status", "entra.token", times=None, status=503))
    assert get(key, "news@acme.example").value == soon.access_token
    with pytest.raises(ProviderError):
        get(key, "news@acme.example", fresh=True)


def test_the_cycle_renews_each_distinct_key_and_mailbox_once(sandbox_world):
    system = make_key()
    soon = timezone.now() + timedelta(minutes=3)
    for customer in (make_customer("Acme"), make_customer("Rival"), None):
        make_token(system, "news@acme.example", customer, expires_at=soon)
    make_token(system, "sales@acme.example", expires_at=soon)
    google = make_key(provider="google")
    make_token(google, "ada@acme.example", expires_at=soon)
    make_token(google, "bob@acme.example", expires_at=soon)
    make_token(
        google, "ada@acme.example", make_customer("Third"), expires_at=timezone.now() + timedelta(hours=1)
    )
    groups = due_groups(timezone.now(), BOTH)
    reports = [refresh_group(pk, timezone.now()) for pk in groups]
    assert [report.error for report in reports] == ["", "", ""]
    assert token_requests(sandbox_world) <= 3
    assert not Token.objects.due(timezone.now()).exists()
    assert due_groups(timezone.now(), BOTH) == []


def test_a_switched_off_provider_is_not_asked():
    make_token(make_key(), "news@acme.example", expires_at=timezone.now())
    assert due_groups(timezone.now(), {"google"}) == []

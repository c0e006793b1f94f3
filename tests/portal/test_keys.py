"""API keys: type first, then its fields; secrets go in and never come out."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from keys.models import ApiKey
from tests import factories
from tests.factories import credentials_of

SECRET = factories.MICROSOFT_CREDENTIALS["client_secret"]


def microsoft(**changes):
    return {
        "provider": "microsoft",
        "name": "Ours",
        "status": "active",
        "tenant_id": "00000000-0000-0000-0000-0000000000a1",
        "client_id": "00000000-0000-0000-0000-0000000000b1",
        "client_secret": SECRET,
        **changes,
    }


def test_a_microsoft_key_is_made_and_its_secret_never_shown(acme, owner):
    response = owner.post(reverse("api-keys-create"), microsoft(), follow=True)
    key = ApiKey.objects.get(name="Ours")
    assert key.customer == acme.customer
    assert key.credentials["client_secret"] == SECRET
    assert key.identity == microsoft()["client_id"]
    for page in (
        response,
        owner.get(reverse("api-keys")),
        owner.get(reverse("api-keys-edit", args=[key.pk])),
    ):
        assert SECRET not in page.content.decode()
    assert SECRET not in str(list(AuditEntry.objects.values()))


def test_only_the_chosen_types_fields_are_asked_for(acme, owner):
    page = owner.get(reverse("api-keys-create") + "?provider=google").content.decode()
    assert "Service Account Email" in page
    assert "Private Key" in page
    assert "Tenant ID" not in page
    page = owner.get(reverse("api-keys-create") + "?provider=microsoft").content.decode()
    assert "Tenant ID" in page
    assert "Private Key" not in page


def test_a_whole_google_file_fills_in_the_address(acme, owner):
    file = json.dumps(
        {"type": "service_account", **credentials_of("google"), "token_uri": "https://evil.example"}
    )
    data = {"provider": "google", "name": "G", "status": "active", "private_key": file}
    owner.post(reverse("api-keys-create"), data)
    key = ApiKey.objects.get(name="G")
    assert key.identity == credentials_of("google")["client_email"]
    assert "evil.example" not in json.dumps(key.credentials)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"client_secret": "11111111-2222-3333-4444-555555555555"}, "Secret ID"),
        ({"tenant_id": "common"}, "people signing in only"),
        ({"client_id": ""}, "required"),
        ({"client_id": "nonsense"}, "GUID"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(acme, owner, changes, message):
    page = owner.post(reverse("api-keys-create"), microsoft(**changes)).content.decode()
    assert message in page
    assert SECRET not in page
    assert not ApiKey.objects.filter(name="Ours").exists()


def test_an_empty_secret_keeps_the_stored_one(acme, owner):
    key = acme.rows["api-keys"]
    owner.post(reverse("api-keys-edit", args=[key.pk]), microsoft(name="Renamed", client_secret=""))
    key.refresh_from_db()
    assert key.name == "Renamed"
    assert key.credentials["client_secret"] == SECRET


def test_a_typed_secret_replaces_the_stored_one_and_ends_a_failure(acme, owner):
    key = acme.rows["api-keys"]
    key.record_refusal("expired", "AADSTS7000222", timezone.now())
    owner.post(reverse("api-keys-edit", args=[key.pk]), microsoft(client_secret="brand~new.secret"))
    key.refresh_from_db()
    assert key.credentials["client_secret"] == "brand~new.secret"
    assert key.status == ApiKey.Status.ACTIVE
    assert key.last_error == ""


def test_a_copy_takes_no_secret_along(acme, owner):
    page = owner.get(reverse("api-keys-copy", args=[acme.rows["api-keys"].pk])).content.decode()
    assert SECRET not in page
    assert "(copy)" in page


def test_a_key_in_use_is_not_deleted_and_says_by_whom_it_is_used(acme, owner):
    key = acme.rows["api-keys"]
    token = factories.make_token(key, "news@acme.example", acme.customer)
    page = owner.post(reverse("api-keys-delete", args=[key.pk]), {"confirmed": "1"}).content.decode()
    assert "still in use by" in page
    assert acme.rows["monitors"].name in page
    token.refresh_from_db()


def test_a_key_that_nobody_uses_goes_with_its_tokens(acme, owner):
    key = factories.make_key(acme.customer)
    factories.make_token(key, "news@acme.example", acme.customer)
    owner.post(reverse("api-keys-delete", args=[key.pk]), {"confirmed": "1"})
    assert not ApiKey.objects.filter(pk=key.pk).exists()


def test_verify_shows_every_step_and_saves_nothing_else(acme, owner, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    url = reverse("api-keys-verify", args=[acme.rows["api-keys"].pk])
    page = owner.post(url, {"verify-email": "news@acme.example"}).content.decode()
    assert "step-passed" in page
    assert "step-failed" not in page
    wrong = owner.post(url, {"verify-email": "nobody@acme.example"}).content.decode()
    assert "step-failed" in wrong
    assert "<b>Fix.</b>" in wrong

"""API keys in the backend: type first, secrets in and never out, verified, guarded while in use."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Customer
from keys.models import ApiKey
from sandbox.world import World
from tests import factories as make
from tests.sandboxing import MICROSOFT_CREDENTIALS, google_credentials

ADD = "admin:keys_apikey_add"
SECRET = MICROSOFT_CREDENTIALS["client_secret"]


def key_page(key: ApiKey, page: str = "change") -> str:
    return reverse(f"admin:keys_apikey_{page}", args=[key.pk])


def microsoft(**fields: Any) -> dict[str, Any]:
    return {
        "provider": "microsoft",
        "name": "Production",
        "status": "active",
        **MICROSOFT_CREDENTIALS,
        **fields,
    }


def test_the_form_offers_every_types_fields_and_hides_by_type(backend: Client) -> None:
    page = backend.get(reverse(ADD)).content.decode()
    for label in ("Type", "Customer", "Key Name", "Service Account Email", "Private Key", "Client ID"):
        assert label in page
    assert "provider == &#x27;google&#x27;" in page or "provider == 'google'" in page
    assert "System Key" in page


def test_a_system_key_is_created_sealed(backend: Client) -> None:
    response = backend.post(reverse(ADD), microsoft())
    assert response.status_code == 302
    key = ApiKey.objects.get()
    assert (key.customer, key.credentials["client_secret"]) == (None, SECRET)
    for page in (key_page(key), key_page(key, "history"), reverse("admin:keys_apikey_changelist")):
        assert SECRET not in backend.get(page).content.decode()
    assert SECRET not in json.dumps(AuditEntry.objects.get(action="create").after)


def test_a_whole_google_file_is_enough(backend: Client, acme: Customer) -> None:
    file = json.dumps({"type": "service_account", **google_credentials()})
    data = {
        "provider": "google",
        "name": "Mine",
        "status": "active",
        "customer": acme.pk,
        "private_key": file,
    }
    assert backend.post(reverse(ADD), data).status_code == 302
    key = ApiKey.objects.get()
    assert (key.customer, key.identity) == (acme, google_credentials()["client_email"])


def test_a_secret_id_in_place_of_the_value_is_noticed(backend: Client) -> None:
    secret_id = "0f2d9a31-51c2-4a8e-9a4d-6f3de0a1b2c3"
    response = backend.post(reverse(ADD), microsoft(client_secret=secret_id))
    assert "Secret ID" in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_rename_keeps_the_secret_and_typing_replaces_it(backend: Client) -> None:
    key = make.make_key(None)
    fields = microsoft(name="Renamed", client_secret="")
    assert backend.post(key_page(key), fields).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.credentials["client_secret"]) == ("Renamed", SECRET)
    backend.post(key_page(key), microsoft(client_secret="another~secret.of.acme-0123456789"))
    key.refresh_from_db()
    assert key.credentials["client_secret"] == "another~secret.of.acme-0123456789"
    assert AuditEntry.objects.filter(action="replace credentials", object_id=str(key.pk)).count() == 1


def test_a_customers_key_never_becomes_a_system_key(backend: Client, acme: Customer) -> None:
    key = make.make_key(acme)
    assert backend.post(key_page(key), microsoft(client_secret="", customer="")).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.customer) == ("Production", acme)


def test_a_key_in_use_is_not_deleted_and_says_by_whom(backend: Client, acme: Customer) -> None:
    server = make.make_delivery_server(acme, name="Busy server")
    key = server.api_key
    assert "Busy server" in backend.get(key_page(key, "delete")).content.decode()
    backend.post(key_page(key, "delete"), {"post": "yes"})
    page = backend.post(
        reverse("admin:keys_apikey_changelist"),
        {"action": "delete", "_selected_action": [key.pk], "confirmed": "yes"},
        follow=True,
    )
    assert "Busy server" in page.content.decode()
    assert ApiKey.objects.filter(pk=key.pk).exists()


def test_a_key_whose_seal_is_broken_stops_no_list(backend: Client, acme: Customer, settings: Any) -> None:
    make.make_token(make.make_delivery_server(acme).api_key, "news@acme.example", acme)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    for name in (
        "index",
        "keys_apikey_changelist",
        "keys_token_changelist",
        "servers_deliveryserver_changelist",
    ):
        assert backend.get(reverse(f"admin:{name}")).status_code == 200


def test_a_free_key_goes_with_its_tokens(backend: Client, acme: Customer) -> None:
    key = make.make_key(acme)
    make.make_token(key, "news@acme.example", acme)
    assert backend.post(key_page(key, "delete"), {"post": "yes"}).status_code == 302
    assert not ApiKey.objects.exists()


def test_verify_shows_each_step_with_cause_and_fix(backend: Client, sandbox_world: World) -> None:
    key = make.make_key(None)
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    url = reverse("admin:keys_apikey_verify", args=[key.pk])
    good = backend.post(url, {"email": "news@acme.example", "_form_submitted": "on"}).content.decode()
    assert "passed" in good
    assert "Cause:" not in good
    bad = backend.post(url, {"email": "nobody@acme.example", "_form_submitted": "on"}).content.decode()
    assert "failed" in bad
    assert "Fix:" in bad


@pytest.mark.parametrize(("days", "text"), [(-1, "Expired"), (5, "5 days"), (25, "25 days"), (90, "90 days")])
def test_the_list_counts_down_to_the_expiry(backend: Client, days: int, text: str) -> None:
    make.make_key(None, expires_at=timezone.localdate() + timedelta(days=days))
    assert text in backend.get(reverse("admin:keys_apikey_changelist")).content.decode()


def test_an_export_has_no_secret_and_starts_no_formula(backend: Client) -> None:
    make.make_key(None, name='=HYPERLINK("http://evil.example")')
    data = {
        "format": "0",
        "resource": "",
        **{f"apikeyresource_{name}": "on" for name in ("uid", "name", "identity")},
    }
    text = backend.post(reverse("admin:keys_apikey_export"), data).content.decode()
    assert "HYPERLINK" in text
    assert SECRET not in text
    assert not any(cell.strip('"').startswith("=") for line in text.splitlines() for cell in line.split(","))

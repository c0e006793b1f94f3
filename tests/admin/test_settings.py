"""The settings page: it says what a switch will do, and does it."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Customer, SystemSettings
from keys.models import ApiKey
from tests import factories as make

PAGE = "admin:accounts_systemsettings_change"


def values(**changes: Any) -> dict[str, Any]:
    return {
        "enabled": "True", "microsoft_enabled": "True", "google_enabled": "True", "customer_keys_enabled": "False",
        "customer_blacklist_is_global": "True", "default_max_delivery_servers": -1,
        "default_max_bounce_servers": -1, "default_max_monitors": -1, "raw_mail_retention_days": 30,
        "log_retention_days": 365, **changes,
    }  # fmt: skip


def save(client: Client, **changes: Any) -> Any:
    return client.post(reverse(PAGE, args=[SystemSettings.load().pk]), values(**changes), follow=True)


def test_the_menu_leads_straight_to_the_form(backend: Client) -> None:
    response = backend.get(reverse("admin:accounts_systemsettings_changelist"), follow=True)
    page = response.content.decode()
    for label in ("Enable Microsoft", "Enable Google", "Manage API Keys", "Save changes", "Enable Customer Keys",
                  "Max. API bounce servers", "Max. API monitors", "-1 unlimited"):  # fmt: skip
        assert label in page


def test_it_says_in_numbers_what_a_switch_will_do(backend: Client, acme: Customer) -> None:
    make.make_group()
    make.make_group(allowed_server_types=["gmail-api"])
    make.make_delivery_server(acme)
    page = backend.get(reverse(PAGE, args=[SystemSettings.load().pk])).content.decode()
    assert "removes Microsoft Graph API from 1 of 2 customer groups" in page
    assert "1 active delivery server" in page


def test_switching_a_provider_off_and_on_moves_its_type_and_keeps_keys(
    backend: Client, acme: Customer
) -> None:
    group = make.make_group()
    make.make_key(acme)
    save(backend, microsoft_enabled="False")
    group.refresh_from_db()
    assert group.allowed_server_types == ["gmail-api"]
    assert ApiKey.objects.count() == 1
    save(backend)
    group.refresh_from_db()
    assert set(group.allowed_server_types) == {"gmail-api", "microsoft-graph-api"}


def test_a_change_is_audited_with_before_and_after(backend: Client) -> None:
    page = save(backend, default_max_monitors=3, enabled="False").content.decode()
    assert "saved and in force" in page
    entry = AuditEntry.objects.get(object_type="systemsettings")
    assert entry.before == {"default_max_monitors": -1, "enabled": True}
    assert entry.after == {"default_max_monitors": 3, "enabled": False}
    assert "switched off" in backend.get(reverse("admin:index")).content.decode()


def test_a_bad_number_changes_nothing(backend: Client) -> None:
    save(backend, default_max_monitors=-2, enabled="False")
    assert SystemSettings.load().enabled


def test_a_group_shows_the_system_default_it_falls_back_to(backend: Client) -> None:
    SystemSettings.load()
    SystemSettings.objects.update(default_max_monitors=7)
    page = backend.get(reverse("admin:accounts_customergroup_add")).content.decode()
    assert "use system default (currently 7)" in page


def test_a_customer_shows_each_limit_and_its_source(backend: Client, acme: Customer) -> None:
    acme.group = make.make_group(name="Gold", max_monitors=2)
    acme.save()
    page = backend.get(reverse("admin:accounts_customer_change", args=[acme.pk])).content.decode()
    assert "Gold" in page
    assert "system default" in page

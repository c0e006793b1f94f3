"""The complete example: API bounce servers from list to bulk action, over the sandbox."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from bounces.forms import BounceServerForm
from bounces.models import BounceServer
from servers.forms import ReadingServerForm
from tests import factories
from tests.portal.conftest import sign_in


@pytest.fixture
def mailbox(acme, sandbox_world) -> str:
    sandbox_world.add_mailbox("microsoft", "bounces@acme.example")
    return "bounces@acme.example"


def data_for(acme, **changes):
    return {
        "name": "Replies",
        "provider": "microsoft",
        "email": "bounces@acme.example",
        "api_key": acme.rows["api-keys"].pk,
        "status": "active",
        "delete_processed": "on",
        **changes,
    }


def test_a_server_is_tested_when_it_is_saved(acme, owner, mailbox):
    response = owner.post(reverse("bounce-servers-create"), data_for(acme, email=mailbox), follow=True)
    server = BounceServer.objects.get(name="Replies")
    assert server.customer == acme.customer
    assert server.is_connected
    assert server.is_active
    assert "step-passed" in response.content.decode()
    assert AuditEntry.objects.filter(action="create", object_name="Replies", actor=acme.owner).exists()


def test_a_server_that_cannot_connect_is_saved_inactive_with_cause_and_fix(acme, owner, sandbox_world):
    response = owner.post(
        reverse("bounce-servers-create"), data_for(acme, email="nobody@acme.example"), follow=True
    )
    server = BounceServer.objects.get(name="Replies")
    assert not server.is_connected
    assert not server.is_active
    page = response.content.decode()
    assert "Not connected" in page
    assert "<b>Cause.</b>" in page
    assert "<b>Fix.</b>" in page
    assert "Connect again" in page


def test_connect_again_activates_a_server_that_works_now(acme, owner, mailbox):
    server = factories.make_bounce_server(
        acme.customer, email=mailbox, api_key=acme.rows["api-keys"], status="inactive", connected_at=None
    )
    owner.post(reverse("bounce-servers-connect", args=[server.pk]))
    server.refresh_from_db()
    assert server.is_connected
    assert server.is_active


def test_processed_mail_is_moved_to_a_folder_that_is_named_tidily(acme, owner, mailbox):
    data = data_for(acme, processed_folder="  Handled   bounces ")
    del data["delete_processed"]
    owner.post(reverse("bounce-servers-create"), data)
    server = BounceServer.objects.get(name="Replies")
    assert (server.delete_processed, server.processed_folder) == (False, "Handled bounces")
    page = owner.get(reverse("bounce-servers-edit", args=[server.pk])).content.decode()
    assert "Move processed mail to" in page
    assert "Instead of deleting it" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"processed_folder": "Handled"}, "either deleted or moved"),
        ({"processed_folder": "Junk Email", "delete_processed": ""}, "one of the mailbox&#x27;s own folders"),
        ({"processed_folder": "a/b", "delete_processed": ""}, "a single folder"),
        ({"processed_folder": "x" * 101, "delete_processed": ""}, "at most 100 characters"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_in_words(acme, owner, mailbox, changes, message):
    data = {name: value for name, value in data_for(acme, **changes).items() if value != ""}
    page = owner.post(reverse("bounce-servers-create"), data).content.decode()
    assert message in page
    assert not BounceServer.objects.filter(name="Replies").exists()


def test_the_key_dropdown_follows_the_provider_without_saving(acme, owner):
    google = factories.make_key(acme.customer, "google", name="Google key", credentials={"client_email": "x"})
    response = owner.post(
        reverse("bounce-servers-create"),
        data_for(acme, provider="google", name="Typed", redraw="1"),
        headers={"HX-Request": "true"},
    )
    page = response.content.decode()
    assert "<html" not in page
    assert google.name in page
    assert acme.rows["api-keys"].name not in page
    assert 'value="Typed"' in page
    assert "errorlist" not in page
    assert not BounceServer.objects.filter(name="Typed").exists()


def test_a_key_of_the_other_provider_is_refused(acme, owner):
    response = owner.post(reverse("bounce-servers-create"), data_for(acme, provider="google"))
    assert "Select a valid choice" in response.content.decode()


def test_a_system_key_is_never_on_offer(acme, owner):
    factories.make_key(None, name="Platform secret key")
    assert "Platform secret key" not in owner.get(reverse("bounce-servers-create")).content.decode()


def test_a_server_on_a_system_key_cannot_be_pointed_at_another_mailbox(acme, owner, sandbox_world):
    system_key = factories.make_key(None, name="Shared key")
    server = factories.make_bounce_server(acme.customer, email="own@acme.example", api_key=system_key)
    url = reverse("bounce-servers-edit", args=[server.pk])
    owner.post(url, data_for(acme, name="Renamed", email="boss@acme.example", api_key=system_key.pk))
    server.refresh_from_db()
    assert server.name == "Renamed"
    assert server.email == "own@acme.example"
    assert server.api_key == system_key


@pytest.fixture
def locked(acme) -> BounceServer:
    return factories.make_bounce_server(
        acme.customer, name="Locked one", locked=True, api_key=acme.rows["api-keys"]
    )


def test_a_locked_server_is_shown_with_a_lock_and_read_only(acme, owner, locked):
    assert 'class="lock"' in owner.get(reverse("bounce-servers")).content.decode()
    page = owner.get(reverse("bounce-servers-edit", args=[locked.pk])).content.decode()
    assert "locked by the platform" in page
    assert "Save changes</button> <a" not in page


def test_a_locked_server_survives_every_way_of_changing_it(acme, owner, locked):
    edit = owner.post(
        reverse("bounce-servers-edit", args=[locked.pk]), data_for(acme, name="Forged", locked="")
    )
    delete = owner.post(reverse("bounce-servers-delete", args=[locked.pk]), {"confirmed": "1"})
    connect = owner.post(reverse("bounce-servers-connect", args=[locked.pk]))
    assert [edit.status_code, delete.status_code, connect.status_code] == [403, 403, 403]
    for action in ("delete", "disable", "connect-again"):
        owner.post(reverse("bounce-servers-bulk"), {"action": action, "rows": [locked.pk], "confirmed": "1"})
    text = f"uid,name\n{locked.uid},Imported\n"
    page = owner.post(reverse("bounce-servers-import"), {"text": text, "confirmed": "1"}).content.decode()
    assert "Take “Locked one” out of the file" in page
    locked.refresh_from_db()
    assert locked.name == "Locked one"
    assert locked.is_active
    assert locked.locked


def test_a_lock_that_comes_while_a_form_is_checked_still_holds(acme, owner, monkeypatch):
    server = acme.rows["bounce-servers"]

    def lock_meanwhile(form) -> bool:
        BounceServer.objects.filter(pk=server.pk).update(locked=True)
        return ReadingServerForm.is_valid(form)

    monkeypatch.setattr(BounceServerForm, "is_valid", lock_meanwhile)
    response = owner.post(reverse("bounce-servers-edit", args=[server.pk]), data_for(acme, name="Forged"))
    assert response.status_code == 403
    server.refresh_from_db()
    assert server.name != "Forged"


def test_a_lock_cannot_be_taken_off_by_a_forged_field(acme, owner, sandbox_world):
    server = acme.rows["bounce-servers"]
    owner.post(reverse("bounce-servers-edit", args=[server.pk]), data_for(acme, locked="on"))
    server.refresh_from_db()
    assert not server.locked


def test_a_bulk_action_asks_first_and_names_what_stops(acme, owner):
    server = acme.rows["bounce-servers"]
    data = {"action": "delete", "rows": [server.pk]}
    page = owner.post(reverse("bounce-servers-bulk"), data).content.decode()
    assert f"{server.email} is no longer read" in page
    assert BounceServer.objects.filter(pk=server.pk).exists()
    owner.post(reverse("bounce-servers-bulk"), {**data, "confirmed": "1"})
    assert not BounceServer.objects.filter(pk=server.pk).exists()
    assert AuditEntry.objects.filter(action="delete", object_name=server.name).exists()


def test_a_server_that_is_not_connected_is_not_enabled(acme, owner):
    server = factories.make_bounce_server(acme.customer, status="inactive", connected_at=None)
    data = {"action": "enable", "rows": [server.pk], "confirmed": "1"}
    page = owner.post(reverse("bounce-servers-bulk"), data, follow=True).content.decode()
    server.refresh_from_db()
    assert not server.is_active
    assert f"Not connected, so left inactive: “{server.name}”. Choose “Connect again”" in page


def test_a_copy_starts_with_the_same_values(acme, owner):
    server = acme.rows["bounce-servers"]
    page = owner.get(reverse("bounce-servers-copy", args=[server.pk])).content.decode()
    assert f"{server.name} (copy)" in page
    assert server.email in page


def test_what_was_typed_stays_when_something_is_wrong(acme, owner):
    page = owner.post(reverse("bounce-servers-create"), data_for(acme, email="no address")).content.decode()
    assert 'value="Replies"' in page
    assert 'value="no address"' in page
    assert "Nothing was saved yet" in page


class TestLimits:
    """-1, 0 and N, by URL and under a race."""

    @pytest.fixture
    def limited(self, acme):
        acme.customer.group = factories.make_group(max_bounce_servers=1)
        acme.customer.save()
        return acme

    def test_a_full_limit_refuses_one_more_and_says_who_set_it(self, limited, owner):
        response = owner.post(reverse("bounce-servers-create"), data_for(limited))
        page = response.content.decode()
        assert "1 of 1 API bounce servers are used" in page
        assert "customer group" in page
        assert BounceServer.objects.for_customer(limited.customer).count() == 1

    def test_the_page_says_how_many_are_used(self, limited, owner):
        assert "1 of 1 used" in owner.get(reverse("bounce-servers")).content.decode()

    def test_an_import_is_held_to_the_limit(self, limited, owner):
        key = limited.rows["api-keys"]
        text = f"name,provider,email,api_key\nOne,microsoft,a@acme.example,{key.name}\n"
        page = owner.post(reverse("bounce-servers-import"), {"text": text}).content.decode()
        assert "1 of 1 API bounce servers are used" in page

    def test_zero_hides_the_section_and_its_urls(self, acme, owner):
        acme.customer.group = factories.make_group(max_bounce_servers=0)
        acme.customer.save()
        assert owner.get(reverse("bounce-servers")).status_code == 404
        assert owner.post(reverse("bounce-servers-create"), data_for(acme)).status_code == 404
        assert reverse("bounce-servers") not in owner.get(reverse("dashboard")).content.decode()

    def test_customer_keys_off_hides_keys_and_explains_servers(self, acme, owner, system):
        system.customer_keys_enabled = False
        system.save()
        assert owner.get(reverse("api-keys")).status_code == 404
        page = owner.get(reverse("bounce-servers")).content.decode()
        assert "keeps the API keys itself" in page
        assert owner.get(reverse("bounce-servers-create")).status_code == 403

    def test_a_disabled_provider_cannot_be_chosen(self, acme, owner, system):
        system.google_enabled = False
        system.save()
        page = owner.get(reverse("bounce-servers-create")).content.decode()
        assert 'value="google"' not in page
        delivery = owner.get(reverse("delivery-servers-create")).content.decode()
        assert "gmail-api" not in delivery


def test_the_master_switch_shows_on_every_page(acme, owner, system):
    system.enabled = False
    system.save()
    for slug in acme.rows:
        assert "API Connect is switched off" in owner.get(reverse(slug)).content.decode()


def test_a_delivery_server_has_the_labels_of_its_type(acme, owner):
    page = owner.get(reverse("delivery-servers-create")).content.decode()
    for label in (
        "Microsoft Graph API",
        "Gmail API",
        "Microsoft Email",
        "API Key",
        "From Name",
        "Hourly Quota",
        "Daily Quota",
    ):
        assert label in page, label
    google = owner.get(reverse("delivery-servers-create") + "?type=gmail-api").content.decode()
    assert "Google Email" in google


def test_a_manager_writes_like_an_owner(acme, sandbox_world):
    client = sign_in(acme.manager)
    client.post(reverse("bounce-servers-create"), data_for(acme))
    assert BounceServer.objects.filter(name="Replies", customer=acme.customer).exists()

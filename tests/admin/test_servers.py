"""Servers in the backend: keys that follow the customer, the lock, the connection test, bulk verbs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Customer
from bounces.models import BounceServer
from keys.models import ApiKey
from monitors.models import Monitor
from sandbox.world import World
from servers.models import DeliveryServer
from tests import factories as make

ADD = "admin:servers_deliveryserver_add"


def delivery_fields(key: ApiKey, **fields: Any) -> dict[str, Any]:
    return {
        "type": "microsoft-graph-api", "name": "News", "email": "news@acme.example", "api_key": key.pk,
        "status": "active", "hourly_quota": 0, "daily_quota": 0, **fields,
    }  # fmt: skip


def offered(client: Client, **query: Any) -> set[str]:
    groups = client.get(reverse("admin:keys_apikey_choices"), query).json()["groups"]
    return {row["label"] for group in groups for row in group["rows"]}


def test_keys_follow_provider_and_customer(backend: Client, acme: Customer, rival: Customer) -> None:
    for owner, name in ((None, "System"), (acme, "Acme's"), (rival, "Rival's")):
        make.make_key(owner, name=name)
    make.make_key(None, "google", name="Google")
    make.make_key(None, name="Off", status="disabled")
    assert offered(backend, provider="microsoft") == {"System"}
    assert offered(backend, provider="microsoft", customer=acme.pk) == {"System", "Acme's"}
    assert offered(backend, type="microsoft-graph-api", customer=rival.pk) == {"System", "Rival's"}
    assert offered(backend, provider="google", customer=acme.pk) == {"Google"}
    assert offered(backend, provider="nonsense", customer="1 OR 1=1") == set()


def test_a_foreign_key_is_refused_however_it_got_there(
    backend: Client, acme: Customer, rival: Customer
) -> None:
    foreign = make.make_key(rival)
    response = backend.post(reverse(ADD), delivery_fields(foreign, customer=acme.pk))
    assert response.status_code == 200
    assert "api_key" in response.context["adminform"].form.errors
    assert not DeliveryServer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_save_tests_the_connection_outside_of_the_transaction(
    backend: Client, sandbox_world: World
) -> None:
    acme = make.make_customer()
    key = make.make_key(acme)
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    response: Any = backend.post(
        reverse(ADD), delivery_fields(key, customer=acme.pk, locked="on"), follow=True
    )
    server = DeliveryServer.objects.get()
    assert "✓ Connected" in response.content.decode()
    assert (server.is_connected, server.is_active, server.locked, server.customer) == (True, True, True, acme)
    assert {step["state"] for step in server.steps} <= {"passed", "skipped"}
    created = AuditEntry.objects.get(action="create")
    assert created.after["name"] == "News"


def test_the_backend_sets_the_folder_for_processed_mail(backend: Client, acme: Customer) -> None:
    server = make.make_bounce_server(acme)
    url = reverse("admin:bounces_bounceserver_change", args=[server.pk])
    fields = {"name": server.name, "provider": "microsoft", "email": server.email, "api_key": server.api_key_id,
              "customer": acme.pk, "status": "inactive"}  # fmt: skip
    backend.post(url, {**fields, "processed_folder": "Drafts"})
    server.refresh_from_db()
    assert (server.delete_processed, server.processed_folder) == (True, "")
    backend.post(url, {**fields, "processed_folder": "Handled"})
    server.refresh_from_db()
    assert (server.delete_processed, server.processed_folder) == (False, "Handled")


@pytest.mark.django_db(transaction=True)
def test_a_failed_test_leaves_the_server_saved_and_says_cause_and_fix(
    backend: Client, sandbox_world: World
) -> None:
    acme = make.make_customer()
    response: Any = backend.post(
        reverse(ADD),
        delivery_fields(make.make_key(acme), customer=acme.pk, email="nobody@acme.example"),
        follow=True,
    )
    server = DeliveryServer.objects.get()
    page = response.content.decode()
    assert not server.is_connected
    assert not server.is_active
    assert any(server.last_error in message.message for message in response.context["messages"])
    assert "Not connected" in page
    assert "Cause:" in page
    assert "Fix:" in page


def act(client: Client, model: str, action: str, rows: list[Any], **more: Any) -> Any:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(reverse(f"admin:{model}_changelist"), data, follow=True)


def test_a_verb_asks_first_and_names_what_else_stops(backend: Client, acme: Customer) -> None:
    server = make.make_bounce_server(acme)
    page = act(backend, "bounces_bounceserver", "disable", [server]).content.decode()
    assert server.email in page
    assert "What else happens" in page
    server.refresh_from_db()
    assert server.is_active


@pytest.mark.parametrize(
    ("action", "field", "before", "after"),
    [
        ("disable", "status", "active", "inactive"),
        ("enable", "status", "inactive", "active"),
        ("lock", "locked", False, True),
        ("unlock", "locked", True, False),
    ],
)
def test_a_confirmed_verb_changes_the_chosen_and_is_audited(
    backend: Client, acme: Customer, action: str, field: str, before: Any, after: Any
) -> None:
    chosen = make.make_monitor(acme, **{field: before})
    other = make.make_monitor(acme, **{field: before})
    act(backend, "monitors_monitor", action, [chosen], confirmed="yes")
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert getattr(chosen, field) == after
    assert getattr(other, field) == before
    entry = AuditEntry.objects.get(action=action)
    assert (entry.object_id, entry.before, entry.after) == (str(chosen.pk), {field: before}, {field: after})


def test_deleting_in_bulk_is_audited(backend: Client, acme: Customer) -> None:
    server = make.make_bounce_server(acme)
    act(backend, "bounces_bounceserver", "delete", [server], confirmed="yes")
    assert not BounceServer.objects.exists()
    assert AuditEntry.objects.get(action="delete").before["email"] == server.email


def condition_rows(*rows: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"conditions-TOTAL_FORMS": len(rows), "conditions-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        full = {"position": number, "where": "any", "match": "contains", "action": "unsubscribe", **row}
        data |= {f"conditions-{number}-{name}": value for name, value in full.items()}
    return data


def monitor_fields(key: ApiKey, **fields: Any) -> dict[str, Any]:
    return {
        "provider": "microsoft", "name": "Replies", "email": "replies@acme.example", "api_key": key.pk,
        "status": "active", "identify_by": "email", **fields,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_monitor_is_saved_with_its_conditions_in_order(backend: Client, sandbox_world: World) -> None:
    acme = make.make_customer()
    sandbox_world.add_mailbox("microsoft", "replies@acme.example")
    rows = condition_rows({"value": "second", "position": 1}, {"value": "first", "position": 0})
    data = monitor_fields(make.make_key(acme), customer=acme.pk) | rows
    backend.post(reverse("admin:monitors_monitor_add"), data)
    monitor = Monitor.objects.get()
    assert [condition.value for condition in monitor.conditions.all()] == ["first", "second"]
    assert len(AuditEntry.objects.get(action="create").after["conditions"]) == 2


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ((), "Add at least one condition"),
        (({"value": "x", "action": "move_to_list"},), "Select a valid choice"),
        (({"value": "(", "match": "regex"},), "conditions-0-value"),
    ],
)
def test_a_bad_condition_changes_nothing(
    backend: Client, acme: Customer, rows: tuple[dict[str, Any], ...], problem: str
) -> None:
    data = monitor_fields(make.make_key(acme), customer=acme.pk) | condition_rows(*rows)
    response = backend.post(reverse("admin:monitors_monitor_add"), data)
    assert response.status_code == 200
    assert problem in response.content.decode()
    assert not Monitor.objects.exists()


def test_what_a_customer_chose_is_shown_and_kept_and_not_offered_for_others(
    backend: Client, acme: Customer, rival: Customer
) -> None:
    target = make.make_list(acme, name="Others")
    chosen = {"value": "x", "action": "copy_to_list", "target_list": target}
    monitor = make.make_monitor(acme, conditions=(chosen, {"value": "y", "action": "delete"}))
    first, second = monitor.conditions.all()
    url = reverse("admin:monitors_monitor_change", args=[monitor.pk])
    page = backend.get(url).content.decode()
    assert page.count('value="copy_to_list"') == 1
    assert "move_to_list" not in page
    rows = condition_rows(
        {
            "id": first.pk,
            "monitor": monitor.pk,
            "value": "z",
            "action": "copy_to_list",
            "target_list": target.pk,
        },
        {"id": second.pk, "monitor": monitor.pk, "value": "y", "action": "delete", "position": 1},
    )
    data = monitor_fields(monitor.api_key, customer=acme.pk, status="inactive", email=monitor.email)
    data |= rows | {"conditions-INITIAL_FORMS": 2}
    assert backend.post(url, data).status_code == 302
    first.refresh_from_db()
    assert (first.value, first.action, first.target_list) == ("z", "copy_to_list", target)
    data |= {"conditions-1-action": "copy_to_list", "conditions-1-target_list": target.pk}
    assert "Select a valid choice" in backend.post(url, data).content.decode()


def test_a_monitor_is_tried_in_the_backend_while_it_is_being_edited(backend: Client, acme: Customer) -> None:
    reader = make.make_subscriber(make.make_list(acme), "reader@receiver.example")
    add = reverse("admin:monitors_monitor_add")
    assert "Preview what is typed" in backend.get(add).content.decode()
    rows = condition_rows(
        {"value": "never", "position": 0}, {"value": "stop", "action": "delete", "position": 1}
    )
    data = monitor_fields(make.make_key(acme), customer=acme.pk) | rows | {"_try": "1"}
    page = backend.post(add, data).content.decode()
    assert 'name="conditions-1-value" value="stop"' in page
    mail = "From: reader@receiver.example\nSubject: please stop\n\nThank you.\n"
    page = backend.post(add, data | {"raw": mail}).content.decode()
    assert "<strong>Delete</strong>, because subject contains “stop”" in page
    assert "reader@receiver.example (by email address)" in page
    reader.refresh_from_db()
    assert not Monitor.objects.exists()
    page = backend.post(add, data | {"conditions-1-value": "", "raw": mail}).content.decode()
    assert "Condition 2: This field is required." in page


def test_changes_of_a_monitor_are_tried_and_not_stored(backend: Client, acme: Customer) -> None:
    make.make_subscriber(make.make_list(acme), "reader@receiver.example")
    monitor = make.make_monitor(acme, conditions=({"value": "stop", "action": "delete"},))
    condition = monitor.conditions.get()
    rows = condition_rows({"id": condition.pk, "monitor": monitor.pk, "value": "*", "action": "blacklist"})
    data = monitor_fields(monitor.api_key, customer=acme.pk, email=monitor.email, name="Renamed")
    data |= rows | {"conditions-INITIAL_FORMS": 1, "_try": "1"}
    mail = "From: reader@receiver.example\nSubject: hello\n\nThank you.\n"
    url = reverse("admin:monitors_monitor_change", args=[monitor.pk])
    page = backend.post(url, data | {"raw": mail}).content.decode()
    assert "<strong>Blacklist</strong>, because any message matches *" in page
    monitor.refresh_from_db()
    condition.refresh_from_db()
    assert (monitor.name, condition.value, condition.action) != ("Renamed", "*", "blacklist")
    assert not AuditEntry.objects.exists()


def test_the_saved_monitors_preview_says_which_condition_wins_and_whom_it_finds(
    backend: Client, acme: Customer
) -> None:
    make.make_subscriber(make.make_list(acme), "reader@receiver.example")
    monitor = make.make_monitor(acme, conditions=({"value": "stop", "action": "delete"},))
    url = reverse("admin:monitors_monitor_preview", args=[monitor.pk])
    mail = "From: reader@receiver.example\nSubject: stop\n\nThank you.\n"
    page = backend.post(url, {"raw": mail, "_form_submitted": "on"}).content.decode()
    assert "<strong>Delete</strong>, because subject contains “stop”" in page
    assert "reader@receiver.example (by email address)" in page


def test_a_condition_never_reaches_another_customers_list(
    backend: Client, acme: Customer, rival: Customer
) -> None:
    foreign = make.make_list(rival)
    rows = condition_rows({"value": "x", "action": "move_to_list", "target_list": foreign.pk})
    response = backend.post(
        reverse("admin:monitors_monitor_add"), monitor_fields(make.make_key(acme), customer=acme.pk) | rows
    )
    assert response.status_code == 200
    assert not Monitor.objects.exists()

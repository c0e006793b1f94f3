"""CSV in the backend: out, back in, a preview with each row's errors, all or nothing."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Customer
from audience.models import Change
from bounces.models import BounceServer
from monitors.models import Monitor
from tests import factories as make
from tests.admin.conftest import sign_in


def export(client: Client, model: str, resource: str, columns: tuple[str, ...]) -> str:
    data = {"format": "0", "resource": "", **{f"{resource}_{name}": "on" for name in columns}}
    response = client.post(reverse(f"admin:{model}_export"), data)
    assert response["Content-Type"].startswith("text/csv")
    return response.content.decode()


def upload(client: Client, model: str, text: str) -> Any:
    file = SimpleUploadedFile("rows.csv", text.encode(), "text/csv")
    return client.post(reverse(f"admin:{model}_import"), {"format": "0", "resource": "", "import_file": file})


def confirm(client: Client, model: str, preview: Any) -> Any:
    hidden = preview.context["confirm_form"].initial
    return client.post(reverse(f"admin:{model}_process_import"), hidden, follow=True)


MONITOR_COLUMNS = (
    "uid",
    "customer_name",
    "name",
    "provider",
    "email",
    "key",
    "identify_by",
    "conditions",
    "status",
)


def test_a_monitor_goes_out_and_comes_back_with_its_conditions(backend: Client, acme: Customer) -> None:
    conditions = (
        {"value": "stop*", "action": "unsubscribe"},
        {"value": "spam", "action": "blacklist", "match_case": True},
    )
    monitor = make.make_monitor(acme, name="Replies", conditions=conditions)
    text = export(backend, "monitors_monitor", "monitorresource", MONITOR_COLUMNS)
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["customer"] == acme.uid
    assert "stop*" in row["conditions"]
    changed = text.replace("Replies", "Answers").replace("stop*", "unsubscribe*")
    confirm(backend, "monitors_monitor", upload(backend, "monitors_monitor", changed))
    monitor.refresh_from_db()
    assert monitor.name == "Answers"
    assert [condition.value for condition in monitor.conditions.all()] == ["unsubscribe*", "spam"]
    assert Monitor.objects.count() == 1
    assert AuditEntry.objects.filter(action="import", object_id=str(monitor.pk)).exists()


def servers(*rows: tuple[str, ...]) -> str:
    lines = [("customer", "name", "provider", "email", "api_key"), *rows]
    return "\n".join(",".join(line) for line in lines)


def test_new_servers_are_imported_untested(backend: Client, acme: Customer) -> None:
    key = make.make_key(acme, name="Acme key")
    text = servers(
        (acme.uid, "One", "microsoft", "one@acme.example", key.uid),
        (acme.uid, "Two", "microsoft", "two@acme.example", "Acme key"),
    )
    preview = upload(backend, "bounces_bounceserver", text)
    assert not BounceServer.objects.exists()
    confirm(backend, "bounces_bounceserver", preview)
    assert set(BounceServer.objects.values_list("name", "customer")) == {("One", acme.pk), ("Two", acme.pk)}
    assert not BounceServer.objects.filter(connected_at__isnull=False).exists()


def test_one_bad_row_is_named_and_nothing_is_imported(
    backend: Client, acme: Customer, rival: Customer
) -> None:
    key, foreign = make.make_key(acme, name="Acme key"), make.make_key(rival, name="Rival key")
    text = servers(
        (acme.uid, "One", "microsoft", "one@acme.example", key.uid),
        (acme.uid, "Two", "microsoft", "two@acme.example", foreign.uid),
        (acme.uid, "Three", "microsoft", "no address", key.uid),
    )
    preview = upload(backend, "bounces_bounceserver", text)
    page = preview.content.decode()
    assert "confirm_form" not in preview.context
    assert "There is none with the name or uid" in page
    assert "valid email address" in page
    assert not BounceServer.objects.exists()


def test_subscribers_of_any_customer_are_imported_and_journalled(backend: Client, acme: Customer) -> None:
    mailing_list = make.make_list(acme, name="News")
    text = f"customer,list,email\n{acme.uid},News,ada@receiver.example\n{acme.uid},News,bob@receiver.example"
    confirm(backend, "audience_subscriber", upload(backend, "audience_subscriber", text))
    assert mailing_list.subscribers.count() == 2
    assert Change.objects.filter(cause_kind="import", customer=acme).count() == 2


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "+1", "-1+1"])
def test_an_exported_cell_starts_no_formula(backend: Client, acme: Customer, name: str) -> None:
    make.make_bounce_server(acme, name=name)
    text = export(backend, "bounces_bounceserver", "bounceserverresource", ("name",))
    cell = next(csv.DictReader(io.StringIO(text)))["name"]
    assert cell[0] not in "=+-@"


@pytest.mark.django_db
def test_support_exports_but_imports_nothing(quiet_log: None) -> None:
    support = make.make_user(None)
    support.groups.add(Group.objects.get(name="Support"))
    client = sign_in(support)
    assert client.get(reverse("admin:monitors_monitor_export")).status_code == 200
    assert client.get(reverse("admin:monitors_monitor_import")).status_code == 403

"""Every page of the backend: it answers, with a constant number of queries, to staff alone, without secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Customer, SystemSettings, User
from bounces.models import Bounce
from tests import factories as make
from tests.admin.conftest import ACCESS_TOKEN, SECRET, furnish, sign_in

pytestmark = pytest.mark.django_db

ADMINS = {model: page for model, page in admin.site._registry.items() if model is not SystemSettings}
# Reading settings, permissions and the session is part of it.
MOST_QUERIES = 16


def url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def row_of(model: type[Model]) -> Any:
    row = model._default_manager.first()
    assert row is not None, f"furnish() makes no {model._meta.verbose_name}"
    return row


def count_queries(client: Client) -> dict[str, int]:
    counts = {}
    for model in ADMINS:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(model, "changelist")).status_code == 200
        counts[model._meta.label] = len(queries)
    return counts


def test_a_list_takes_the_same_queries_for_ten_rows_and_for_twenty(backend: Client) -> None:
    SystemSettings.load()
    furnish(10)
    few = count_queries(backend)
    furnish(10)
    assert count_queries(backend) == few
    assert {label: count for label, count in few.items() if count > MOST_QUERIES} == {}


def test_every_page_of_every_table_answers_and_shows_no_secret(backend: Client, superuser: User) -> None:
    furnish(2)
    request = RequestFactory().get("/")
    request.user = superuser
    for model, page in ADMINS.items():
        row = row_of(model)
        addresses = [url(model, "changelist"), url(model, "change", row.pk), url(model, "history", row.pk)]
        if page.has_add_permission(request):
            addresses.append(url(model, "add"))
        for address in addresses:
            response = backend.get(address)
            assert response.status_code == 200, address
            for secret in (SECRET, ACCESS_TOKEN, row.__dict__.get("password")):
                assert secret is None or secret not in response.content.decode(), address


@pytest.mark.parametrize("term", ["acme", "reader@receiver.example", "<id@host>", "%", "7"])
def test_every_list_can_be_searched(backend: Client, term: str) -> None:
    furnish(1)
    for model in ADMINS:
        assert backend.get(url(model, "changelist"), {"q": term}).status_code == 200, model


def test_a_customers_user_never_gets_in(acme: Customer) -> None:
    client = sign_in(make.make_user(acme))
    addresses = [
        url(model, page, *args) for model in ADMINS for page, args in (("changelist", ()), ("change", (1,)))
    ]
    for address in (*addresses, reverse("admin:index"), reverse("admin:keys_apikey_choices")):
        response: Any = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith(reverse("admin:login"))


def test_support_reads_every_list_and_writes_nothing(quiet_log: None) -> None:
    furnish(1)
    support = make.make_user(None)
    support.groups.add(Group.objects.get(name="Support"))
    client = sign_in(support)
    for model in ADMINS:
        row = row_of(model)
        assert client.get(url(model, "changelist")).status_code == 200, model
        assert client.get(url(model, "change", row.pk)).status_code == 200, model
        assert client.post(url(model, "change", row.pk), {"name": "x"}).status_code == 403, model
        assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model


def test_raw_mail_is_shown_as_text(backend: Client) -> None:
    furnish(1)
    page = backend.get(url(Bounce, "change", row_of(Bounce).pk)).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    ("app", "model", "field"),
    [
        ("keys", "apikey", "customer"),
        ("servers", "deliveryserver", "customer"),
        ("bounces", "bounceserver", "api_key"),
        ("campaigns", "delivery", "campaign"),
        ("audience", "subscriber", "list"),
    ],
)
def test_choices_are_found_by_name(backend: Client, app: str, model: str, field: str) -> None:
    furnish(1)
    query = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
    assert len(backend.get(reverse("admin:autocomplete"), query).json()["results"]) == 1


def test_a_list_is_called_after_what_it_lists_and_its_times_after_what_happened(backend: Client) -> None:
    furnish(1)
    page = backend.get(reverse("admin:campaigns_delivery_changelist")).content.decode()
    assert re.search(r"<title>\s*Delivery log \| API Connect\s*</title>", page)
    assert "Sent at" not in page

"""The same CSV resources in the backend's hands: any customer's rows, named in a column of their own."""

from __future__ import annotations

import pytest
import tablib

from audience.models import BlacklistEntry, Subscriber
from audience.resources import BlacklistResource, SubscriberResource
from bounces.models import BounceServer
from bounces.resources import BounceServerResource
from monitors.models import Monitor
from monitors.resources import MonitorResource
from tests import factories


@pytest.fixture
def admin(db):
    return factories.make_admin()


def run(resource, *rows: dict[str, str]):
    dataset = tablib.Dataset(headers=list(rows[0]))
    for row in rows:
        dataset.append(list(row.values()))
    return resource.import_data(dataset, use_transactions=True, rollback_on_validation_errors=True)


def errors(result) -> str:
    return " ".join(str(row.validation_error) for row in result.rows if row.validation_error)


def server(customer: str, key: str, **changes) -> dict[str, str]:
    return {
        "customer": customer,
        "name": "Imported",
        "provider": "microsoft",
        "email": "imported@acme.example",
        "api_key": key,
        **changes,
    }


def test_an_admin_imports_a_server_with_that_customers_own_key(acme, admin):
    row = server(acme.customer.uid, acme.rows["api-keys"].name)
    result = run(BounceServerResource(actor=admin), row)
    assert not errors(result)
    assert BounceServer.objects.get(name="Imported").customer == acme.customer


def test_an_admin_imports_a_server_on_a_system_key(acme, admin):
    key = factories.make_key(None, name="Shared")
    assert not errors(run(BounceServerResource(actor=admin), server(acme.customer.uid, key.name)))
    assert BounceServer.objects.get(name="Imported").api_key == key


def test_a_key_of_another_customer_is_refused_for_an_admin_too(acme, rival, admin):
    result = run(BounceServerResource(actor=admin), server(acme.customer.uid, rival.rows["api-keys"].uid))
    assert "There is none with the name or uid" in errors(result)


def test_conditions_name_targets_of_the_servers_customer(acme, rival, admin):
    acme_list = acme.rows["lists"]
    conditions = f'any contains "x" -> move_to_list "{acme_list.name}"'
    row = server(acme.customer.uid, acme.rows["api-keys"].uid, conditions=conditions)
    assert not errors(run(MonitorResource(actor=admin), row))
    assert Monitor.objects.get(name="Imported").conditions.get().target_list == acme_list
    foreign = f'any contains "x" -> move_to_list "{rival.rows["lists"].uid}"'
    assert errors(run(MonitorResource(actor=admin), row | {"conditions": foreign, "name": "Second"}))


def test_an_admin_imports_subscribers_of_any_customer(acme, admin):
    row = {"customer": acme.customer.uid, "list": acme.rows["lists"].name, "email": "a@b.example"}
    assert not errors(run(SubscriberResource(actor=admin), row))
    assert Subscriber.objects.get(email="a@b.example").customer == acme.customer
    assert errors(run(SubscriberResource(actor=admin), row | {"customer": "nobody"}))


def test_an_entry_without_a_customer_holds_for_all(acme, admin):
    own = {"customer": acme.customer.uid, "email": "one@b.example", "reason": "asked"}
    shared = {"customer": "", "email": "two@b.example", "reason": "trap"}
    assert not errors(run(BlacklistResource(actor=admin), own, shared))
    assert BlacklistEntry.objects.get(email="one@b.example").customer == acme.customer
    assert BlacklistEntry.objects.get(email="two@b.example").customer is None

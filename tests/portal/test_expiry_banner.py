"""The banner above every page of a customer's owners while one of their keys is about to end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_key
from tests.portal.conftest import sign_in


def in_days(count: int):
    return timezone.localdate() + timedelta(days=count)


def page(client) -> str:
    return client.get(reverse("lists")).content.decode()


@pytest.mark.parametrize(
    ("days", "words"), [(-1, "has ended"), (0, "ends today"), (1, "ends in 1 day"), (14, "ends in 14 days")]
)
def test_an_owner_is_told_when_a_key_ends(acme, owner, days, words):
    make_key(acme.customer, name="Production", expires_at=in_days(days))
    text = page(owner)
    assert f"“Production” {words}" in text
    assert f'<a href="{reverse("api-keys")}">' in text.split("“Production”")[1]


@pytest.mark.parametrize("fields", [{"days": 15}, {"days": 5, "status": "disabled"}])
def test_a_key_with_time_left_or_out_of_use_is_no_banner(acme, owner, fields):
    days = fields.pop("days")
    make_key(acme.customer, name="Production", expires_at=in_days(days), **fields)
    assert "“Production”" not in page(owner)


def test_others_keys_are_nobodys_business(acme, rival, owner, viewer):
    make_key(rival.customer, name="Of Rival", expires_at=in_days(5))
    make_key(None, name="Of the system", expires_at=in_days(5))
    make_key(acme.customer, name="Of Acme", expires_at=in_days(5))
    assert "“Of Acme”" in page(owner)
    for name in ("“Of Rival”", "“Of the system”"):
        assert name not in page(owner)
    assert "“Of Acme”" not in page(viewer)
    assert "“Of Acme”" not in page(sign_in(acme.manager))


def test_where_keys_are_the_platforms_matter_it_says_so(acme, owner, system):
    system.customer_keys_enabled = False
    system.save()
    make_key(acme.customer, name="Production", expires_at=in_days(5))
    text = page(owner)
    assert "administrators put in a new one for you" in text.split("“Production”")[1]


def test_it_costs_one_query_however_many_keys_there_are(acme, owner):
    with CaptureQueriesContext(connection) as without:
        page(owner)
    for _ in range(5):
        make_key(acme.customer, expires_at=in_days(5))
    with CaptureQueriesContext(connection) as with_keys:
        page(owner)
    assert len(with_keys) <= len(without) + 1

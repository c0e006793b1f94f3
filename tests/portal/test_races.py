"""Limits hold when two tabs create at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse

from audience.models import MailingList
from bounces.models import BounceServer
from tests import factories
from tests.portal.conftest import sign_in

TABS = 4


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_no_more_servers_are_made_than_the_limit_allows(system, sandbox_world):
    customer = factories.make_customer("Acme", group=factories.make_group(max_bounce_servers=2))
    user, key = factories.make_user(customer), factories.make_key(customer)

    def create(number: int) -> None:
        data = {
            "name": f"Tab {number}",
            "provider": "microsoft",
            "email": f"tab{number}@acme.example",
            "api_key": key.pk,
            "status": "active",
        }
        try:
            sign_in(user).post(reverse("bounce-servers-create"), data)
        finally:
            connection.close()

    with ThreadPoolExecutor(TABS) as tabs:
        list(tabs.map(create, range(TABS)))
    assert BounceServer.objects.filter(customer=customer).count() == 2


def test_a_section_without_a_limit_takes_any_number(acme, owner):
    for number in range(3):
        owner.post(reverse("lists-create"), {"name": f"List {number}"})
    assert MailingList.objects.for_customer(acme.customer).count() == 4

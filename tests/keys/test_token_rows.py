"""One token for each customer, mailbox and provider; on SQLite and PostgreSQL, also without a customer."""

import pytest
from django.db import IntegrityError, transaction

from tests.factories import make_customer, make_key, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.mark.parametrize("owner", ["a customer", "the system"])
def test_the_same_mailbox_twice_is_refused_by_the_database(owner):
    customer = make_customer() if owner == "a customer" else None
    key = make_key(customer)
    make_token(key, "News@acme.example", customer)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_token(key, "news@ACME.example", customer)


def test_two_customers_and_the_system_may_each_have_a_token_of_one_mailbox():
    acme, rival = make_customer("Acme"), make_customer("Rival")
    system = make_key()
    for customer in (acme, rival, None):
        make_token(system, "news@acme.example", customer)
    make_token(make_key(provider="google"), "news@acme.example")

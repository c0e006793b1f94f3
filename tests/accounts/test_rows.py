"""One row changed and locked without the ORM: what it would do, to the same values."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from accounts.rows import lock_row, update_row
from campaigns.models import Campaign, Delivery
from mailboxes.leases import claim
from mailboxes.models import Mailbox
from tests.factories import make_campaign, make_customer, make_delivery, make_list, make_subscriber


@pytest.fixture
def delivery(db):
    readers = make_list(make_customer())
    return make_delivery(make_campaign(readers), make_subscriber(readers), status="sending", sent_at=None)


def test_it_writes_what_the_orm_would_write(delivery):
    mailbox = Mailbox.objects.create(provider="google", email="a@acme.example", email_key="a@acme.example")
    moment = delivery.created_at
    changes = {"status": Delivery.Status.SENT, "sent_at": moment, "mailbox": mailbox.pk, "ids_wanted": True}

    assert update_row(Delivery, {"pk": delivery.pk, "status": Delivery.Status.SENDING}, changes) == 1

    delivery.refresh_from_db()
    assert (delivery.status, delivery.sent_at, delivery.mailbox, delivery.ids_wanted) == (
        "sent", moment, mailbox, True
    )  # fmt: skip


def test_it_changes_nothing_that_is_no_longer_what_it_was(delivery):
    assert update_row(Delivery, {"pk": delivery.pk, "status": "queued"}, {"error": "late"}) == 0

    delivery.refresh_from_db()
    assert delivery.error == ""


def test_it_empties_a_column_and_takes_values_for_values_only(delivery):
    text = "'; DROP TABLE campaigns_delivery; --"

    update_row(Delivery, {"pk": delivery.pk}, {"error": text, "next_try_at": None})

    delivery.refresh_from_db()
    assert (delivery.error, delivery.next_try_at) == (text, None)


def test_a_row_is_locked_only_while_it_is_what_was_asked_for(delivery):
    mailbox = Mailbox.objects.create(provider="google", email="a@acme.example", email_key="a@acme.example")
    lease = claim(mailbox, "sending")
    mine = {"pk": mailbox.pk, "sending_fence": lease.fence}

    with transaction.atomic():
        assert lock_row(Mailbox, mine, filled="sending_until")
        assert not lock_row(Mailbox, {**mine, "sending_fence": lease.fence + 1}, filled="sending_until")
        lease.release()
        assert not lock_row(Mailbox, mine, filled="sending_until")


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        lock_row(Campaign, {"pk": 1}, filled="name")

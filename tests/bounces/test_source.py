"""A customer sees the raw report of their bounce, and never one that speaks of somebody else too."""

import pytest

from bounces.models import Bounce, BounceSource
from mailboxes.models import Mailbox, ProcessedMessage
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db
RAW = b"Subject: Undelivered\r\n\r\n<script>alert(1)</script> \xff"


@pytest.fixture
def message(db):
    mailbox = Mailbox.objects.for_address("microsoft", "news@acme.example")
    message = ProcessedMessage.objects.create(mailbox=mailbox, purpose="bounces", provider_message_id="1")
    BounceSource.objects.create(message=message, raw=RAW)
    return message


def make_bounce(message, customer):
    return Bounce.objects.create(
        mailbox=message.mailbox,
        message=message,
        customer=customer,
        recipient="ada@receiver.example",
        type="hard",
    )


def test_the_report_is_shown_escaped(message, client):
    acme = make_customer("Acme")
    bounce = make_bounce(message, acme)
    client.force_login(make_user(acme))
    text = client.get(f"/bounces/{bounce.pk}/").content.decode()
    assert "The report as it came" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text


def test_a_report_that_concerns_others_too_is_not_shown(message, client):
    acme, rival = make_customer("Acme"), make_customer("Rival")
    bounce = make_bounce(message, acme)
    make_bounce(message, rival)
    client.force_login(make_user(acme))
    text = client.get(f"/bounces/{bounce.pk}/").content.decode()
    assert "alert(1)" not in text
    assert "concerns others too" in text


def test_one_that_was_purged_is_told_so(message, client):
    acme = make_customer("Acme")
    bounce = make_bounce(message, acme)
    BounceSource.objects.all().delete()
    client.force_login(make_user(acme))
    assert "not kept any more" in client.get(f"/bounces/{bounce.pk}/").content.decode()

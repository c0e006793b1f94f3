"""What lies in a mailbox at its first connection: its owner says what becomes of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import SystemSettings
from bounces.models import BounceServer
from mailboxes.models import ProcessedMessage, Watch
from operations.cycle import run_cycle
from servers.connecting import connect
from tests.factories import make_admin, make_bounce_server, make_customer, make_key, make_monitor, make_user

pytestmark = pytest.mark.django_db
OLD = b"From: ada@receiver.example\r\nTo: news@acme.example\r\nSubject: Old\r\n\r\nHello\r\n"


@pytest.fixture(autouse=True)
def mailbox(db, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    sandbox_world.deliver(OLD, "news@acme.example", at=sandbox_world.clock.now() - 86_400)
    return sandbox_world


def read(make, **fields) -> int:
    """Connect a server, run a cycle; how many messages were handled."""
    server = make(make_customer(), email="news@acme.example", connected_at=None, **fields)
    assert connect(server, timezone.now())
    run_cycle(timezone.now(), side_by_side=False)
    return ProcessedMessage.objects.filter(purpose=server.purpose).count()


def test_a_bounce_server_takes_the_unread_mail_and_a_monitor_starts_from_now():
    assert read(make_bounce_server) == 1


def test_a_monitor_leaves_old_mail_to_people():
    assert read(make_monitor, conditions=({"value": "*", "action": "unsubscribe"},)) == 0


def test_a_bounce_server_may_start_from_now():
    assert read(make_bounce_server, first_read=Watch.FirstRead.NOW) == 0


def test_a_monitor_may_start_from_a_date():
    yesterday = (timezone.now() - timedelta(days=3)).date()
    assert read(make_monitor, first_read=Watch.FirstRead.DATE, first_read_from=yesterday) == 1


def test_the_choice_is_used_once():
    server = make_bounce_server(
        make_customer(), email="news@acme.example", connected_at=None, first_read=Watch.FirstRead.NOW
    )
    assert connect(server, timezone.now())
    server.refresh_from_db()
    assert server.first_read == ""


@pytest.mark.parametrize("path", ["/bounce-servers/", "/monitors/"])
def test_both_forms_offer_it_and_ask_for_the_date(client, path):
    customer = make_customer()
    make_key(customer)
    SystemSettings(customer_keys_enabled=True).save()
    client.force_login(make_user(customer))
    page = client.get(f"{path}create/").content.decode()
    assert "Process the unread mail" in page
    assert "As usual" in page
    refused = client.post(f"{path}create/", {"first_read": "date", "name": "x"}).content.decode()
    assert "Choose the date from which mail is processed." in refused


def test_saving_says_how_much_is_unread_and_what_becomes_of_it(client, mailbox):
    customer = make_customer()
    SystemSettings(customer_keys_enabled=True).save()
    client.force_login(make_user(customer))
    data = {"name": "Bounces", "provider": "microsoft", "email": "news@acme.example", "status": "active",
            "api_key": make_key(customer).pk}  # fmt: skip
    page = client.post("/bounce-servers/create/", data, follow=True).content.decode()
    assert "holds 1 unread. First reading: “Process the unread mail”" in page
    page = client.post("/bounce-servers/create/", data | {"first_read": "now"}, follow=True).content.decode()
    assert "First reading: “Start from now”" in page
    run_cycle(timezone.now(), side_by_side=False)
    server = BounceServer.objects.first()
    page = client.post(f"/bounce-servers/{server.pk}/", data | {"name": "New"}, follow=True).content.decode()
    assert "was saved and is connected" in page
    assert "holds 1 unread" not in page


def test_the_page_says_how_much_is_unread(client):
    server = make_bounce_server(make_customer(), email="news@acme.example", connected_at=None)
    assert connect(server, timezone.now())
    client.force_login(make_user(server.customer))
    assert "It held 1 unread" in client.get(f"/bounce-servers/{server.pk}/").content.decode()
    client.force_login(make_admin())
    page = client.get(f"/admin/bounces/bounceserver/{server.pk}/change/").content.decode()
    assert "It held 1 unread" in page

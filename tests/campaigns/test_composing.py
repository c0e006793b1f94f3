"""What a message says: tags, names, links and headers, as the sandbox received it."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest

from campaigns.composing import Layout
from campaigns.models import Attachment, Delivery
from mail.composing import ComposeError
from tests.factories import (
    make_campaign,
    make_customer,
    make_delivery_server,
    make_list,
    make_subscriber,
)

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
HTML = (
    "<p>Hello [FNAME|there], this is [DS_FROM_NAME].</p><a href='https://shop.example/'>Shop</a>"
    "<a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a>"
)


@pytest.fixture
def acme(db):
    return make_customer()


@pytest.fixture
def server(acme):
    server = make_delivery_server(acme, email="news@acme.example", from_name="Acme News")
    server.mailbox.display_name = "News Mailbox"
    return server


def message_for(server, *, fields=None, subscriber=None, **campaign):
    mailing_list = make_list(server.customer, name="Readers")
    subscriber = subscriber or make_subscriber(mailing_list, fields=fields or {})
    campaign.setdefault("html", HTML)
    row = make_campaign(mailing_list, (server,), **campaign)
    delivery = Delivery(
        campaign=row,
        subscriber=subscriber,
        recipient=subscriber.email,
        submitted_message_id="own@acme.example",
    )
    mime = Layout.of(row).compose(delivery, server, NOW)
    return email.message_from_bytes(mime, policy=email.policy.default), delivery


def html_of(message) -> str:
    return message.get_body(("html",)).get_content()


def test_tags_are_filled_from_the_subscriber_and_escaped_in_html(server):
    message, _ = message_for(server, fields={"FNAME": "Ada <3"}, subject="Hello [FNAME]")

    assert message["Subject"] == "Hello Ada <3"
    assert "Hello Ada &lt;3, this is Acme News." in html_of(message)


def test_a_missing_field_takes_the_tags_default(server):
    message, _ = message_for(server)

    assert "Hello there," in html_of(message)


@pytest.mark.parametrize(
    ("campaign_name", "server_name", "in_header", "in_text"),
    [
        ("The Campaign", "Acme News", "The Campaign", "Acme News"),
        ("", "Acme News", "Acme News", "Acme News"),
        ("", "", "", "News Mailbox"),
    ],
)
def test_the_campaigns_from_name_goes_before_the_servers_before_the_mailboxs(
    server, campaign_name, server_name, in_header, in_text
):
    server.from_name = server_name

    message, _ = message_for(server, from_name=campaign_name)

    sender = message["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == (in_header, "news@acme.example")
    assert f"this is {in_text}." in html_of(message)


def test_every_message_can_be_unsubscribed_with_one_click(server, settings):
    message, _ = message_for(server)

    assert message["List-Unsubscribe"].startswith(f"<{settings.SITE_URL}/u/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"].strip("<>") in html_of(message).replace("&amp;", "&")


def test_it_carries_the_deliverys_token_and_the_campaigns_own_headers(server):
    message, delivery = message_for(server, headers={"X-Campaign": "november"}, reply_to="help@acme.example")

    assert message["X-Apiconnect-Token"] == delivery.token
    assert message["X-Campaign"] == "november"
    assert message["Reply-To"] == "help@acme.example"
    assert message["Message-ID"] == "<own@acme.example>"


def test_links_lead_through_our_redirect_with_the_subscribers_uid(server, settings):
    subscriber = make_subscriber(make_list(server.customer), uid="sub/0001")

    message, _ = message_for(server, subscriber=subscriber)

    code = message and html_of(message).partition(f"{settings.SITE_URL}/c/")[2].partition('"')[0]
    assert code.endswith("/sub%2F0001/")
    assert "https://shop.example/" not in html_of(message)


def test_attachments_go_along(server):
    mailing_list = make_list(server.customer)
    row = make_campaign(mailing_list, (server,))
    Attachment.objects.create(
        campaign=row, filename="Grüße.pdf", content_type="application/pdf", content=b"%PDF-1"
    )
    delivery = Delivery(
        campaign=row,
        subscriber=make_subscriber(mailing_list),
        recipient="a@b.example",
        submitted_message_id="own@acme.example",
    )

    message = email.message_from_bytes(
        Layout.of(row).compose(delivery, server, NOW), policy=email.policy.default
    )

    attachment = next(message.iter_attachments())
    assert (attachment.get_filename(), attachment.get_content()) == ("Grüße.pdf", b"%PDF-1")


def test_a_built_in_tag_cannot_be_replaced_by_a_subscribers_field(server):
    message, _ = message_for(server, fields={"UNSUBSCRIBE_URL": "https://evil.example/"})

    assert "evil.example" not in str(message)


def test_a_field_cannot_start_a_header(server):
    message, _ = message_for(server, fields={"FNAME": "Ada\r\nBcc: evil@evil.example"}, subject="Hi [FNAME]")

    assert message["Bcc"] is None
    assert message["Subject"] == "Hi Ada Bcc: evil@evil.example"


def test_an_address_that_cannot_be_written_is_refused_in_words(server):
    subscriber = make_subscriber(make_list(server.customer), "not an address")

    with pytest.raises(ComposeError, match="To:"):
        message_for(server, subscriber=subscriber)

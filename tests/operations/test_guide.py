"""The guide's sections on bounce servers and monitors, followed through `provision`, a campaign and the cycle."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import Customer
from audience.models import BlacklistEntry, GroupStop, Subscriber
from bounces.models import Bounce, BounceServer
from keys.models import Token
from mailboxes.models import ProcessedMessage
from monitors.models import MonitorHit
from servers.models import DeliveryServer

# Section 7: a bounce server beside a delivery server, on the same mailbox; another that stands alone, locked, on a
# system key and without a customer. Section 8: a customer's monitor with several conditions and all its actions, in a
# mailbox of the other provider, and one of the backend for a customer.
GUIDE = """
settings: {{customer_keys_enabled: true, customer_blacklist_is_global: true}}
customers:
  - {{uid: acme, name: Acme Ltd, timezone: Europe/Berlin}}
keys:
  - uid: key-ms
    customer: acme
    provider: microsoft
    name: Acme
    credentials: {{tenant_id: "${{TENANT}}", client_id: "${{CLIENT}}", client_secret: "${{SECRET}}"}}
  - {{uid: key-google, provider: google, name: Shared, credentials: {{service_account_json: "${{ACCOUNT}}"}}}}
delivery_servers:
  - {{uid: ds, customer: acme, name: News, type: {type}, email: {news}, key: {key}}}
bounce_servers:
  - {{uid: bs, customer: acme, name: Beside, provider: {provider}, email: {news}, key: {key}}}
  - {{uid: bs-alone, name: Alone, provider: google, email: bounces@platform.example, key: key-google, locked: true}}
lists:
  - uid: list
    customer: acme
    name: Customers
    subscribers: [{subscribers}]
  - {{uid: others, customer: acme, name: Others, subscribers: []}}
campaign_groups:
  - {{uid: weekly, customer: acme, name: Weekly}}
monitors:
  - uid: mon
    customer: acme
    name: Replies
    provider: {provider}
    email: {news}
    key: {key}
    identify_by: uid_or_email
    delete_processed: true
    conditions:
      - {{match: contains, value: "take * off", action: unsubscribe}}
      - {{match: contains, value: "never write", action: blacklist}}
      - {{match: contains, value: "not sure", action: unconfirm}}
      - {{match: contains, value: "delete me", action: delete}}
      - {{match: contains, value: "colleague", action: move_to_list, target_list: others}}
      - {{match: contains, value: "also", action: copy_to_list, target_list: others}}
      - {{where: body, match: equals, value: "STOP", match_case: true, action: stop_campaign_group,
         target_group: weekly}}
  - uid: mon-backend
    customer: acme
    name: Backend
    provider: google
    email: letters@platform.example
    key: key-google
    identify_by: email
    processed_folder: Handled
    conditions:
      - {{value: "*", action: unsubscribe}}
campaigns:
  - uid: news
    customer: acme
    name: November news
    list: list
    group: weekly
    delivery_servers: [ds]
    subject: Hello
    html: "<p>Hello. <a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>"
    plain: "Hello. Unsubscribe: [UNSUBSCRIBE_URL]"
    status: ready
"""
# Local part → what the subscriber is after the cycle. The sandbox answers each address as its name says.
READERS = {
    "unknown-user": "blacklisted",  # Hard Bounce
    "mailbox-full": "confirmed",  # Soft Bounce: logged for review
    "complaint": "unsubscribed",  # Feedback Loop
    "blocked": "confirmed",  # Internal Bounce or soft: logged for review
    "reply-take-me-off-your-list": "unsubscribed",
    "reply-never-write-again": "blacklisted",
    "reply-i-am-not-sure": "unconfirmed",
    "reply-delete-me": "gone",
    "reply-ask-my-colleague": "moved",
    "reply-send-it-there-also": "confirmed",
    "reply-STOP": "confirmed",
    "reply-thank-you": "confirmed",
    "vacation": "confirmed",  # automatic: left out
    "writes-elsewhere": "unsubscribed",  # by the backend's monitor
}
PROVIDERS = {
    "microsoft": {"type": "microsoft-graph-api", "key": "key-ms", "news": "news@acme.example"},
    "google": {"type": "gmail-api", "key": "key-google", "news": "news@acme.example"},
}


def address(name: str) -> str:
    return f"{name}@receiver.example"


@pytest.fixture(params=sorted(PROVIDERS))
def followed(request, db, sandbox_world, variables, tmp_path: Path):
    """Everything of both sections done, a campaign sent, its answers arrived and two cycles run."""
    provider = request.param
    sandbox_world.add_mailbox(provider, "news@acme.example", "Acme News")
    for name in ("bounces", "letters"):
        sandbox_world.add_mailbox("google", f"{name}@platform.example")
    subscribers = ", ".join(
        f"{{uid: sub-{number}, email: {address(name)}, status: confirmed}}"
        for number, name in enumerate(READERS)
    )
    path = tmp_path / "guide.yaml"
    path.write_text(GUIDE.format(provider=provider, subscribers=subscribers, **PROVIDERS[provider]))
    out = StringIO()
    call_command("provision", str(path), stdout=out)
    assert out.getvalue().count("  connected") == 5
    call_command("api_connect_cron", "--no-fast", stdout=StringIO())
    call_command("send_campaign", "news", stdout=StringIO())
    sandbox_world.advance(5)
    letter = f"From: {address('writes-elsewhere')}\r\nTo: letters@platform.example\r\nSubject: Hi\r\n\r\nHello.\r\n"
    sandbox_world.deliver(letter.encode(), "letters@platform.example")
    sandbox_world.advance(5)
    for _ in range(2):
        call_command("api_connect_cron", "--no-fast", stdout=StringIO())
    return sandbox_world


def standing() -> dict[str, str]:
    found = {
        row.email.partition("@")[0]: row.status
        for row in Subscriber.objects.filter(list__uid="list").select_related("list")
    }
    return {name: found.get(name, "gone") for name in READERS}


def test_every_step_of_both_sections_comes_to_what_the_guide_says(followed):
    assert standing() == READERS
    types = dict(Bounce.objects.exclude(is_delay=True).values_list("recipient", "type"))
    assert types[address("unknown-user")] == "hard"
    assert types[address("mailbox-full")] == "soft"
    assert types[address("complaint")] == "complaint"
    assert set(Bounce.objects.values_list("campaign__name", flat=True)) == {"November news"}
    # Shared by email and provider: one token for sending, bounces and replies.
    assert Token.objects.filter(email_key="news@acme.example", customer__uid="acme").count() == 1
    assert BlacklistEntry.objects.filter(customer=None).count() == 2
    assert set(Subscriber.objects.filter(list__uid="others").values_list("email", flat=True)) == {
        address("reply-ask-my-colleague"),
        address("reply-send-it-there-also"),
    }
    assert GroupStop.objects.get().subscriber.email == address("reply-STOP")
    assert MonitorHit.objects.filter(changed=True).count() == 8
    # A locked server runs all the same.
    alone = BounceServer.objects.get(uid="bs-alone")
    assert (alone.locked, alone.is_active, alone.mailbox.sync_state) == (True, True, "valid")
    assert DeliveryServer.objects.get().is_active
    assert not ProcessedMessage.objects.exclude(state="done").exists()


def test_processed_mail_goes_and_everything_else_stays_as_it_was(followed):
    news = followed.mailbox("news@acme.example")
    left = {
        (message.digest.sender[1], message.is_read)
        for message in news.all_messages()
        if news.place_of(message) in ("inbox", "junk")
    }
    assert left == {(address("reply-thank-you"), False), (address("vacation"), False)}
    letters = followed.mailbox("letters@platform.example")
    assert [letters.place_of(message) for message in letters.all_messages()] == ["Handled"]
    assert followed.ledger.sent_twice() == {}
    assert Customer.objects.count() == 1

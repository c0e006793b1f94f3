"""A mailbox's sync history as a customer sees it: matched, unmatched and readings, searched, paged and exported."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mailboxes.models import MessageMatch, ProcessedMessage, SyncRun
from tests import factories
from tests.portal.conftest import sign_in

READS = [{"name": "read", "state": "passed"}]


def prove(server) -> None:
    """What a passed connection test and a reading leave: the steps, and a token of the server's own key."""
    server.steps, server.created_at = READS, timezone.now() - timedelta(days=1)
    server.save()
    factories.make_token(server.api_key, server.email, server.customer)


def add_unmatched(mailbox, count: int = 1, **fields) -> ProcessedMessage:
    number = factories.number()
    for place in range(count):
        row = ProcessedMessage.objects.create(
            **{
                "mailbox": mailbox,
                "purpose": "bounces",
                "provider_message_id": f"u{number}-{place}",
                "sender": "hal@receiver.example",
                "subject": f"Nice {place:03}",
                "received_at": timezone.now(),
                "state": "done",
                "unmatched": "no bounce or complaint",
                **fields,
            }
        )
    return row


@pytest.fixture
def mailbox(acme):
    prove(acme.rows["bounce-servers"])
    return acme.rows["mailboxes"]


def page(client, mailbox, tab: str = "unmatched", query: str = "") -> str:
    response = client.get(reverse(f"mailboxes-{tab}", args=[mailbox.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_who_wrote_what_when_and_why_it_is_nobodys(mailbox, owner):
    add_unmatched(mailbox, subject="<b>Bold</b>", raw=b"the text of the mail")
    text = page(owner, mailbox)
    assert "hal@receiver.example" in text
    assert "&lt;b&gt;Bold&lt;/b&gt;" in text
    assert "Bounces: no bounce or complaint" in text
    assert "the text of the mail" not in text


def test_a_viewer_may_look_too(mailbox, viewer):
    add_unmatched(mailbox)
    assert "Nice 000" in page(viewer, mailbox)


def test_it_is_narrowed_by_purpose_day_and_words_in_the_url(mailbox, owner):
    add_unmatched(mailbox, subject="Old news", received_at=timezone.now() - timedelta(days=9))
    add_unmatched(mailbox, subject="New letter")
    today = timezone.localdate()
    assert "Old news" not in page(owner, mailbox, query=f"?received_at_since={today - timedelta(days=2)}")
    assert "New letter" not in page(owner, mailbox, query=f"?received_at_until={today - timedelta(days=2)}")
    assert "Old news" not in page(owner, mailbox, query="?q=letter")
    assert "New letter" in page(owner, mailbox, query="?purpose=bounces&q=letter")
    assert "Nothing matches" in page(owner, mailbox, query="?purpose=monitors")
    assert "Nothing matches" in page(owner, mailbox, query="?purpose=forged")


def test_it_is_paged_by_key_with_the_filters_kept(mailbox, owner):
    last = add_unmatched(mailbox, 30)
    text = page(owner, mailbox, query="?q=Nice")
    assert "Nice 029" in text
    assert "Nice 004" not in text
    older = f"?q=Nice&amp;before={last.pk - 24}"
    assert older in text
    assert "Nice 004" in page(owner, mailbox, query=older.replace("&amp;", "&"))


def test_it_takes_the_same_number_of_queries_however_many_there_are(mailbox, owner):
    counts = []
    for more in (1, 20):
        add_unmatched(mailbox, more)
        with CaptureQueriesContext(connection) as queries:
            page(owner, mailbox)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_both_lists_are_exported_as_no_spreadsheet_runs_them(mailbox, acme, owner):
    add_unmatched(mailbox, subject="=1+1")
    match = MessageMatch.objects.get(customer=acme.customer)
    ProcessedMessage.objects.filter(pk=match.message_id).update(subject="=2+2")
    for name, formula in (("unmatched", "'=1+1"), ("matched", "'=2+2")):
        response = owner.get(reverse(f"mailboxes-{name}-export", args=[mailbox.pk]))
        assert formula in response.content.decode()
        assert response["Content-Disposition"].startswith("attachment")


def test_who_shares_the_mailbox_by_a_platform_key_sees_and_exports_nothing_unmatched(mailbox, rival):
    shared = factories.make_bounce_server(
        rival.customer, email=mailbox.email, api_key=factories.make_key(None)
    )
    prove(shared)
    add_unmatched(mailbox)
    client = sign_in(rival.owner)
    assert "Not shown here" in page(client, mailbox)
    assert "Nice 000" not in page(client, mailbox)
    text = client.get(reverse("mailboxes-unmatched-export", args=[mailbox.pk])).content.decode()
    assert "Nice 000" not in text


def test_naming_an_address_opens_no_page_of_its_mailbox(mailbox, rival):
    factories.make_bounce_server(rival.customer, email=mailbox.email, connected_at=None, steps=READS)
    client = sign_in(rival.owner)
    for tab in ("edit", "unmatched", "readings", "matched-export", "unmatched-export"):
        assert client.get(reverse(f"mailboxes-{tab}", args=[mailbox.pk])).status_code == 404


def test_each_sees_own_matches_only_in_a_shared_mailbox(mailbox, acme, rival, owner):
    theirs = factories.make_bounce_server(rival.customer, email=mailbox.email, api_key=rival.rows["api-keys"])
    prove(theirs)
    message = ProcessedMessage.objects.create(
        mailbox=mailbox, purpose="bounces", provider_message_id="theirs", subject="Rival's news"
    )
    MessageMatch.objects.create(message=message, customer=rival.customer, summary="hard bounce")
    assert "Rival" not in page(owner, mailbox, "edit")
    assert "Rival" not in page(owner, mailbox, "unmatched")
    assert "Rival" in page(sign_in(rival.owner), mailbox, "edit").replace(rival.customer.name, "", 1)


def test_readings_are_hidden_while_others_share_and_where_others_mail_was_in_them(
    mailbox, acme, rival, owner
):
    own = SyncRun.objects.create(mailbox=mailbox, purpose="bounces", listed=4711)
    both = SyncRun.objects.create(mailbox=mailbox, purpose="bounces", listed=1147)
    message = ProcessedMessage.objects.create(
        mailbox=mailbox, purpose="bounces", provider_message_id="theirs", run=both
    )
    MessageMatch.objects.create(message=message, customer=rival.customer, summary="hard bounce")
    text = page(owner, mailbox, "readings")
    assert f"{own.listed:,}" in text
    assert f"{both.listed:,}" not in text
    factories.make_bounce_server(rival.customer, email=mailbox.email, api_key=rival.rows["api-keys"])
    assert f"{own.listed:,}" not in page(owner, mailbox, "readings")

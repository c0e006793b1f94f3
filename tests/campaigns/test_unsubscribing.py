"""The links of a message: no login, nothing to guess, nothing changed by a GET."""

from __future__ import annotations

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from audience.models import Change
from campaigns import links
from campaigns.links import find_subscriber_uid, track, unsubscribe_url
from campaigns.models import TrackedLink
from tests.factories import make_campaign, make_customer, make_list, make_subscriber


@pytest.fixture
def ada(db):
    return make_subscriber(make_list(make_customer(), name="Readers"), "ada@receiver.example")


@pytest.fixture
def campaign(ada):
    return make_campaign(ada.list, name="November news")


@pytest.fixture
def visitor():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def path(ada, campaign, settings):
    return unsubscribe_url(ada.pk, campaign.pk).removeprefix(settings.SITE_URL)


def test_looking_at_the_page_changes_nothing(visitor, path, ada):
    response = visitor.get(path)

    ada.refresh_from_db()
    assert ada.status == "confirmed"
    assert "ada@receiver.example" in response.content.decode()
    assert "Readers" in response.content.decode()


def test_the_button_unsubscribes_and_the_journal_says_why(visitor, path, ada, campaign):
    response = visitor.post(path)

    ada.refresh_from_db()
    change = Change.objects.get(action="unsubscribe")
    assert response.status_code == 200
    assert ada.status == "unsubscribed"
    assert (change.cause_kind, change.cause_id) == ("subscriber", campaign.uid)
    assert change.cause_text == "Unsubscribe link of “November news”"


def test_a_mail_program_unsubscribes_with_one_click(visitor, path, ada):
    body = "List-Unsubscribe=One-Click"
    response = visitor.post(path, body, content_type="application/x-www-form-urlencoded")

    ada.refresh_from_db()
    assert response.status_code == 200
    assert ada.status == "unsubscribed"
    assert Change.objects.get(action="unsubscribe").cause_text.startswith("One-click")


def test_unsubscribing_twice_is_one_change(visitor, path):
    visitor.post(path)
    assert visitor.post(path).status_code == 200

    assert Change.objects.filter(action="unsubscribe").count() == 1


@pytest.mark.parametrize("spoil", [lambda ticket: ticket[:-1], lambda ticket: "1" + ticket, lambda _: "1-1"])
def test_a_link_cannot_be_guessed(visitor, path, ada, spoil):
    ticket = path.strip("/").removeprefix("u/")

    response = visitor.post(reverse("unsubscribe", args=[spoil(ticket)]))

    ada.refresh_from_db()
    assert response.status_code == 404
    assert ada.status == "confirmed"


def test_a_deleted_subscribers_link_still_answers_kindly(visitor, path, ada):
    ada.delete()

    assert visitor.get(path).status_code == 200
    assert visitor.post(path).status_code == 200


def test_another_method_is_refused(visitor, path):
    assert visitor.put(path).status_code == 405


def test_a_tracked_link_leads_to_the_stored_address_and_counts(visitor, campaign, ada):
    html, _ = track(campaign, '<a href="https://shop.example/a?b=1&amp;c=2">Shop</a>', "")
    link = TrackedLink.objects.get()

    response = visitor.get(reverse("tracked-link", args=[link.code, ada.uid]))

    link.refresh_from_db()
    assert link.code in html
    assert (response.status_code, response.url) == (302, "https://shop.example/a?b=1&c=2")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert link.clicks == 1


def test_the_redirect_leads_nowhere_else(visitor, ada, campaign):
    track(campaign, "", "See https://shop.example/")
    code = TrackedLink.objects.get().code

    assert visitor.get(reverse("tracked-link", args=["no-such-code", ada.uid])).status_code == 404
    path = reverse("tracked-link", args=[code, "https:%2F%2Fevil.example"])
    assert visitor.get(path + "?url=https://evil.example").url == "https://shop.example/"


def test_a_link_is_stored_once_and_keeps_its_code(campaign):
    html = '<a href="https://shop.example/">1</a> <a href="https://shop.example/">2</a>'

    first, second = track(campaign, html, "https://shop.example/"), track(campaign, html, "")

    assert TrackedLink.objects.count() == 1
    assert first[0] == second[0]


def test_links_with_tags_and_our_own_links_stay_as_they_are(campaign, settings):
    html = f'<a href="https://shop.example/?u=[SUBSCRIBER_UID]">1</a><a href="{settings.SITE_URL}/x/">2</a>'

    assert track(campaign, html, "")[0] == html


def test_a_reply_that_quotes_a_link_names_its_subscriber(campaign, settings):
    _, plain = track(campaign, "", "See https://shop.example/ today")
    quoted = "> " + plain.replace("[LINK_UID]", "sub%2F0001")

    assert find_subscriber_uid(f"No thanks!\n{quoted}") == "sub/0001"
    assert find_subscriber_uid("See https://elsewhere.example/c/code/uid/") == ""


def test_a_link_of_mail_that_is_out_opens_after_the_signing_key_was_replaced(settings, monkeypatch):
    """With the old one among the fallbacks; without it, as after a leak, it opens nothing."""
    ticket = links._signer.sign("7-3")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-signing-key-of-some-length-0123456789"
    for fallbacks, ids in (([old], (7, 3)), ([], None)):
        settings.SECRET_KEY_FALLBACKS = fallbacks
        monkeypatch.setattr(links, "_signer", signing.Signer(salt="campaigns.unsubscribe"))
        assert links.read_ticket(ticket) == ids

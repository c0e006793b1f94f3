"""Lists, subscribers, blacklist and journal: every change has its cause, and can be undone from its page."""

from __future__ import annotations

from django.urls import reverse

from audience.models import BlacklistEntry, Change, MailingList, Subscriber
from tests import factories


def test_a_subscriber_is_added_by_a_person(acme, owner):
    data = {
        "list": acme.rows["lists"].pk,
        "email": "Ada@Receiver.example",
        "status": "confirmed",
        "fields_text": "fname: Ada\nCITY: London",
    }
    owner.post(reverse("subscribers-create"), data)
    ada = Subscriber.objects.get(email_key="ada@receiver.example")
    assert ada.fields == {"FNAME": "Ada", "CITY": "London"}
    assert ada.changes.get().actor == acme.owner


def test_an_address_that_is_there_already_is_refused(acme, owner):
    there = acme.rows["subscribers"]
    data = {"list": there.list_id, "email": there.email.upper(), "status": "confirmed"}
    page = owner.post(reverse("subscribers-create"), data).content.decode()
    assert "on the list already" in page
    assert Subscriber.objects.filter(email_key=there.email_key).count() == 1


def test_a_line_that_is_no_value_is_named(acme, owner):
    data = {
        "list": acme.rows["lists"].pk,
        "email": "a@b.example",
        "status": "confirmed",
        "fields_text": "A: b\nno",
    }
    assert "Line 2 cannot be read" in owner.post(reverse("subscribers-create"), data).content.decode()


def test_a_verb_is_journalled_explained_and_undone(acme, owner):
    subscriber = acme.rows["subscribers"]
    page = reverse("subscribers-edit", args=[subscriber.pk])
    owner.post(reverse("subscribers-status", args=[subscriber.pk]), {"verb": "unsubscribe"})
    subscriber.refresh_from_db()
    assert subscriber.status == "unsubscribed"
    shown = owner.get(page).content.decode()
    assert "Unsubscribed on" in shown
    assert acme.owner.email in shown
    change = subscriber.changes.latest("pk")
    response = owner.post(reverse("journal-undo", args=[change.pk]))
    assert response.url == page
    subscriber.refresh_from_db()
    assert subscriber.status == "confirmed"


def test_a_bulk_verb_is_one_batch_and_says_whom_it_left_alone(acme, owner):
    first, second = (
        acme.rows["subscribers"],
        factories.make_subscriber(acme.rows["lists"], status="unsubscribed"),
    )
    data = {"action": "unsubscribe", "rows": [first.pk, second.pk], "confirmed": "1"}
    page = owner.post(reverse("subscribers-bulk"), data, follow=True).content.decode()
    assert "Unsubscribe: 1 changed." in page
    assert f"{second.email}: already unsubscribed." in page


def test_an_own_entry_can_be_lifted_and_a_shared_one_cannot(acme, owner):
    subscriber = acme.rows["subscribers"]
    shared = BlacklistEntry.objects.create(email=subscriber.email, reason="a bounce at Rival")
    page = owner.get(reverse("blacklist")).content.decode()
    assert "Blacklisted by the platform" in page
    assert "Rival" not in page
    assert owner.post(reverse("blacklist-delete", args=[shared.pk]), {"confirmed": "1"}).status_code == 403
    both = [shared.pk, acme.rows["blacklist"].pk]
    data = {"action": "lift-from-the-blacklist", "rows": both, "confirmed": "1"}
    owner.post(reverse("blacklist-bulk"), data)
    assert list(BlacklistEntry.objects.all()) == [shared]


def test_a_shared_entry_of_an_address_one_does_not_have_is_not_shown(acme, owner):
    BlacklistEntry.objects.create(email="someone@elsewhere.example")
    assert "someone@elsewhere.example" not in owner.get(reverse("blacklist")).content.decode()


def test_an_entry_made_by_hand_marks_the_subscriber(acme, owner):
    subscriber = acme.rows["subscribers"]
    owner.post(reverse("blacklist-create"), {"email": subscriber.email, "reason": "asked us"})
    subscriber.refresh_from_db()
    assert subscriber.is_blacklisted
    assert BlacklistEntry.objects.get(email=subscriber.email).customer == acme.customer


def test_a_list_goes_with_its_subscribers_and_the_journal_knows(acme, owner):
    mailing_list = factories.make_list(acme.customer)
    subscriber = factories.make_subscriber(mailing_list)
    page = owner.get(reverse("lists-delete", args=[mailing_list.pk])).content.decode()
    assert "1 subscribers" in page
    owner.post(reverse("lists-delete", args=[mailing_list.pk]), {"confirmed": "1"})
    assert not MailingList.objects.filter(pk=mailing_list.pk).exists()
    assert Change.objects.filter(subscriber_uid=subscriber.uid, action="delete").exists()


def test_a_list_in_use_is_kept_and_says_by_what(acme, owner):
    response = owner.post(reverse("lists-delete", args=[acme.rows["lists"].pk]), {"confirmed": "1"})
    assert acme.rows["campaigns"].name in response.content.decode()
    assert Subscriber.objects.filter(list=acme.rows["lists"]).exists()

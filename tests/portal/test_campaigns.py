"""Campaigns: written, looked at, tested, released, paused; and deliveries that a person decides about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Attachment, Attempt, Campaign
from tests import factories
from tests.portal.conftest import sign_in


def data_for(acme, **changes):
    return {
        "name": "News",
        "list": acme.rows["lists"].pk,
        "delivery_servers": [acme.rows["delivery-servers"].pk],
        "subject": "Hello [FNAME|there]",
        "html": "<p>Hello [FNAME|there] <a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>",
        "plain": "",
        "headers": "X-Campaign: november",
        **changes,
    }


def act(client, campaign, verb):
    data = {"verb": verb, "confirmed": "1"}
    return client.post(reverse("campaigns-do", args=[campaign.pk]), data, follow=True)


def test_a_campaign_is_written_and_released(acme, owner):
    owner.post(reverse("campaigns-create"), data_for(acme))
    campaign = Campaign.objects.get(name="News")
    assert campaign.status == "draft"
    assert campaign.headers == {"X-Campaign": "november"}
    assert list(campaign.delivery_servers.all()) == [acme.rows["delivery-servers"]]
    act(owner, campaign, "release")
    campaign.refresh_from_db()
    assert campaign.status == "ready"


@pytest.mark.parametrize(
    ("status", "verb", "sentence"),
    [
        ("draft", "release", "Confirmed subscribers of “{list}”: 1."),
        ("sending", "cancel", "A cancelled campaign cannot be resumed."),
    ],
)
def test_what_cannot_be_taken_back_is_asked_about_first(acme, owner, status, verb, sentence):
    owner.post(reverse("campaigns-create"), data_for(acme))
    campaign = Campaign.objects.get(name="News")
    Campaign.objects.filter(pk=campaign.pk).update(status=status)
    page = owner.post(reverse("campaigns-do", args=[campaign.pk]), {"verb": verb}).content.decode()
    assert sentence.format(list=campaign.list.name) in page
    campaign.refresh_from_db()
    assert campaign.status == status


def test_pausing_and_resuming_ask_nothing(acme, owner):
    campaign = acme.rows["campaigns"]
    Campaign.objects.filter(pk=campaign.pk).update(status="sending", started_at=timezone.now())
    for verb, status in (("pause", "paused"), ("resume", "sending")):
        owner.post(reverse("campaigns-do", args=[campaign.pk]), {"verb": verb})
        campaign.refresh_from_db()
        assert campaign.status == status


def test_what_is_missing_is_named_and_stops_the_release(acme, owner):
    campaign = acme.rows["campaigns"]
    campaign.subject = ""
    campaign.save()
    page = owner.get(reverse("campaigns-edit", args=[campaign.pk])).content.decode()
    assert "Before it can be sent" in page
    act(owner, campaign, "release")
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_one_that_is_sending_is_paused_before_it_can_be_changed(acme, owner):
    campaign = acme.rows["campaigns"]
    Campaign.objects.filter(pk=campaign.pk).update(status="sending", started_at=timezone.now())
    url = reverse("campaigns-edit", args=[campaign.pk])
    assert owner.post(url, data_for(acme)).status_code == 403
    page = act(owner, campaign, "pause").content.decode()
    assert "is now paused" in page
    owner.post(url, data_for(acme, name="Better"))
    act(owner, campaign, "resume")
    campaign.refresh_from_db()
    assert (campaign.name, campaign.status) == ("Better", "sending")


def test_a_paused_campaign_cannot_be_saved_wrong(acme, owner):
    campaign = acme.rows["campaigns"]
    Campaign.objects.filter(pk=campaign.pk).update(status="paused")
    page = owner.post(
        reverse("campaigns-edit", args=[campaign.pk]), data_for(acme, html="no way out", plain="")
    ).content.decode()
    assert "UNSUBSCRIBE_URL" in page
    campaign.refresh_from_db()
    assert campaign.name != "News"


def test_a_time_that_has_passed_is_refused(acme, owner):
    then = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert (
        "That time has passed"
        in owner.post(reverse("campaigns-create"), data_for(acme, scheduled_at=then)).content.decode()
    )


def test_a_schedule_is_read_in_the_customers_time_zone(acme, owner):
    acme.customer.timezone = "Asia/Tokyo"
    acme.customer.save()
    owner.post(reverse("campaigns-create"), data_for(acme, scheduled_at="2099-01-01T09:00"))
    assert Campaign.objects.get(name="News").scheduled_at.isoformat() == "2099-01-01T00:00:00+00:00"


def test_progress_updates_itself_only_while_something_moves(acme, owner):
    campaign = acme.rows["campaigns"]
    url = reverse("campaigns-progress", args=[campaign.pk])
    assert "hx-trigger" not in owner.get(url).content.decode()
    Campaign.objects.filter(pk=campaign.pk).update(status="sending")
    assert 'hx-trigger="every 5s"' in owner.get(url).content.decode()
    for status in ("paused", "sent", "cancelled"):
        Campaign.objects.filter(pk=campaign.pk).update(status=status)
        assert "hx-trigger" not in owner.get(url).content.decode(), status


def test_a_campaign_whose_time_has_not_come_is_looked_at_once_a_minute(acme, owner):
    campaign = acme.rows["campaigns"]
    url = reverse("campaigns-progress", args=[campaign.pk])
    for after, every in ((timedelta(days=7), 60), (-timedelta(seconds=1), 5)):
        Campaign.objects.filter(pk=campaign.pk).update(status="ready", scheduled_at=timezone.now() + after)
        assert f'hx-trigger="every {every}s"' in owner.get(url).content.decode()


def test_a_campaign_that_has_sent_stays_in_the_log(acme, owner):
    campaign = acme.rows["campaigns"]
    page = owner.post(reverse("campaigns-delete", args=[campaign.pk]), {"confirmed": "1"}).content.decode()
    assert "stay in the log" in page
    assert Campaign.objects.filter(pk=campaign.pk).exists()


@pytest.mark.parametrize(
    ("status", "verb"), [("unknown", "release"), ("failed", "retry"), ("deferred", "cancel")]
)
def test_a_person_decides_about_a_delivery(acme, owner, status, verb):
    delivery = acme.rows["deliveries"]
    delivery.status = status
    delivery.save()
    Attempt.objects.create(
        delivery=delivery,
        deadline=timezone.now(),
        outcome="unknown",
        request_id="req-77",
        detail="Answer lost.",
    )
    page = owner.get(reverse("deliveries-edit", args=[delivery.pk])).content.decode()
    assert f"<title>{delivery.recipient} · API Connect</title>" in page
    assert f'value="{verb}"' in page
    assert "req-77" in page
    asked = owner.post(reverse("deliveries-do", args=[delivery.pk]), {"verb": verb}).content.decode()
    if verb == "release":
        assert "if it was, it arrives twice" in asked
        delivery.refresh_from_db()
        assert delivery.status == status
        owner.post(reverse("deliveries-do", args=[delivery.pk]), {"verb": verb, "confirmed": "1"})
    delivery.refresh_from_db()
    assert delivery.status == ("failed" if verb == "cancel" else "queued")


def test_a_bulk_verb_that_does_not_fit_changes_nothing(acme, owner):
    delivery, other = acme.rows["deliveries"], factories.make_subscriber(acme.rows["lists"])
    failed = factories.make_delivery(acme.rows["campaigns"], other, status="failed")
    data = {"action": "try-again", "rows": [delivery.pk, failed.pk], "confirmed": "1"}
    page = owner.post(reverse("deliveries-bulk"), data).content.decode()
    assert "Only a failed or delayed message can be tried again" in page
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_a_test_message_goes_out_over_the_provider(acme, owner, sandbox_world):
    server = acme.rows["delivery-servers"]
    sandbox_world.add_mailbox("microsoft", server.email)
    campaign = acme.rows["campaigns"]
    url = reverse("campaigns-test", args=[campaign.pk])
    page = owner.post(url, {"address": "me@acme.example"}, follow=True).content.decode()
    assert f"through “{server.name}”" in page
    wrong = owner.post(url, {"address": "nobody"}, follow=True).content.decode()
    assert "Write the address" in wrong


def test_a_file_is_attached_and_taken_away(acme, owner):
    campaign = acme.rows["campaigns"]
    url = reverse("campaigns-files", args=[campaign.pk])
    owner.post(url, {"file": SimpleUploadedFile("../price list.pdf", b"%PDF", "application/pdf")})
    attachment = campaign.attachments.get()
    assert (attachment.filename, bytes(attachment.content)) == ("price list.pdf", b"%PDF")
    assert "price list.pdf" in owner.get(reverse("campaigns-edit", args=[campaign.pk])).content.decode()
    owner.post(url, {"remove": attachment.pk})
    assert not campaign.attachments.exists()


def test_a_file_that_no_receiver_takes_is_refused(acme, owner, monkeypatch):
    campaign = acme.rows["campaigns"]
    url = reverse("campaigns-files", args=[campaign.pk])
    program = owner.post(url, {"file": SimpleUploadedFile("run.EXE", b"MZ")}, follow=True).content.decode()
    assert "refuse files like" in program
    monkeypatch.setattr("campaigns.attaching.MOST_BYTES", 3)
    large = owner.post(url, {"file": SimpleUploadedFile("a.txt", b"1234")}, follow=True).content.decode()
    assert "larger than" in large
    assert not campaign.attachments.exists()


def test_another_campaigns_file_cannot_be_taken_away(acme, rival, owner):
    theirs = Attachment.objects.create(campaign=rival.rows["campaigns"], filename="a", content=b"a")
    url = reverse("campaigns-files", args=[acme.rows["campaigns"].pk])
    assert owner.post(url, {"remove": theirs.pk}).status_code == 404
    assert Attachment.objects.filter(pk=theirs.pk).exists()


def test_nothing_is_attached_to_a_campaign_that_is_sending(acme, owner):
    campaign = acme.rows["campaigns"]
    Campaign.objects.filter(pk=campaign.pk).update(status="sending")
    response = owner.post(
        reverse("campaigns-files", args=[campaign.pk]), {"file": SimpleUploadedFile("a.txt", b"1")}
    )
    assert response.status_code == 403
    assert not campaign.attachments.exists()


def test_a_form_says_where_there_is_nothing_to_choose_yet(system):
    newcomer = sign_in(factories.make_user(factories.make_customer("New")))
    page = newcomer.get(reverse("campaigns-create")).content.decode()
    assert page.count("You have none to choose yet") == 2
    assert f'<a href="{reverse("lists-create")}">make one first</a>' in page
    assert f'<a href="{reverse("delivery-servers-create")}">make one first</a>' in page

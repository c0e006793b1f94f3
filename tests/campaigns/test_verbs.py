"""What people do with campaigns and deliveries: allowed or refused in words, and always audited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEntry
from campaigns import bells, verbs
from campaigns.models import Campaign
from tests.campaigns.conftest import only_delivery, statuses
from tests.factories import make_user


@pytest.fixture
def rung(monkeypatch, django_capture_on_commit_callbacks):
    found: list[int] = []
    monkeypatch.setattr(bells, "ring_campaign", found.append)
    monkeypatch.setattr(bells, "ring_mailbox", lambda pk: None)
    return found


@pytest.fixture
def owner(stage):
    return make_user(stage.acme, email="owner@acme.example")


@pytest.fixture
def campaign(stage, rung):
    return stage.make_campaign(stage.add_server("google"), subscribers=3, status="draft")


def by(owner, stage):
    return {"actor": owner, "now": stage.now}


def test_a_draft_is_marked_ready_and_the_workers_are_rung(
    stage, campaign, owner, rung, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        verbs.mark_ready(campaign, **by(owner, stage))

    assert campaign.status == "ready"
    assert rung == [campaign.pk]
    entry = AuditEntry.objects.get(action="campaign marked ready")
    assert (entry.actor, entry.before, entry.after) == (owner, {"status": "draft"}, {"status": "ready"})


def test_a_draft_with_problems_stays_a_draft_and_says_all_of_them(stage, campaign, owner):
    campaign.subject, campaign.html = "", "<p>Hello</p>"
    campaign.save()

    with pytest.raises(ValidationError) as refusal:
        verbs.mark_ready(campaign, **by(owner, stage))

    assert len(refusal.value.messages) == 2
    campaign.refresh_from_db()
    assert campaign.status == "draft"
    assert not AuditEntry.objects.exists()


def test_a_scheduled_campaign_waits_for_its_time(stage, campaign, owner):
    verbs.schedule(campaign, stage.now + timedelta(hours=1), **by(owner, stage))
    verbs.mark_ready(campaign, **by(owner, stage))

    assert stage.run(campaign).sent == 0
    assert stage.run(campaign, after_seconds=3601).sent == 3


def test_a_past_time_is_refused(stage, campaign, owner):
    with pytest.raises(ValidationError, match="has passed"):
        verbs.schedule(campaign, stage.now, **by(owner, stage))


def test_a_paused_campaign_sends_nothing_until_it_is_resumed(stage, campaign, owner):
    verbs.mark_ready(campaign, **by(owner, stage))
    verbs.pause(campaign, **by(owner, stage))

    assert stage.run(campaign).sent == 0
    assert campaign.pause_reason == "Paused by owner@acme.example."
    verbs.resume(campaign, **by(owner, stage))
    assert stage.run(campaign).sent == 3


def test_a_cancelled_campaign_sends_nothing_more_and_keeps_what_was_sent(stage, campaign, owner):
    server = campaign.delivery_servers.get()
    server.hourly_quota = 1
    server.save()
    verbs.mark_ready(campaign, **by(owner, stage))
    stage.run(campaign)

    verbs.cancel(campaign, **by(owner, stage))

    assert stage.run(campaign, after_seconds=7200).sent == 1
    assert statuses(campaign) == {"sent": 1, "skipped": 2}
    with pytest.raises(ValidationError, match="has ended already"):
        verbs.cancel(campaign, **by(owner, stage))


@pytest.mark.parametrize(
    ("verb", "status"),
    [(verbs.mark_ready, "sent"), (verbs.pause, "draft"), (verbs.resume, "sending"), (verbs.cancel, "sent")],
)
def test_a_verb_that_does_not_fit_the_status_is_refused(stage, campaign, owner, verb, status):
    Campaign.objects.update(status=status)

    with pytest.raises(ValidationError, match=campaign.name):
        verb(campaign, **by(owner, stage))
    assert not AuditEntry.objects.exists()


def lose_the_answer(stage, campaign, owner):
    verbs.mark_ready(campaign, **by(owner, stage))
    campaign.list.subscribers.exclude(pk=campaign.list.subscribers.first().pk).delete()
    stage.world.fault("reset", "gmail.messages.send", when="before")
    stage.run_at(0, campaign)


def test_an_unknown_outcome_is_released_only_when_nothing_more_is_looked_for(stage, campaign, owner):
    lose_the_answer(stage, campaign, owner)
    with pytest.raises(ValidationError, match="still being looked for"):
        verbs.release_delivery(only_delivery(campaign), **by(owner, stage))
    stage.run_at(70, campaign)
    stage.run_at(200, campaign)
    campaign.refresh_from_db()
    assert campaign.status == "sent", "it does not wait for a person"

    verbs.release_delivery(only_delivery(campaign), **by(owner, stage))
    stage.run(campaign)

    assert stage.tally() == [1]
    assert statuses(campaign) == {"sent": 1}
    assert AuditEntry.objects.filter(action="delivery released").exists()


def test_an_unknown_outcome_can_be_closed(stage, campaign, owner):
    lose_the_answer(stage, campaign, owner)

    verbs.cancel_delivery(only_delivery(campaign), **by(owner, stage))
    stage.run_at(200, campaign)

    delivery = only_delivery(campaign)
    assert delivery.status == "failed"
    assert delivery.error == "Cancelled by owner@acme.example. Whether it had been sent was not known."
    assert stage.tally() == []


def test_a_sent_message_can_be_neither_released_nor_tried_again(stage, campaign, owner):
    verbs.mark_ready(campaign, **by(owner, stage))
    stage.run(campaign)
    delivery = campaign.deliveries.first()

    for verb in (verbs.release_delivery, verbs.retry_delivery, verbs.cancel_delivery):
        with pytest.raises(ValidationError, match="is sent"):
            verb(delivery, **by(owner, stage))


def test_a_failed_message_is_tried_again(stage, campaign, owner):
    verbs.mark_ready(campaign, **by(owner, stage))
    stage.world.fault("status", "gmail.messages.send", status=400, code="invalidArgument")
    stage.run(campaign)
    failed = campaign.deliveries.get(status="failed")

    verbs.retry_delivery(failed, **by(owner, stage))
    stage.run(campaign)

    stage.assert_everyone_got_one(campaign)


def test_a_test_message_arrives_and_leaves_no_trace_in_the_figures(stage, campaign, owner):
    server = verbs.send_test_message(campaign, "Owner@acme.example", **by(owner, stage))

    (copy,) = stage.world.ledger.copies
    assert (copy.recipient.lower(), copy.sender) == ("owner@acme.example", server.email)
    assert campaign.deliveries.count() == 0
    assert AuditEntry.objects.get(action="test message sent").after["server"] == server.name


def test_a_test_message_to_no_address_is_refused(stage, campaign, owner):
    with pytest.raises(ValidationError):
        verbs.send_test_message(campaign, "nobody", **by(owner, stage))
    assert stage.world.ledger.copies == []


def test_a_test_message_says_why_no_server_can_send(stage, campaign, owner):
    campaign.delivery_servers.update(status="inactive")

    with pytest.raises(ValidationError, match="It is inactive"):
        verbs.send_test_message(campaign, "owner@acme.example", **by(owner, stage))


def test_a_bulk_verb_does_all_or_stops_at_the_first_refusal(stage, campaign, owner):
    class Act:
        actor, now = owner, stage.now

    other = stage.make_campaign(campaign.delivery_servers.get(), status="draft")

    assert verbs.for_each(verbs.mark_ready)(Campaign.objects.all(), Act()) == 2
    other.refresh_from_db()
    assert other.status == "ready"

"""Unknown outcomes: looked for, never repeated blindly, and left to a person where nobody can tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Campaign, Delivery
from campaigns.running import run_campaign, run_mailbox
from mailboxes.models import Mailbox
from tests.campaigns.conftest import only_delivery, statuses

SUBMIT = {"microsoft": "graph.messages.send", "google": "gmail.messages.send"}
PROVIDERS = pytest.mark.parametrize("provider", ["microsoft", "google"])
MINUTE = timedelta(minutes=1)


def trust_markers() -> None:
    """As after an accepted message that was found again."""
    Mailbox.objects.update(marker_survives=True)


def run_at(stage, campaign, now, **later):
    """The mailboxes' run at another time, of the product and of the sandbox."""
    moment = now + timedelta(**later)
    seconds = (moment - now).total_seconds()
    stage.world.clock.advance(max(0.0, seconds - getattr(stage, "passed", 0.0)))
    stage.passed = seconds
    run_campaign(campaign, moment)


@PROVIDERS
@pytest.mark.parametrize("effect", ["reset", "status", "hang"])
def test_an_answer_lost_after_acceptance_is_found_in_sent(stage, now, provider, effect):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=1)
    details = {"seconds": 60} if effect == "hang" else {}
    stage.world.fault(effect, SUBMIT[provider], when="after", **details)

    run_campaign(campaign, now)
    assert statuses(campaign) == {"unknown": 1}
    run_at(stage, campaign, now, seconds=30)
    assert statuses(campaign) == {"unknown": 1}, "not looked for before its time"
    run_at(stage, campaign, now, seconds=90)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert only_delivery(campaign).attempts.get().outcome == "settled"
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SENT


def test_an_answer_lost_before_acceptance_leaves_a_draft_that_is_then_submitted(stage, now):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.send", when="before")

    run_campaign(campaign, now)
    draft_id = only_delivery(campaign).draft_id
    run_at(stage, campaign, now, seconds=90)

    delivery = only_delivery(campaign)
    assert delivery.status == "sent"
    assert delivery.provider_message_id == draft_id
    assert stage.tally() == [1]


def test_a_message_that_never_arrived_is_sent_again_after_two_looks_where_markers_survive(stage, now):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    run_campaign(campaign, now)
    trust_markers()

    run_at(stage, campaign, now, seconds=70)
    assert (only_delivery(campaign).status, only_delivery(campaign).looks) == ("unknown", 1)
    run_at(stage, campaign, now, seconds=150)
    assert only_delivery(campaign).status == "unknown", "the second look comes 180 seconds after"
    run_at(stage, campaign, now, seconds=200)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert [attempt.outcome for attempt in only_delivery(campaign).attempts.all()] == ["absent", "accepted"]


def test_absence_counts_for_nothing_where_no_marker_was_ever_found(stage, now):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    run_campaign(campaign, now)

    for seconds in (70, 200, 900, 40_000):
        run_at(stage, campaign, now, seconds=seconds)

    delivery = only_delivery(campaign)
    assert (delivery.status, delivery.next_try_at) == ("unknown", None)
    assert "Release sends it again, Cancel closes it." in delivery.error
    assert stage.tally() == []


def test_what_waited_for_a_proof_is_settled_once_a_marker_was_found(stage, now):
    server = stage.add_server("google")
    campaign = stage.make_campaign(server, subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    run_campaign(campaign, now)
    run_at(stage, campaign, now, seconds=70)
    run_at(stage, campaign, now, seconds=200)
    assert statuses(campaign) == {"unknown": 1}

    run_at(stage, stage.make_campaign(server), now, seconds=300)
    run_at(stage, campaign, now, seconds=400)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1, 1]


def test_a_sent_copy_that_is_filed_late_is_not_sent_twice(stage, now):
    """The draft's own id tells that it was submitted, however late it is filed."""
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.configure("news-1@acme.example", sent_lag_seconds=600)
    stage.world.fault("reset", "graph.messages.send", when="after")
    run_campaign(campaign, now)
    trust_markers()

    for seconds in (70, 200, 400, 800):
        run_at(stage, campaign, now, seconds=seconds)

    assert stage.tally() == [1]
    assert statuses(campaign) == {"sent": 1}


def test_a_copy_that_is_never_filed_stays_unknown(stage, now):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.configure("news-1@acme.example", files_sent=False)
    stage.world.fault("reset", "graph.messages.send", when="after")
    run_campaign(campaign, now)
    trust_markers()

    for seconds in (70, 200, 400, 30_000):
        run_at(stage, campaign, now, seconds=seconds)

    assert stage.tally() == [1]
    assert only_delivery(campaign).status == "unknown"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_draft_whose_answer_was_lost_is_removed_and_the_message_written_anew(stage, now, when):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.create", when=when)

    run_campaign(campaign, now)
    assert stage.tally() == []
    run_at(stage, campaign, now, seconds=90)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert stage.world.mailbox("news-1@acme.example").in_folder("drafts") == []


def test_a_mailbox_that_cannot_be_searched_leaves_it_to_a_person_in_the_end(stage, now):
    server = stage.add_server()
    stage.give_scopes(server, ["Mail.Send"])
    stage.world.tenants["00000000-0000-0000-0000-0000000000a1"].apps[
        "00000000-0000-0000-0000-0000000000b1"
    ].roles = {"Mail.Send"}
    campaign = stage.make_campaign(server, subscribers=1)
    stage.world.fault("reset", "graph.sendMail", when="after")

    run_campaign(campaign, now)
    for seconds in (90, 1000, 30_000):
        run_at(stage, campaign, now, seconds=seconds)

    delivery = only_delivery(campaign)
    assert (delivery.status, delivery.next_try_at) == ("unknown", None)
    assert "Release" in delivery.error
    assert stage.tally() == [1]


def test_a_bounce_proves_that_it_was_sent(stage, now):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.send", when="after")
    run_campaign(campaign, now)

    only_delivery(campaign).record_proof_of_sending(now)
    run_mailbox(Mailbox.objects.get(), now + timedelta(minutes=10))

    assert statuses(campaign) == {"sent": 1}


def test_many_lost_answers_stop_the_run_before_more_is_put_in_doubt(stage, now):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=12)
    stage.world.fault("reset", "gmail.messages.send", when="after", times=None)

    run_campaign(campaign, now)

    found = statuses(campaign)
    assert found["unknown"] <= 5
    assert found["queued"] >= 7
    assert Delivery.objects.filter(status="sending").count() == 0

"""Unknown outcomes: looked for, never repeated blindly, and left to a person where nobody can tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Attempt, Campaign, Delivery
from campaigns.queueing import queue_up
from campaigns.running import run_mailbox
from mailboxes.models import Mailbox
from providers.google import Gmail
from tests.campaigns.conftest import only_delivery, statuses

SUBMIT = {"microsoft": "graph.messages.send", "google": "gmail.messages.send"}
PROVIDERS = pytest.mark.parametrize("provider", ["microsoft", "google"])


def trust_markers() -> None:
    """As after an accepted message that was found again."""
    Mailbox.objects.update(marker_survives=True)


@PROVIDERS
@pytest.mark.parametrize("effect", ["reset", "status", "hang"])
def test_an_answer_lost_after_acceptance_is_found_in_sent(stage, provider, effect):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=1)
    details = {"seconds": 60} if effect == "hang" else {}
    stage.world.fault(effect, SUBMIT[provider], when="after", **details)

    stage.run_at(0, campaign)
    assert statuses(campaign) == {"unknown": 1}
    stage.run_at(30, campaign)
    assert statuses(campaign) == {"unknown": 1}, "not looked for before its time"
    stage.run_at(90, campaign)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert only_delivery(campaign).attempts.get().outcome == "settled"
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SENT


def test_an_answer_lost_before_acceptance_leaves_a_draft_that_is_then_submitted(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.send", when="before")

    stage.run_at(0, campaign)
    draft_id = only_delivery(campaign).draft_id
    stage.run_at(90, campaign)

    delivery = only_delivery(campaign)
    assert delivery.status == "sent"
    assert delivery.provider_message_id == draft_id
    assert stage.tally() == [1]


def test_a_message_that_never_arrived_is_sent_again_after_two_looks_where_markers_survive(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    stage.run_at(0, campaign)
    trust_markers()

    stage.run_at(70, campaign)
    assert (only_delivery(campaign).status, only_delivery(campaign).looks) == ("unknown", 1)
    stage.run_at(150, campaign)
    assert only_delivery(campaign).status == "unknown", "the second look comes 180 seconds after"
    stage.run_at(200, campaign)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert [attempt.outcome for attempt in only_delivery(campaign).attempts.all()] == ["absent", "accepted"]


def test_absence_counts_for_nothing_where_no_marker_was_ever_found(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    stage.run_at(0, campaign)

    for seconds in (70, 200, 900, 40_000):
        stage.run_at(seconds, campaign)

    delivery = only_delivery(campaign)
    assert (delivery.status, delivery.next_try_at) == ("unknown", None)
    assert "Release sends it again, Cancel closes it." in delivery.error
    assert stage.tally() == []


def test_what_waited_for_a_proof_is_settled_once_a_marker_was_found(stage):
    server = stage.add_server("google")
    campaign = stage.make_campaign(server, subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    stage.run_at(0, campaign)
    stage.run_at(70, campaign)
    stage.run_at(200, campaign)
    assert statuses(campaign) == {"unknown": 1}

    stage.run_at(300, stage.make_campaign(server))
    stage.run_at(400, campaign)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1, 1]


def test_a_sent_copy_that_is_filed_late_is_not_sent_twice(stage):
    """The draft's own id tells that it was submitted, however late it is filed."""
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.configure("news-1@acme.example", sent_lag_seconds=600)
    stage.world.fault("reset", "graph.messages.send", when="after")
    stage.run_at(0, campaign)
    trust_markers()

    for seconds in (70, 200, 400, 800):
        stage.run_at(seconds, campaign)

    assert stage.tally() == [1]
    assert statuses(campaign) == {"sent": 1}


def test_a_copy_that_is_never_filed_stays_unknown(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.configure("news-1@acme.example", files_sent=False)
    stage.world.fault("reset", "graph.messages.send", when="after")
    stage.run_at(0, campaign)
    trust_markers()

    for seconds in (70, 200, 400, 30_000):
        stage.run_at(seconds, campaign)

    assert stage.tally() == [1]
    assert only_delivery(campaign).status == "unknown"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_draft_whose_answer_was_lost_is_removed_and_the_message_written_anew(stage, when):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.create", when=when)

    stage.run_at(0, campaign)
    assert stage.tally() == []
    stage.run_at(90, campaign)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert stage.world.mailbox("news-1@acme.example").in_folder("drafts") == []


def test_a_mailbox_that_cannot_be_searched_leaves_it_to_a_person_in_the_end(stage):
    server = stage.add_server()
    stage.give_scopes(server, ["Mail.Send"])
    stage.world.tenants["00000000-0000-0000-0000-0000000000a1"].apps[
        "00000000-0000-0000-0000-0000000000b1"
    ].roles = {"Mail.Send"}
    campaign = stage.make_campaign(server, subscribers=1)
    stage.world.fault("reset", "graph.sendMail", when="after")

    stage.run_at(0, campaign)
    for seconds in (90, 1000, 30_000):
        stage.run_at(seconds, campaign)

    delivery = only_delivery(campaign)
    assert (delivery.status, delivery.next_try_at) == ("unknown", None)
    assert "Release" in delivery.error
    assert stage.tally() == [1]


def test_hours_of_waiting_before_an_attempt_do_not_count_as_looking_for_it(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.world.fault("throttle", "gmail.messages.send", retry_after=7 * 3600)
    stage.run_at(0, campaign)
    attempted_at = 7 * 3600 + 120
    stage.world.fault("reset", "gmail.messages.send", when="after")
    stage.run_at(attempted_at, campaign)
    stage.world.fault("status", "gmail.messages.list", times=5)

    stage.run_at(attempted_at + 90, campaign)

    assert only_delivery(campaign).next_try_at is not None, "looked for again before a person is asked"
    stage.world.faults.clear()
    stage.run_at(attempted_at + 600, campaign)
    assert statuses(campaign) == {"sent": 1}


def test_it_is_looked_for_from_the_first_attempt_that_may_have_sent_it(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    began_at = stage.now
    stage.world.fault("throttle", "gmail.messages.send", retry_after=3600)
    stage.run_at(0, campaign)
    stage.world.fault("reset", "gmail.messages.send", when="before")
    trust_markers()

    for seconds in (3700, 3800, 4000):
        stage.run_at(seconds, campaign)

    delivery = only_delivery(campaign)
    assert [attempt.outcome for attempt in delivery.attempts.all()] == ["deferred", "absent", "accepted"]
    assert 3700 <= (delivery.submitted_at - began_at).total_seconds() < 3720


def test_a_mailbox_that_is_told_to_wait_while_it_looks_is_left_alone(stage):
    """A 503 may say for how long, as a throttle does."""
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=3)
    stage.world.fault("reset", "gmail.messages.send", when="after", times=3)
    stage.run_at(0, campaign)
    down = stage.world.fault("status", "gmail.messages.list", status=503, retry_after=900, times=None)

    stage.run_at(70, campaign)

    assert down.hits == 1
    assert Mailbox.objects.get().is_blocked(stage.now + timedelta(seconds=890))
    stage.world.faults.clear()
    stage.run_at(1000, campaign)
    assert statuses(campaign) == {"sent": 3}


def test_a_bounce_proves_that_it_was_sent(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.send", when="after")
    stage.run_at(0, campaign)

    only_delivery(campaign).record_proof_of_sending(stage.now)
    run_mailbox(Mailbox.objects.get(), stage.now + timedelta(minutes=10))

    assert statuses(campaign) == {"sent": 1}


@pytest.mark.parametrize("prove", ["record_bounced", "record_proof_of_sending"])
def test_a_bounce_closes_the_attempt_that_a_dead_worker_left_open(stage, prove):
    """Nobody looks for a message that is known to be out: the attempt would stay under way for ever."""
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.run_at(0, campaign)
    Attempt.objects.update(outcome="", finished_at=None)
    Delivery.objects.update(status="sending", sent_at=None)

    said = ("550 5.1.1 unknown", "5.1.1") if prove == "record_bounced" else ()
    getattr(only_delivery(campaign), prove)(*said, stage.now)

    attempt = only_delivery(campaign).attempts.get()
    assert attempt.outcome == "settled"
    assert attempt.finished_at is not None


@pytest.mark.parametrize("status", ["queued", "deferred"])
def test_a_bounce_of_what_was_to_be_sent_again_keeps_it_from_leaving_twice(stage, status):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.run_at(0, campaign)
    Delivery.objects.update(status=status, next_try_at=stage.now, sent_at=None)
    Campaign.objects.update(status="sending")

    only_delivery(campaign).record_proof_of_sending(stage.now)
    stage.run_at(60, campaign)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]


def test_nothing_proves_that_a_message_was_sent_which_was_never_tried(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1, status="sending")
    queue_up(campaign, stage.now)

    only_delivery(campaign).record_proof_of_sending(stage.now)

    assert statuses(campaign) == {"queued": 1}


def test_proof_of_sending_changes_nothing_of_what_was_closed_meanwhile(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.send", when="after")
    stage.run_at(0, campaign)
    read_before = only_delivery(campaign)
    Delivery.objects.update(status="bounced")

    read_before.record_proof_of_sending(stage.now)

    assert statuses(campaign) == {"bounced": 1}


def test_many_lost_answers_stop_the_run_before_more_is_put_in_doubt(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=12)
    stage.world.fault("reset", "gmail.messages.send", when="after", times=None)

    stage.run_at(0, campaign)

    found = statuses(campaign)
    assert found["unknown"] <= 5
    assert found["queued"] >= 7
    assert Delivery.objects.filter(status="sending").count() == 0
    assert Mailbox.objects.get().is_blocked(stage.now)


def test_a_fault_of_our_own_in_a_call_is_settled_like_a_lost_answer(stage, monkeypatch):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=3)
    submit, calls = Gmail.submit, []

    def submit_and_stumble(client, *args, **kwargs):
        receipt = submit(client, *args, **kwargs)
        calls.append(receipt)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return receipt

    monkeypatch.setattr(Gmail, "submit", submit_and_stumble)
    stage.run_at(0, campaign)
    assert statuses(campaign) == {"sent": 2, "unknown": 1}
    stage.run_at(70, campaign)

    assert statuses(campaign) == {"sent": 3}
    assert stage.tally() == [1, 1, 1]

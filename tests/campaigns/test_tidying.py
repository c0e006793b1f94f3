"""Drafts of messages that are not sent after all do not stay in the customer's mailbox."""

from __future__ import annotations

import pytest

from audience.changes import Cause, unsubscribe
from campaigns import ticking, verbs
from campaigns.running import run_mailbox
from mailboxes.models import Mailbox
from tests.campaigns.conftest import only_delivery, statuses


@pytest.fixture
def campaign(stage):
    """One message whose draft lies in a mailbox that must wait a minute before it may be submitted."""
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("throttle", "graph.messages.send", retry_after=60)
    stage.run_at(0, campaign)
    assert only_delivery(campaign).draft_id
    return campaign


def drafts(stage):
    return stage.world.mailbox("news-1@acme.example").in_folder("drafts")


def test_a_cancelled_campaigns_draft_is_removed(stage, campaign):
    verbs.cancel(campaign, actor=None, now=stage.now)
    stage.world.advance(61)
    assert list(ticking.mailboxes_with_work(stage.now)) == [Mailbox.objects.get()]

    run_mailbox(Mailbox.objects.get(), stage.now)

    assert drafts(stage) == []
    assert only_delivery(campaign).draft_id == ""
    assert list(ticking.mailboxes_with_work(stage.now)) == []
    assert stage.tally() == []


def test_the_draft_of_one_who_left_meanwhile_is_removed(stage, campaign):
    unsubscribe(stage.list.subscribers.get(), Cause("person"), stage.now)

    stage.run_at(61, campaign)

    assert statuses(campaign) == {"skipped": 1}
    assert drafts(stage) == []
    assert stage.tally() == []


def test_one_that_cannot_be_removed_now_is_removed_later(stage, campaign):
    verbs.cancel(campaign, actor=None, now=stage.now)
    stage.world.advance(61)
    stage.world.fault("throttle", "graph.messages.delete", retry_after=5)

    run_mailbox(Mailbox.objects.get(), stage.now)
    assert len(drafts(stage)) == 1
    stage.world.advance(10)
    run_mailbox(Mailbox.objects.get(), stage.now)

    assert drafts(stage) == []


def test_an_unknown_outcome_of_a_cancelled_campaign_is_found_out_and_nothing_more_is_sent(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    stage.world.fault("reset", "graph.messages.send", when="before")
    stage.run_at(0, campaign)

    verbs.cancel(campaign, actor=None, now=stage.now)
    stage.run_at(90, campaign)

    assert statuses(campaign) == {"skipped": 1}
    assert drafts(stage) == []
    assert stage.tally() == []


def test_a_mailbox_can_be_tidied_that_may_no_longer_be_changed(stage, campaign):
    verbs.cancel(campaign, actor=None, now=stage.now)
    stage.world.advance(61)
    stage.world.fault("status", "graph.messages.delete", status=403, code="ErrorAccessDenied")

    run_mailbox(Mailbox.objects.get(), stage.now)

    assert only_delivery(campaign).draft_id == "", "nobody asks for it for ever"

"""A worker that was paused past its sending lease writes nothing: another one has taken over meanwhile."""

from __future__ import annotations

import pytest

from campaigns import claiming
from campaigns.queueing import queue_up
from campaigns.running import run_mailbox
from campaigns.sending import Sender
from campaigns.settling import Settler
from mailboxes.leases import LeaseLost, claim
from mailboxes.models import Mailbox
from tests.campaigns.conftest import only_delivery, statuses


def sleep_after(monkeypatch, stage, owner, step):
    """The worker falls asleep behind `step` until somebody else has claimed its mailbox."""
    method = getattr(owner, step)

    def oversleep(*args):
        answer = method(*args)
        stage.expire_leases()
        assert claim(Mailbox.objects.get(), "sending")
        return answer

    monkeypatch.setattr(owner, step, oversleep)


def test_it_reserves_nothing(stage):
    server = stage.add_server("google", hourly_quota=5)
    campaign = stage.make_campaign(server, subscribers=2, status="sending")
    queue_up(campaign, stage.now)
    lost = claim(server.mailbox, "sending")
    stage.expire_leases()
    assert claim(server.mailbox, "sending")

    with pytest.raises(LeaseLost):
        claiming.reserve(lost, server, campaign, 2, stage.now)

    assert statuses(campaign) == {"queued": 2}
    assert not server.quota_uses.filter(used__gt=0).exists()


def test_it_writes_no_outcome_of_its_calls(stage, monkeypatch):
    server = stage.add_server("google")
    campaign = stage.make_campaign(server, subscribers=1, status="sending")
    queue_up(campaign, stage.now)
    sleep_after(monkeypatch, stage, Sender, "_await_landings")

    report = run_mailbox(server.mailbox, stage.now)

    assert report.is_busy
    assert statuses(campaign) == {"sending": 1}
    assert only_delivery(campaign).attempts.get().finished_at is None


def test_it_judges_nothing_that_it_looked_for(stage, monkeypatch):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.world.fault("reset", "gmail.messages.send", when="after")
    stage.run_at(0, campaign)
    sleep_after(monkeypatch, stage, Settler, "_look")

    stage.run_at(90, campaign)

    assert statuses(campaign) == {"unknown": 1}
    assert only_delivery(campaign).attempts.get().outcome == "unknown"

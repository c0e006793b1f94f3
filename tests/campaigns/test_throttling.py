"""Limits: obeyed exactly and per mailbox, while other mailboxes go on; delayed is never failed."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.pace import RunningClock
from campaigns.queueing import queue_up
from campaigns.running import run_mailbox
from mailboxes.leases import claim
from mailboxes.models import Mailbox
from servers import quotas
from tests.campaigns.conftest import only_delivery, statuses

SUBMIT = {"microsoft": "graph.messages.send", "google": "gmail.messages.send"}


def calls(stage) -> int:
    return sum(stage.world.calls.values())


@pytest.mark.parametrize(
    ("provider", "effect", "call"),
    [
        ("microsoft", "throttle", "graph.messages.create"),
        ("microsoft", "throttle", "graph.messages.send"),
        ("google", "throttle", "gmail.messages.send"),
        ("google", "rate-limit-403", "gmail.messages.send"),
    ],
)
def test_a_throttled_mailbox_is_left_alone_exactly_as_long_as_told(stage, provider, effect, call):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=1)
    text = f"User-rate limit exceeded.  Retry after {stage.now + timedelta(seconds=90):%Y-%m-%dT%H:%M:%SZ}"
    stage.world.fault(effect, call, retry_after=90, message=text)

    progress = stage.run_at(0, campaign)
    until = Mailbox.objects.get().blocked_until
    made = calls(stage)

    assert abs((until - stage.now).total_seconds() - 90) < 2
    assert (only_delivery(campaign).status, only_delivery(campaign).next_try_at) == ("deferred", until)
    assert (progress.deferred, progress.failed, progress.delayed_until) == (1, 0, until)
    stage.run_at(80, campaign)
    assert calls(stage) == made, "a call before its time counts against the same limit"
    stage.run_at(93, campaign)
    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]


def test_others_go_on_while_one_mailbox_waits(stage):
    throttled, other = stage.add_server("google"), stage.add_server("google")
    campaign = stage.make_campaign(throttled, other, subscribers=12)
    stage.world.fault("throttle", "gmail.messages.send", mailbox=throttled.email, retry_after=600, hold=True)

    stage.run(campaign)

    assert statuses(campaign) == {"sent": 12}
    assert {copy.sender for copy in stage.world.ledger.copies} == {other.email}
    assert Mailbox.objects.get(email=throttled.email).is_blocked(stage.now)


def test_a_throttled_mailbox_gives_back_what_it_had_reserved(stage):
    server = stage.add_server("google", hourly_quota=50)
    campaign = stage.make_campaign(server, subscribers=10)
    stage.world.fault("throttle", "gmail.messages.send", skip=3, retry_after=60, hold=True)

    progress = stage.run(campaign)

    assert progress.sent == 3
    assert progress.left == 7
    assert server.quota_uses.get(window="hour").used == 3


def test_quota_goes_back_to_the_hour_that_it_was_claimed_from(stage, monkeypatch):
    """The hour ends between the reservation and the answer that throttles."""
    server = stage.add_server("google", hourly_quota=50)
    campaign = stage.make_campaign(server, subscribers=10)
    hour = stage.now.replace(minute=0, second=0, microsecond=0)
    quotas.claim(server, 10, hour + timedelta(hours=1))
    throttle = stage.world.fault("throttle", "gmail.messages.send", skip=3, retry_after=60, hold=True)
    first, second = hour + timedelta(minutes=59), hour + timedelta(hours=1)
    monkeypatch.setattr(RunningClock, "now", lambda clock: second if throttle.hits else first)

    stage.run(campaign)

    used = server.quota_uses.filter(window="hour").order_by("starts_at").values_list("used", flat=True)
    assert list(used) == [3, 10]


def test_a_message_whose_draft_lies_in_a_throttled_mailbox_waits_for_it(stage):
    throttled, other = stage.add_server(), stage.add_server()
    campaign = stage.make_campaign(throttled, other, subscribers=6)
    stage.world.fault("throttle", "graph.messages.send", mailbox=throttled.email, retry_after=60, hold=True)

    stage.run_at(0, campaign)
    waiting = list(campaign.deliveries.filter(status="deferred"))
    stage.run_at(70, campaign)

    assert waiting
    assert {delivery.mailbox.email for delivery in waiting} == {throttled.email}
    stage.assert_everyone_got_one(campaign)
    assert stage.world.mailbox(throttled.email).in_folder("drafts") == []


@pytest.mark.parametrize("server_is_deleted", [False, True])
def test_a_draft_whose_server_left_the_campaign_is_removed_and_the_message_sent_by_another(
    stage, server_is_deleted
):
    leaving, staying = stage.add_server(), stage.add_server()
    campaign = stage.make_campaign(leaving, subscribers=1)
    stage.world.fault("throttle", "graph.messages.send", retry_after=600)
    stage.run_at(0, campaign)
    assert only_delivery(campaign).draft_id
    campaign.delivery_servers.set([staying])
    if server_is_deleted:
        leaving.delete()

    stage.run_at(700, campaign)

    stage.assert_everyone_got_one(campaign)
    assert {copy.sender for copy in stage.world.ledger.copies} == {staying.email}
    if not server_is_deleted:
        assert stage.world.mailbox(leaving.email).in_folder("drafts") == []


def test_a_draft_that_cannot_be_removed_now_is_removed_later(stage):
    leaving, staying = stage.add_server(), stage.add_server()
    campaign = stage.make_campaign(leaving, subscribers=1)
    stage.world.fault("throttle", "graph.messages.send", retry_after=600)
    stage.run_at(0, campaign)
    campaign.delivery_servers.set([staying])
    stage.world.fault("status", "graph.messages.*elete", status=503, times=None)

    stage.run_at(700, campaign)
    assert only_delivery(campaign).status == "deferred"
    stage.world.faults.clear()
    stage.run_at(5000, campaign)

    stage.assert_everyone_got_one(campaign)


def test_the_pace_of_the_provider_is_kept(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=35)

    assert stage.run_at(0, campaign).sent == 30
    assert stage.run_at(30, campaign).sent == 30
    assert stage.run_at(75, campaign).sent == 35
    stage.assert_everyone_got_one(campaign)


def test_an_admin_can_lower_the_pace_but_not_raise_it(stage):
    slow = stage.add_server("google", sends_per_minute=4)
    fast = stage.add_server("microsoft", sends_per_minute=100)

    assert stage.run_at(0, stage.make_campaign(slow, subscribers=36)).sent == 4
    assert stage.run_at(0, stage.make_campaign(fast)).sent == 30


def test_never_more_than_two_calls_are_in_flight(stage):
    server = stage.add_server("google")
    campaign = stage.make_campaign(server, subscribers=12)
    stage.world.configure(latency_ms=20)

    stage.run(campaign)

    assert stage.world.counters()["mailboxes"][server.email]["most_in_flight"] == 2


def test_a_quota_is_kept_and_the_rest_waits_for_the_next_hour(stage):
    server = stage.add_server("google", hourly_quota=5)
    campaign = stage.make_campaign(server, subscribers=8)

    progress = stage.run(campaign)

    assert (progress.sent, progress.left, progress.failed) == (5, 3, 0)
    next_hour = stage.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert progress.delayed_until == next_hour
    seconds = (next_hour - stage.now).total_seconds() + 1
    assert stage.run(campaign, after_seconds=seconds).sent == 8


def test_an_unreachable_provider_delays_and_wears_nobody_down(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=4)
    stage.world.fault("status", "google.token", status=503, times=None)

    progress = stage.run(campaign)
    made = calls(stage)
    stage.run(campaign)

    assert (progress.failed, progress.left) == (0, 4)
    assert calls(stage) == made
    assert Mailbox.objects.get().is_blocked(stage.now)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_on_one_mailbox_send_everything_once(stage):
    campaign = stage.make_campaign(stage.add_server("google"), stage.add_server("google"), subscribers=30)
    stage.world.configure(latency_ms=5)
    campaign.status = "sending"
    campaign.save()
    queue_up(campaign, stage.now)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                for mailbox in Mailbox.objects.all():
                    run_mailbox(mailbox, stage.now)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failures == []
    stage.assert_everyone_got_one(campaign)
    for mailbox in Mailbox.objects.all():
        assert stage.world.counters()["mailboxes"][mailbox.email]["most_in_flight"] <= 2


def test_a_mailbox_that_another_worker_holds_is_left_alone(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    held = claim(Mailbox.objects.get(), "sending")

    stage.run(campaign)
    assert stage.tally() == []
    held.release()
    stage.run(campaign)

    assert stage.tally() == [1]

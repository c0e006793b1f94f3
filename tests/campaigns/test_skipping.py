"""Who is left out at the last moment, after being queued, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audience.changes import Cause, blacklist, delete, stop_group, unsubscribe
from audience.models import Subscriber
from campaigns import claiming
from campaigns.queueing import queue_up, take_up
from mailboxes.leases import claim
from tests.campaigns.conftest import statuses
from tests.factories import make_campaign_group, make_customer, make_subscriber

CAUSE = Cause("person", text="by hand")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def queued(stage):
    """A campaign whose two subscribers are queued already; the second one always gets it."""
    group = make_campaign_group(stage.acme)
    campaign = stage.make_campaign(stage.add_server("google"), group=group)
    for name in ("ada", "bob"):
        make_subscriber(stage.list, f"{name}@receiver.example")
    take_up(campaign, stage.now)
    queue_up(campaign, stage.now)
    return campaign


@pytest.fixture
def ada(queued):
    return Subscriber.objects.get(email="ada@receiver.example")


def error_of(campaign) -> str:
    return campaign.deliveries.get(recipient="ada@receiver.example").error


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda ada, group: unsubscribe(ada, CAUSE, NOW), "no longer confirmed: unsubscribed"),
        (lambda ada, group: stop_group(ada, group, CAUSE, NOW), "has stopped this campaign's group"),
        (lambda ada, group: blacklist(ada.email, ada.customer, CAUSE, NOW), "Blacklisted: by hand"),
        (lambda ada, group: blacklist(ada.email, None, CAUSE, NOW), "Blacklisted by the platform."),
        (lambda ada, group: delete(ada, CAUSE, NOW), "was deleted"),
    ],
)
def test_one_who_left_after_queueing_is_skipped_with_the_reason(stage, queued, ada, happens, reason):
    happens(ada, queued.group)

    progress = stage.run(queued)

    assert stage.recipients() == ["bob@receiver.example"]
    assert (progress.sent, progress.skipped) == (1, 1)
    assert reason in error_of(queued)


def test_another_customers_own_entry_excludes_nobody_here(stage, queued, ada):
    blacklist(ada.email, make_customer("Rival"), CAUSE, NOW)

    assert stage.run(queued).sent == 2


def test_skipped_ones_use_no_quota(stage, queued, ada):
    server = queued.delivery_servers.get()
    server.hourly_quota = 1
    server.save()
    unsubscribe(ada, CAUSE, NOW)

    assert stage.run(queued).sent == 1


def test_unconfirmed_subscribers_are_never_queued(stage):
    make_subscriber(stage.list, status="unconfirmed")
    make_subscriber(stage.list, "bob@receiver.example")

    stage.run(stage.make_campaign(stage.add_server("google")))

    assert stage.recipients() == ["bob@receiver.example"]


def test_many_excluded_are_skipped_in_many_small_transactions(stage):
    server = stage.add_server("google")
    campaign = stage.make_campaign(server, subscribers=3 * claiming.BATCH_SIZE + 1, status="sending")
    queue_up(campaign, stage.now)
    last = stage.list.subscribers.order_by("pk").last()
    stage.list.subscribers.exclude(pk=last.pk).update(status="unsubscribed")
    lease = claim(server.mailbox, "sending")

    reserved = claiming.reserve(lease, server, campaign, claiming.BATCH_SIZE, stage.now)
    assert (reserved.deliveries, reserved.skipped) == ([], claiming.BATCH_SIZE)
    lease.release()
    stage.run(campaign)

    assert statuses(campaign) == {"skipped": 3 * claiming.BATCH_SIZE, "sent": 1}

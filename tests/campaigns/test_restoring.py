"""A database restored from a backup sends nothing that went out after the backup, and loses nothing that did not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditEntry
from audience.models import Subscriber
from campaigns.models import Attempt, Campaign, Delivery
from campaigns.queueing import queue_up, take_up
from campaigns.restoring import doubt
from campaigns.running import run_mailbox
from campaigns.verbs import resume
from mailboxes.models import Mailbox
from servers.models import QuotaUse
from tests.campaigns.conftest import statuses
from tests.factories import make_subscriber

pytestmark = [pytest.mark.django_db, pytest.mark.services]
BOTH = pytest.mark.parametrize("provider", ["microsoft", "google"])
KEPT = (Campaign, Delivery, Attempt, QuotaUse)


class Backup:
    """The rows of sending as they are now; `restore` puts them back and forgets what came after."""

    def __init__(self, at) -> None:
        self.at = at
        self.rows = {model: list(model.objects.order_by("pk").values()) for model in KEPT}

    def restore(self) -> None:
        for model in reversed(KEPT):
            numbers = [row["id"] for row in self.rows[model]]
            model.objects.exclude(pk__in=numbers).delete()
        for model in KEPT:
            for row in self.rows[model]:
                model.objects.update_or_create(id=row["id"], defaults=row)


def let_it_settle(stage, minutes: int = 15) -> None:
    for _ in range(minutes):
        stage.world.advance(60)
        for mailbox in Mailbox.objects.all():
            run_mailbox(mailbox, stage.now)


def begin(stage, *servers, subscribers: int, **fields) -> tuple[Campaign, Backup]:
    """A campaign that has queued everybody and sent to nobody, and the backup of that moment."""
    Mailbox.objects.update(marker_survives=True)
    campaign = stage.make_campaign(*servers, subscribers=subscribers, **fields)
    take_up(campaign, stage.now)
    queue_up(campaign, stage.now)
    return campaign, Backup(stage.now)


@BOTH
def test_what_left_after_the_backup_is_found_and_what_did_not_is_sent(stage, provider):
    server = stage.add_server(provider, hourly_quota=4)
    campaign, backup = begin(stage, server, subscribers=7)
    stage.run_at(10, campaign)
    assert statuses(campaign) == {"sent": 4, "queued": 3}
    stage.world.advance(3 * 3600)
    backup.restore()

    [restored] = doubt(backup.at, stage.now)
    assert (restored.looked_for, restored.left_out) == (7, 0)
    let_it_settle(stage)
    assert statuses(campaign) == {"sent": 4, "queued": 3}
    assert stage.tally() == [1] * 4

    campaign.refresh_from_db()
    resume(campaign, actor=None, now=stage.now)
    stage.run(campaign, after_seconds=3600)
    assert statuses(campaign) == {"sent": 7}
    stage.assert_everyone_got_one(campaign)


def test_without_the_command_a_restored_database_would_send_again(stage):
    """What the command is for: this is no guess."""
    campaign, backup = begin(stage, stage.add_server("google"), subscribers=2)
    stage.run_at(10, campaign)
    backup.restore()
    campaign.refresh_from_db()
    stage.run(campaign, after_seconds=60)
    assert stage.tally() == [2, 2]


def test_every_mailbox_that_it_may_have_left_through_is_looked_into(stage):
    servers = [stage.add_server("google"), stage.add_server("microsoft"), stage.add_server("google")]
    campaign, backup = begin(stage, *servers, subscribers=12)
    stage.run_at(10, campaign)
    assert len({copy.sender for copy in stage.world.ledger.copies}) > 1
    backup.restore()

    list(doubt(backup.at, stage.now))
    let_it_settle(stage)

    assert statuses(campaign) == {"sent": 12}
    stage.assert_everyone_got_one(campaign)


def test_one_mailbox_that_cannot_be_looked_into_leaves_it_to_a_person(stage):
    servers = [stage.add_server("google"), stage.add_server("google")]
    campaign, backup = begin(stage, *servers, subscribers=1)
    backup.restore()
    Mailbox.objects.filter(email=servers[1].email).update(marker_survives=False)

    list(doubt(backup.at, stage.now))
    let_it_settle(stage)

    delivery = campaign.deliveries.get()
    assert (delivery.status, delivery.next_try_at) == ("unknown", None)
    assert "Release sends it again" in delivery.error
    assert stage.tally() == []


@BOTH
def test_what_a_worker_held_when_the_backup_was_made_is_in_doubt_too(stage, provider):
    campaign, _ = begin(stage, stage.add_server(provider), subscribers=1)
    delivery = campaign.deliveries.get()
    Delivery.objects.update(status="sending", tries=1, mailbox=Mailbox.objects.get(), next_try_at=stage.now)
    Attempt.objects.create(delivery=delivery, deadline=stage.now, mailbox=Mailbox.objects.get())
    backup = Backup(stage.now)
    Delivery.objects.update(status="queued", tries=0, mailbox=None, next_try_at=None)
    stage.run_at(10, campaign)
    backup.restore()

    list(doubt(backup.at, stage.now))
    let_it_settle(stage)

    assert statuses(campaign) == {"sent": 1}
    assert stage.tally() == [1]
    assert not Attempt.objects.filter(finished_at__isnull=True).exists()


def test_people_who_were_not_queued_yet_are_left_out_and_counted(stage):
    campaign, _ = begin(stage, stage.add_server("google"), subscribers=2)
    for _ in range(3):
        make_subscriber(stage.list)
    Campaign.objects.update(queued_all=False)
    backup = Backup(stage.now)
    stage.run_at(10, campaign)
    backup.restore()

    [restored] = doubt(backup.at, stage.now)
    assert restored.left_out == 3
    let_it_settle(stage)
    campaign.refresh_from_db()
    assert "3 people" in campaign.pause_reason
    resume(campaign, actor=None, now=stage.now)
    stage.run(campaign, after_seconds=60)
    assert statuses(campaign) == {"sent": 2}
    assert max(stage.tally()) == 1
    assert Subscriber.objects.count() == 5


@pytest.mark.parametrize("status", ["ready", "paused"])
def test_a_campaign_that_had_not_begun_waits_for_a_person(stage, status):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=2, status=status)

    [restored] = doubt(stage.now, stage.now)

    campaign.refresh_from_db()
    assert not restored.had_begun
    assert campaign.status == "paused"
    assert "cancel it if it was sent since" in campaign.pause_reason
    stage.run(campaign)
    assert stage.tally() == []


def test_a_campaign_without_a_server_leaves_its_messages_to_a_person(stage):
    campaign, backup = begin(stage, stage.add_server("google"), subscribers=1)
    backup.restore()
    campaign.delivery_servers.clear()
    list(doubt(backup.at, stage.now))
    delivery = campaign.deliveries.get()
    assert (delivery.status, delivery.next_try_at) == ("unknown", None)


def test_it_can_be_stopped_and_run_again(stage, monkeypatch):
    monkeypatch.setattr("campaigns.restoring.BATCH", 2)
    campaign, backup = begin(stage, stage.add_server("google"), subscribers=5)
    stage.run_at(10, campaign)
    backup.restore()
    list(doubt(backup.at, stage.now))
    Delivery.objects.filter(pk__in=list(campaign.deliveries.values_list("pk", flat=True))[:3]).update(
        status="queued"
    )

    list(doubt(backup.at, stage.now))
    let_it_settle(stage)

    assert statuses(campaign) == {"sent": 5}
    assert stage.tally() == [1] * 5
    assert AuditEntry.objects.filter(action="campaign paused after a restore").count() == 2


def test_the_command_says_what_it_did_and_what_to_do(stage, capsys):
    campaign, backup = begin(stage, stage.add_server("google"), subscribers=2)
    backup.restore()
    call_command("after_restore", since=timezone.now() - timedelta(hours=1), dry_run=True)
    campaign.refresh_from_db()
    assert campaign.status == "sending"
    call_command("after_restore", "--since", "2026-01-01T03:00")
    said = capsys.readouterr().out
    assert "2 messages are looked for in Sent" in said
    assert "unsubscribed" in said


@pytest.mark.parametrize(
    ("since", "why"), [("yesterday", "is no time"), ("2999-01-01T00:00", "has not come yet")]
)
def test_a_time_that_cannot_be_is_refused(stage, since, why):
    campaign, _ = begin(stage, stage.add_server("google"), subscribers=1)
    with pytest.raises(CommandError, match=why):
        call_command("after_restore", "--since", since)
    assert statuses(campaign) == {"queued": 1}

"""A campaign's progress: right, in words, and no dearer for a large campaign."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import SystemSettings
from campaigns.models import Delivery
from campaigns.progress import progress_of
from campaigns.queueing import queue_up, take_up
from tests.campaigns.conftest import statuses


def test_it_counts_those_that_are_not_queued_yet(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=5)

    progress = progress_of(campaign, stage.now)

    assert (progress.total, progress.left, progress.percent_done) == (5, 5, 0)


def test_it_forecasts_the_end_from_the_servers_limits(stage):
    slow = stage.add_server(hourly_quota=10)
    campaign = stage.make_campaign(slow, subscribers=30)
    take_up(campaign, stage.now)

    progress = progress_of(campaign, stage.now)

    assert abs(progress.ends_at - (stage.now + timedelta(hours=3))) < timedelta(minutes=1)


def test_it_asks_the_same_number_of_questions_however_much_there_is(stage, django_assert_max_num_queries):
    campaign = stage.make_campaign(stage.add_server(hourly_quota=100), subscribers=3)
    take_up(campaign, stage.now)
    queue_up(campaign, stage.now)
    with django_assert_max_num_queries(8):
        progress_of(campaign, stage.now)
    stage.add_subscribers(30)
    stage.world.ledger.copies.clear()
    Delivery.objects.filter(campaign=campaign).update(status="sent")

    with django_assert_max_num_queries(8):
        progress_of(campaign, stage.now)


def test_the_command_sends_and_says_how_it_stands(stage, capsys):
    campaign = stage.make_campaign(stage.add_server(), subscribers=3)

    call_command("send_campaign", campaign.uid)

    assert capsys.readouterr().out.strip() == (
        "sent: 3 sent, 0 deferred, 0 unknown, 0 failed, 0 skipped, 0 bounced, 0 left."
    )
    assert statuses(campaign) == {"sent": 3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "draft"}, "is draft. Mark it ready first."),
        ({"status": "paused", "pause_reason": "Paused by owner@acme.example."}, "Resume it first."),
        ({"status": "cancelled"}, "is cancelled."),
    ],
)
def test_the_command_refuses_what_is_not_on_its_way(stage, changes, words):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1, **changes)

    with pytest.raises(CommandError, match=words):
        call_command("send_campaign", campaign.uid)


def test_the_command_fails_with_the_cause_when_no_server_can_send(stage):
    campaign = stage.make_campaign(stage.add_server(status="inactive"), subscribers=1)

    with pytest.raises(CommandError, match="It is inactive"):
        call_command("send_campaign", campaign.uid)


def test_the_command_knows_its_campaigns_and_the_master_switch(stage):
    with pytest.raises(CommandError, match="no campaign with the uid “nope”"):
        call_command("send_campaign", "nope")
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    SystemSettings.objects.update_or_create(pk=1, defaults={"enabled": False})

    with pytest.raises(CommandError, match="API Connect is switched off"):
        call_command("send_campaign", campaign.uid)

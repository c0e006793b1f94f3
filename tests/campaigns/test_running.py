"""The straight path: a campaign goes to everybody once, through the real clients."""

from __future__ import annotations

import pytest
from django.db import connection

from campaigns.models import Attempt, Campaign
from tests.campaigns.conftest import statuses


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_a_campaign_reaches_every_confirmed_subscriber_once(stage, provider):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=7)

    progress = stage.run(campaign)

    stage.assert_everyone_got_one(campaign)
    assert (progress.status, progress.sent, progress.left) == (Campaign.Status.SENT, 7, 0)
    assert statuses(campaign) == {"sent": 7}


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_it_learns_the_real_ids_afterwards(stage, provider):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=2)

    stage.run(campaign)

    sent = {copy.token: copy for copy in stage.world.ledger.copies}
    for delivery in campaign.deliveries.all():
        assert delivery.sent_message_id == sent[delivery.token].sent_message_id.strip("<>")
        assert delivery.submitted_message_id == sent[delivery.token].submitted_message_id.strip("<>")
        assert delivery.thread_id
        assert not delivery.ids_wanted
    assert delivery.mailbox.marker_survives


def test_a_second_run_sends_nothing(stage):
    campaign = stage.make_campaign(stage.add_server(), subscribers=3)
    stage.run(campaign)

    stage.run(campaign)

    assert stage.tally() == [1, 1, 1]


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("provider", "call"), [("microsoft", "graph.messages.send"), ("google", "gmail.messages.send")]
)
def test_a_delivery_and_its_attempt_are_committed_before_the_call(stage, provider, call):
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=1)
    seen = []

    def look() -> None:
        attempt = Attempt.objects.get(delivery__campaign=campaign)
        seen.append((attempt.outcome, attempt.delivery.status, bool(attempt.delivery.draft_id)))
        connection.close()

    stage.world.fault("hook", call, hook=look)

    stage.run(campaign)

    assert seen == [("", "sending", provider == "microsoft")]

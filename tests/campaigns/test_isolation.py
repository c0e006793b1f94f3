"""No campaign sends through what is another customer's, whatever a row says (promise 3)."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts.models import SystemSettings
from campaigns.checking import check_campaign
from campaigns.claiming import own_servers, sending_campaigns
from campaigns.models import Campaign
from campaigns.verbs import send_test_message
from tests.factories import make_customer, make_delivery_server, make_key, make_user


@pytest.fixture
def foreign(stage):
    """A working server of Rival, put into Acme's campaign past every form."""
    rival = make_customer("Rival")
    stage.world.add_mailbox("google", "news@rival.example", "Rival")
    return make_delivery_server(
        rival, "google", email="news@rival.example", api_key=make_key(rival, "google")
    )


def test_another_customers_server_sends_nothing(stage, foreign):
    campaign = stage.make_campaign(foreign, subscribers=2)

    progress = stage.run(campaign)

    assert stage.world.ledger.copies == []
    assert progress.status == Campaign.Status.PAUSED
    assert "Rival" not in progress.note
    assert check_campaign(campaign, [foreign])


def test_with_an_own_server_beside_it_only_that_one_sends(stage, foreign):
    own = stage.add_server("google")
    campaign = stage.make_campaign(own, foreign, subscribers=4)

    stage.run(campaign)

    assert {copy.sender for copy in stage.world.ledger.copies} == {own.email}
    assert list(own_servers(campaign)) == [own]
    assert not sending_campaigns(foreign).exists()


def test_a_server_without_customer_serves_no_customers_campaign(stage):
    server = make_delivery_server(None, "google", email="shared@platform.example")
    campaign = stage.make_campaign(server, subscribers=1)

    assert stage.run(campaign).sent == 0


def test_a_test_message_does_not_leave_through_it_either(stage, foreign):
    campaign = stage.make_campaign(foreign, subscribers=1)

    with pytest.raises(ValidationError, match="campaign's own delivery servers"):
        send_test_message(campaign, "a@b.example", actor=make_user(stage.acme), now=stage.now, server=foreign)


def test_an_inactive_customers_campaign_stops(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.acme.status = "inactive"
    stage.acme.save()

    stage.run(campaign)

    assert stage.world.ledger.copies == []


def test_the_master_switch_stops_everything(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    SystemSettings.objects.update_or_create(pk=1, defaults={"enabled": False})

    stage.run(campaign)
    assert stage.world.ledger.copies == []
    SystemSettings.objects.update(enabled=True)
    stage.run(campaign)

    assert stage.tally() == [1]


def test_two_customers_in_one_mailbox_each_send_with_their_own_key(stage):
    server = stage.add_server("google", email="shared@acme.example")
    rival = make_customer("Rival")
    theirs = make_delivery_server(
        rival, "google", email="shared@acme.example", api_key=make_key(rival, "google")
    )
    campaign = stage.make_campaign(server, subscribers=2)

    stage.run(campaign)

    assert {delivery.server_id for delivery in campaign.deliveries.all()} == {server.pk}
    assert server.mailbox_id == theirs.mailbox_id

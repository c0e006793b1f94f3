"""The straight path: a campaign goes to everybody once, through the real clients."""

from __future__ import annotations

import email
import email.policy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import feeding, queueing
from campaigns.models import Attachment, Attempt, Campaign
from campaigns.running import run_mailbox
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


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_a_large_attachment_arrives_whole(stage, provider):
    server = stage.add_server(provider)
    campaign = stage.make_campaign(server, subscribers=1)
    content = bytes(range(256)) * 20_000  # 5 MB, more than one request to Graph may carry
    Attachment.objects.create(
        campaign=campaign, filename="plan.pdf", content_type="application/pdf", content=content
    )

    assert stage.run(campaign).sent == 1

    (sent,) = sent_messages(stage.world.mailbox(server.email))
    (attachment,) = email.message_from_bytes(sent.raw, policy=email.policy.default).iter_attachments()
    assert attachment.get_content() == content


def sent_messages(mailbox):
    if mailbox.provider == "microsoft":
        return mailbox.in_folder("sentitems")
    return [message for message in mailbox.all_messages() if "SENT" in message.labels]


def test_several_servers_share_the_work_and_each_keeps_its_quota(stage):
    small = stage.add_server("google", hourly_quota=4)
    large = stage.add_server("google", hourly_quota=12)
    graph = stage.add_server("microsoft", hourly_quota=8)
    campaign = stage.make_campaign(small, large, graph, subscribers=24)

    stage.run(campaign)

    stage.assert_everyone_got_one(campaign)
    sent = [campaign.deliveries.filter(server=server).count() for server in (small, large, graph)]
    assert sent == [4, 12, 8]


def test_a_small_campaign_is_spread_by_remaining_quota(stage):
    small, large = stage.add_server("google", hourly_quota=10), stage.add_server("google", hourly_quota=30)
    campaign = stage.make_campaign(small, large, subscribers=8)

    stage.run(campaign)

    sent = [campaign.deliveries.filter(server=server).count() for server in (small, large)]
    assert sent in ([2, 6], [3, 5]), "about one to three"


def test_the_rest_of_a_campaign_is_not_sent_in_ever_smaller_parts(stage):
    """Each mailbox gets its part, and who comes next takes what is not worth a run for each."""
    servers = [stage.add_server("google") for _ in range(4)]
    campaign = stage.make_campaign(*servers, subscribers=20)
    queueing.take_up(campaign, stage.now)
    queueing.queue_up(campaign, stage.now)

    sent = [run_mailbox(server.mailbox, stage.now).sent for server in [*servers, servers[0]]]

    assert sent == [5, 4, 3, 2, 6]


def test_a_run_goes_on_beyond_what_it_counted(stage, monkeypatch):
    monkeypatch.setattr(feeding, "COUNTED_EACH", 3)
    servers = [stage.add_server("google") for _ in range(2)]
    campaign = stage.make_campaign(*servers, subscribers=30)
    queueing.take_up(campaign, stage.now)
    queueing.queue_up(campaign, stage.now)

    assert sum(run_mailbox(server.mailbox, stage.now).sent for server in servers) == 30


@pytest.mark.parametrize(("provider", "statements"), [("google", 9), ("microsoft", 13)])
def test_a_message_costs_few_statements_learning_included(stage, provider, statements):
    server = stage.add_server(provider)
    costs = []
    for subscribers in (5, 15):
        stage.add_subscribers(subscribers)
        with CaptureQueriesContext(connection) as captured:
            stage.run(stage.make_campaign(server), after_seconds=61)
        costs.append(len(captured))

    assert (costs[1] - costs[0]) / 15 <= statements


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


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_the_server_says_when_it_last_sent(stage, provider):
    server = stage.add_server(provider)

    stage.run(stage.make_campaign(server, subscribers=2))

    server.refresh_from_db()
    (latest, _) = Attempt.objects.order_by("-finished_at").values_list("finished_at", flat=True)
    assert abs(latest - server.last_sent_at).total_seconds() < 60

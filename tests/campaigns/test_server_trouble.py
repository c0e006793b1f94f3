"""Trouble of a server: it needs attention, others take over, a campaign without any pauses; nobody hammers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaigns.composing import Layout
from campaigns.models import Campaign
from keys.models import ApiKey
from providers.microsoft import MicrosoftGraph
from servers.models import DeliveryServer
from tests.campaigns.conftest import statuses


def calls(stage) -> int:
    return sum(stage.world.calls.values())


@pytest.mark.parametrize(
    ("provider", "call", "status", "code"),
    [
        ("microsoft", "graph.messages.create", 403, "ErrorAccessDenied"),
        ("microsoft", "graph.messages.send", 403, "ErrorAccessDenied"),
        ("microsoft", "graph.messages.create", 404, "MailboxNotEnabledForRESTAPI"),
        ("google", "gmail.messages.send", 403, "insufficientPermissions"),
    ],
)
def test_a_server_that_may_not_send_is_left_alone_and_its_campaign_pauses(
    stage, provider, call, status, code
):
    server = stage.add_server(provider)
    campaign = stage.make_campaign(server, subscribers=5)
    stage.world.fault("status", call, status=status, code=code, times=None)

    progress = stage.run(campaign)
    made = calls(stage)
    stage.run(campaign, after_seconds=60)

    server.refresh_from_db()
    assert progress.status == Campaign.Status.PAUSED
    assert server.name in progress.note
    assert progress.failed == 0
    assert server.last_error
    assert calls(stage) == made, "nobody hammers"
    assert stage.tally() == []


def test_the_others_take_over_from_a_failing_server(stage):
    failing, other = stage.add_server("google"), stage.add_server("google")
    campaign = stage.make_campaign(failing, other, subscribers=8)
    stage.world.fault(
        "status",
        "gmail.messages.send",
        mailbox=failing.email,
        status=403,
        code="insufficientPermissions",
        times=None,
    )

    progress = stage.run(campaign)

    assert (progress.status, progress.sent) == (Campaign.Status.SENT, 8)
    stage.assert_everyone_got_one(campaign)


def test_a_refused_key_opens_its_circuit_and_pauses_the_campaign(stage):
    server = stage.add_server()
    campaign = stage.make_campaign(server, subscribers=3)
    app = stage.world.tenants["00000000-0000-0000-0000-0000000000a1"].apps[
        "00000000-0000-0000-0000-0000000000b1"
    ]
    app.secrets.clear()

    progress = stage.run(campaign)
    made = calls(stage)
    stage.run(campaign, after_seconds=60)

    assert progress.status == Campaign.Status.PAUSED
    assert ApiKey.objects.get().status == "failing"
    assert calls(stage) == made
    assert statuses(campaign) == {"queued": 3}


def test_after_its_rest_a_server_is_tried_and_the_trouble_forgotten(stage):
    failing, other = stage.add_server("google"), stage.add_server("google", hourly_quota=2)
    campaign = stage.make_campaign(failing, other, subscribers=4)
    stage.world.fault(
        "status",
        "gmail.messages.send",
        mailbox=failing.email,
        status=403,
        code="insufficientPermissions",
        times=None,
    )

    assert stage.run_at(0, campaign).sent == 2
    stage.world.faults.clear()
    assert stage.run_at(3700, campaign).sent == 4
    assert DeliveryServer.objects.get(pk=failing.pk).last_error == ""
    stage.assert_everyone_got_one(campaign)


def test_a_lapsed_token_is_renewed_once_and_nothing_is_lost(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=1)
    stage.run(campaign)
    stage.world.expire_tokens()
    stage.add_subscribers(5)
    second = stage.make_campaign(campaign.delivery_servers.get())
    before = stage.world.calls["google.token"]

    stage.run(second)

    assert statuses(second) == {"sent": 6}
    assert stage.world.calls["google.token"] == before + 1
    assert stage.world.ledger.sent_twice() == {}


def test_one_message_that_is_refused_for_good_fails_alone(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=3)
    stage.world.fault("status", "gmail.messages.send", status=400, code="invalidArgument")

    progress = stage.run(campaign)

    assert (progress.sent, progress.failed, progress.status) == (2, 1, Campaign.Status.SENT)
    failed = campaign.deliveries.get(status="failed")
    assert failed.error
    assert failed.attempts.get().outcome == "refused"


def test_a_draft_that_is_refused_when_submitted_is_not_left_behind(stage):
    server = stage.add_server()
    campaign = stage.make_campaign(server, subscribers=1)
    stage.world.fault("status", "graph.messages.send", status=400, code="ErrorInvalidRecipients")

    assert stage.run(campaign).failed == 1
    assert stage.world.mailbox(server.email).in_folder("drafts") == []


def test_one_message_that_cannot_be_written_stops_nobody(stage, monkeypatch):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=3)
    compose, poisoned = Layout.compose, stage.list.subscribers.first()

    def stumble(layout, delivery, *rest):
        if delivery.subscriber == poisoned:
            raise RuntimeError("a bug")
        return compose(layout, delivery, *rest)

    monkeypatch.setattr(Layout, "compose", stumble)
    progress = stage.run(campaign)

    assert (progress.status, progress.sent, progress.failed) == ("sent", 2, 1)


def test_an_address_nobody_can_write_to_fails_in_words_and_stops_nobody(stage):
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=2)
    stage.list.subscribers.filter(pk=stage.list.subscribers.first().pk).update(email="not an address")

    progress = stage.run(campaign)

    assert (progress.sent, progress.failed) == (1, 1)
    assert "To:" in campaign.deliveries.get(status="failed").error


@pytest.mark.services
def test_a_provider_that_talks_too_much_stops_nobody(stage):
    """Codes and numbers of requests are stored; PostgreSQL refuses what is longer than its column, and NULs."""
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=2)
    stage.world.fault("status", "gmail.messages.send", status=400, code="X\0" * 150, message="Y\0" * 150)

    progress = stage.run(campaign)

    assert (progress.sent, progress.failed) == (1, 1)
    assert campaign.deliveries.get(status="failed").error_code.startswith("XX")


@pytest.mark.services
def test_ids_of_any_length_can_be_stored(stage, monkeypatch):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    prepare = MicrosoftGraph.prepare

    def talk(client, token, mime):
        draft = prepare(client, token, mime)
        return replace(draft, message_id=f"<{'m' * 2000}@x>", thread_id="t\0" * 600)

    monkeypatch.setattr(MicrosoftGraph, "prepare", talk)
    progress = stage.run(campaign)

    assert progress.sent == 1

"""Learning afterwards what an accepted message became, each server's for itself."""

from __future__ import annotations

from datetime import timedelta

from campaigns.learning import _store
from campaigns.running import run_mailbox
from keys.models import ApiKey
from mailboxes.models import Mailbox
from providers.messages import Receipt
from tests.campaigns.conftest import only_delivery
from tests.factories import (
    make_campaign,
    make_customer,
    make_delivery,
    make_delivery_server,
    make_key,
    make_list,
    make_subscriber,
)


def test_one_servers_trouble_keeps_no_other_from_learning(stage):
    ours = stage.add_server(email="shared@acme.example")
    rival = make_customer("Rival")
    theirs = make_delivery_server(rival, email=ours.email, api_key=make_key(rival))
    their_list = make_list(rival)
    make_delivery(
        make_campaign(their_list, (theirs,), status="sent"),
        make_subscriber(their_list),
        server=theirs,
        mailbox=theirs.mailbox,
        ids_wanted=True,
        next_try_at=stage.now - timedelta(days=1),
        submitted_at=stage.now,
    )
    ApiKey.objects.filter(pk=theirs.api_key_id).update(status="disabled")
    campaign = stage.make_campaign(ours, subscribers=1)

    stage.run_at(0, campaign)
    stage.run_at(100, campaign)
    run_mailbox(ours.mailbox, stage.now)

    assert not only_delivery(campaign).ids_wanted
    assert Mailbox.objects.get().marker_survives


def test_what_a_server_in_trouble_cannot_learn_is_given_up_in_the_end(stage):
    server = stage.add_server()
    campaign = stage.make_campaign(server, subscribers=1)
    stage.world.fault("status", "graph.messages.get", status=403, code="ErrorAccessDenied", times=None)

    for seconds in (0, 100, 500, 3000, 12_000, 90_000):
        stage.run_at(seconds, campaign)
        run_mailbox(server.mailbox, stage.now)

    assert not only_delivery(campaign).ids_wanted


def test_a_mailbox_that_is_told_to_wait_learns_later(stage):
    server = stage.add_server()
    campaign = stage.make_campaign(server, subscribers=2)
    down = stage.world.fault("status", "graph.messages.get", status=503, retry_after=900, times=None)

    stage.run_at(0, campaign)

    assert down.hits == 2  # the two of one batch, and nothing after that
    assert Mailbox.objects.get().is_blocked(stage.now + timedelta(seconds=890))


def test_what_the_provider_does_not_tell_stays_as_it_is(stage):
    server = stage.add_server(provider="google")
    campaign = stage.make_campaign(server, subscribers=2)
    first, second = (
        make_delivery(
            campaign, subscriber, server=server, mailbox=server.mailbox, ids_wanted=True, thread_id="thread"
        )
        for subscriber in stage.list.subscribers.order_by("pk")
    )

    _store([(first, Receipt("", "<told@acme.example>", "")), (second, Receipt("id", "", "other"))])

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.sent_message_id, first.thread_id) == ("told@acme.example", "thread")
    assert (second.provider_message_id, second.sent_message_id, second.thread_id) == ("id", "", "other")
    assert not campaign.deliveries.filter(ids_wanted=True)

"""The tick rings for exactly what is due; a bell makes it happen; a lost bell is repaired by the next one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app

from accounts.models import SystemSettings
from campaigns import bells, tasks, ticking
from campaigns.models import Campaign, Delivery
from mailboxes.bells import QUEUE_LENGTH
from mailboxes.leases import claim
from mailboxes.models import Mailbox
from tests.campaigns.conftest import statuses
from tests.factories import make_campaign, make_customer, make_delivery_server, make_list, make_subscriber


class Bells:
    """Keeps what was rung; `answer` does what the workers would."""

    def __init__(self) -> None:
        self.campaigns: list[int] = []
        self.mailboxes: list[int] = []
        self.deals = 0
        self.space = QUEUE_LENGTH

    def ring_campaign(self, campaign_id: int) -> None:
        self.campaigns.append(campaign_id)

    def ring_mailbox(self, mailbox_id: int) -> None:
        self.mailboxes.append(mailbox_id)

    def ring_deal(self) -> None:
        self.deals += 1

    def room(self) -> int:
        return max(0, self.space - len(self.mailboxes) - len(self.campaigns))

    def answer(self, now) -> None:
        while self.campaigns or self.mailboxes:
            campaigns, self.campaigns = self.campaigns, []
            for pk in campaigns:
                ticking.queue_campaign(Campaign.objects.get(pk=pk), now)
            mailboxes, self.mailboxes = self.mailboxes, []
            for pk in set(mailboxes):
                ticking.work_mailbox(Mailbox.objects.get(pk=pk), now)


@pytest.fixture
def rung(monkeypatch):
    found = Bells()
    monkeypatch.setattr(bells, "ring_mailbox", found.ring_mailbox)
    monkeypatch.setattr(bells, "ring_campaign", found.ring_campaign)
    monkeypatch.setattr(bells, "ring_deal", found.ring_deal)
    monkeypatch.setattr(bells, "room", found.room)
    return found


def test_ticks_alone_send_a_campaign_and_close_it(stage, rung):
    campaign = stage.make_campaign(stage.add_server("google"), stage.add_server("google"), subscribers=25)

    for _ in range(3):
        ticking.ring(stage.now)
        rung.answer(stage.now)

    stage.assert_everyone_got_one(campaign)
    campaign.refresh_from_db()
    assert campaign.status == "sent"
    assert set(campaign.deliveries.values_list("server__email", flat=True)) == {
        "news-1@acme.example",
        "news-2@acme.example",
    }


def test_it_rings_for_nothing_when_nothing_is_due(stage, rung):
    stage.make_campaign(stage.add_server(), subscribers=1, status="draft")
    stage.make_campaign(stage.add_server(), scheduled_at=stage.now + timedelta(hours=1))

    ticking.ring(stage.now)

    assert (rung.campaigns, rung.mailboxes) == ([], [])


def test_it_rings_for_nothing_while_the_master_switch_is_off(stage, rung):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    SystemSettings.objects.update_or_create(pk=1, defaults={"enabled": False})

    ticking.ring(stage.now)
    ticking.queue_campaign(campaign, stage.now)

    assert (rung.campaigns, rung.mailboxes) == ([], [])
    assert not Delivery.objects.exists()


def waiting(stage, **fields):
    """A mailbox with one delivery that stands as `fields` say, in a campaign that is being sent."""
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    ticking.queue_campaign(campaign, stage.now)
    server = campaign.delivery_servers.get()
    campaign.deliveries.update(mailbox=server.mailbox, **{"server": server, **fields})
    return server.mailbox


@pytest.mark.parametrize(
    ("status", "seconds", "is_due"),
    [
        ("queued", None, True),
        ("deferred", -1, True),
        ("deferred", 60, False),
        ("unknown", -1, True),
        ("unknown", 60, False),
        ("unknown", None, False),
        ("sending", -1, True),
        ("sent", None, False),
    ],
)
def test_it_rings_for_mailboxes_with_work(stage, rung, status, seconds, is_due):
    at = None if seconds is None else stage.now + timedelta(seconds=seconds)
    mailbox = waiting(stage, status=status, next_try_at=at)

    found = ticking.mailboxes_with_work(stage.now)

    assert list(found) == ([mailbox] if is_due else [])


def test_it_rings_for_ids_that_are_still_to_be_learnt(stage, rung):
    mailbox = waiting(stage, status="sent", ids_wanted=True, next_try_at=stage.now)

    assert list(ticking.mailboxes_with_work(stage.now)) == [mailbox]


def test_it_does_not_ring_for_a_mailbox_that_is_held_or_must_wait(stage, rung):
    mailbox = waiting(stage, status="queued")

    lease = claim(mailbox, "sending")
    assert list(ticking.mailboxes_with_work(stage.now)) == []
    lease.release()
    mailbox.block_until(stage.now + timedelta(seconds=30))

    assert list(ticking.mailboxes_with_work(stage.now)) == []
    assert list(ticking.mailboxes_with_work(stage.now + timedelta(seconds=31))) == [mailbox]


def test_a_mailbox_at_its_pace_has_its_next_turn_when_the_pace_allows_more(stage, rung):
    campaign = stage.make_campaign(stage.add_server(), subscribers=35)
    ticking.queue_campaign(campaign, stage.now)
    rung.mailboxes.clear()

    ticking.work_mailbox(Mailbox.objects.get(), stage.now)

    assert statuses(campaign) == {"sent": 30, "queued": 5}
    assert rung.mailboxes == []
    assert not ticking.mailboxes_with_work(stage.now + timedelta(seconds=45)).exists()
    assert ticking.mailboxes_with_work(stage.now + timedelta(seconds=65)).exists()


def test_a_pace_does_not_keep_a_mailbox_from_settling_what_is_unknown(stage, rung):
    mailbox = waiting(stage, status="unknown", next_try_at=stage.now)
    Mailbox.objects.update(paced_until=stage.now + timedelta(minutes=1))

    assert list(ticking.mailboxes_with_work(stage.now)) == [mailbox]


def test_customers_take_turns_however_many_mailboxes_one_of_them_has(stage, rung):
    """A giant's two hundred mailboxes delay another customer's only one by a single run."""
    giant = [stage.add_server() for _ in range(20)]
    campaign = stage.make_campaign(*giant, subscribers=20)
    rival = make_customer("Rival")
    own = make_delivery_server(rival, email="news@rival.example")
    other = make_campaign(make_list(rival), [own])
    make_subscriber(other.list)
    for one in (campaign, other):
        ticking.queueing.take_up(one, stage.now)
        ticking.queueing.queue_up(one, stage.now)
    rung.space = 5

    ticking.deal(stage.now)

    assert len(rung.mailboxes) == 5
    assert own.mailbox_id in rung.mailboxes[:2]


def test_the_mailbox_that_waited_longest_goes_first(stage, rung):
    servers = [stage.add_server() for _ in range(3)]
    ticking.queue_campaign(stage.make_campaign(*servers, subscribers=3), stage.now)
    rung.mailboxes.clear()
    first, second, third = [server.mailbox_id for server in servers]
    Mailbox.objects.filter(pk=first).update(last_run_at=stage.now)
    Mailbox.objects.filter(pk=second).update(last_run_at=stage.now - timedelta(minutes=1))

    ticking.deal(stage.now)

    assert rung.mailboxes == [third, second, first]


def test_a_full_queue_takes_no_more_bells(stage, rung):
    ticking.queue_campaign(stage.make_campaign(stage.add_server(), subscribers=35), stage.now)
    stage.make_campaign(stage.add_server(), subscribers=1)
    rung.mailboxes.clear()
    rung.space = 0

    ticking.ring(stage.now)
    ticking.work_mailbox(Mailbox.objects.first(), stage.now)

    assert (rung.campaigns, rung.mailboxes, rung.deals) == ([], [], 0)


def test_a_worker_that_runs_out_of_work_asks_for_the_next_deal(stage, rung):
    campaign = stage.make_campaign(stage.add_server(), subscribers=35)
    ticking.queue_campaign(campaign, stage.now)

    ticking.work_mailbox(Mailbox.objects.get(), stage.now)

    assert rung.deals == 1


def test_a_run_that_could_do_nothing_asks_for_no_deal(stage, rung):
    """Or it would be dealt again at once: work that waits for a quota would keep a worker busy for ever."""
    campaign = stage.make_campaign(stage.add_server(hourly_quota=5), subscribers=9)
    ticking.queue_campaign(campaign, stage.now)
    mailbox = Mailbox.objects.get()
    while statuses(campaign) != {"sent": 5, "queued": 4}:
        ticking.work_mailbox(mailbox, stage.now)
    rung.deals = 0
    rung.mailboxes.clear()

    ticking.work_mailbox(mailbox, stage.now)

    assert ticking.mailboxes_with_work(stage.now).exists()
    assert (rung.deals, rung.mailboxes) == (0, [])


def test_a_long_list_is_queued_in_slices(stage, rung, monkeypatch):
    monkeypatch.setattr(ticking, "QUEUEING_SECONDS", 0.0)
    monkeypatch.setattr(ticking.queueing, "BATCH_SIZE", 2)
    campaign = stage.make_campaign(stage.add_server(), subscribers=5)

    ticking.queue_campaign(campaign, stage.now)

    assert campaign.deliveries.count() == 2
    assert rung.campaigns == [campaign.pk]


def test_a_campaign_without_any_server_left_pauses_at_the_tick(stage, rung):
    campaign = stage.make_campaign(stage.add_server(), subscribers=1)
    ticking.queue_campaign(campaign, stage.now)
    ticking.queue_campaign(campaign, stage.now)
    campaign.delivery_servers.update(status="inactive")

    ticking.ring(stage.now)

    campaign.refresh_from_db()
    assert campaign.status == "paused"
    assert "It is inactive." in campaign.pause_reason


def test_a_bell_names_a_task_that_exists(monkeypatch):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: rung.append((name, options)))

    bells.ring_campaign(7)
    bells.ring_mailbox(8)
    bells.ring_deal()

    assert rung == [
        (tasks.queue_campaign.name, {"kwargs": {"campaign_id": 7}}),
        (tasks.run_mailbox.name, {"kwargs": {"mailbox_id": 8}}),
        (tasks.deal.name, {"kwargs": {}}),
    ]


def test_it_rings_for_a_draft_whose_server_left_the_campaign(stage, rung):
    mailbox = waiting(stage, status="deferred", next_try_at=stage.now, draft_id="d")
    Campaign.objects.get().delivery_servers.set([stage.add_server(status="inactive")])

    ticking.ring(stage.now)

    assert mailbox.pk in rung.mailboxes


def test_a_fault_with_one_campaign_keeps_no_other_from_its_bells(stage, rung, monkeypatch):
    campaigns = [stage.make_campaign(stage.add_server(), status="sending", queued_all=True) for _ in range(3)]
    finish = ticking.queueing.finish

    def stumble(campaign, now):
        if campaign == campaigns[1]:
            raise RuntimeError("a bug")
        return finish(campaign, now)

    monkeypatch.setattr(ticking.queueing, "finish", stumble)
    mailbox = waiting(stage, status="queued")
    ticking.ring(stage.now)

    for campaign in campaigns:
        campaign.refresh_from_db()
    assert [campaign.status for campaign in campaigns] == ["sent", "sending", "sent"]
    assert mailbox.pk in rung.mailboxes


def test_it_stops_ringing_for_ids_that_no_server_is_left_to_ask_for(stage):
    mailbox = waiting(stage, status="sent", next_try_at=stage.now, ids_wanted=True, server=None)
    Campaign.objects.update(status="sent")

    assert not ticking.mailboxes_with_work(stage.now).filter(pk=mailbox.pk).exists()

"""Queueing streams the list, and goes on from what was committed."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from audience.models import Subscriber
from campaigns import queueing, verbs
from campaigns.models import Campaign, Delivery
from campaigns.queueing import finish, queue_up, take_up
from campaigns.running import run_mailbox
from mailboxes.models import Mailbox
from tests.factories import make_delivery, make_subscriber


@pytest.fixture
def campaign(stage, monkeypatch):
    monkeypatch.setattr(queueing, "BATCH_SIZE", 3)
    return stage.make_campaign(stage.add_server(), subscribers=8)


def test_it_queues_everybody_once(stage, campaign):
    take_up(campaign, stage.now)

    assert queue_up(campaign, stage.now) == 8
    assert queue_up(campaign, stage.now) == 0
    assert Delivery.objects.count() == 8
    campaign.refresh_from_db()
    assert campaign.queued_all


def test_a_batch_and_its_resume_point_are_one(stage, campaign, monkeypatch):
    take_up(campaign, stage.now)
    whole = Delivery.objects.bulk_create
    monkeypatch.setattr(type(Delivery.objects), "bulk_create", _failing)

    with pytest.raises(DatabaseError):
        queue_up(campaign, stage.now)
    campaign.refresh_from_db()
    assert campaign.queued_up_to == 0

    monkeypatch.setattr(
        type(Delivery.objects), "bulk_create", lambda _, *args, **kwargs: whole(*args, **kwargs)
    )
    assert queue_up(campaign, stage.now) == 8


def _failing(*args, **kwargs):
    raise DatabaseError("the disk is full")


def test_a_worker_that_looked_before_another_one_queued_goes_on_behind_it(stage, campaign):
    take_up(campaign, stage.now)
    late = Campaign.objects.get(pk=campaign.pk)
    queueing._queue_batch(campaign, stage.now)

    assert queueing._queue_batch(late, stage.now) == 3
    assert Delivery.objects.count() == 6


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_finds_another_one_at_it_leaves_at_once(stage, campaign, postgres):
    take_up(campaign, stage.now)
    found: list[int] = []

    def find_another() -> None:
        try:
            found.append(queue_up(campaign, stage.now))
        finally:
            connection.close()

    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        late = threading.Thread(target=find_another)
        late.start()
        late.join(10)

    assert found == [0]
    assert queue_up(campaign, stage.now) == 8


def test_it_takes_the_same_number_of_statements_for_every_batch(stage, campaign, django_assert_num_queries):
    take_up(campaign, stage.now)
    with django_assert_num_queries(8):
        # begin, the campaign, subscribers, known rows, known addresses, resume point, insert, commit
        queueing._queue_batch(campaign, stage.now)


def test_the_look_for_those_left_out_goes_on_where_it_was_stopped(stage, campaign):
    take_up(campaign, stage.now)
    calls = 0
    while not campaign.queued_all:
        queue_up(campaign, stage.now, budget_seconds=0)
        calls += 1

    assert Delivery.objects.count() == 8
    assert calls == 3 + 3 + 1  # each a batch: the list, the list again, its end


def test_only_one_worker_takes_a_campaign_up(stage, campaign):
    assert take_up(campaign, stage.now)
    assert not take_up(campaign, stage.now)


def test_a_paused_campaign_queues_nobody(stage, campaign):
    take_up(campaign, stage.now)
    Campaign.objects.update(status="paused")

    assert queue_up(campaign, stage.now) == 0


def test_a_campaign_ends_only_when_nothing_is_left_to_do_by_itself(stage, campaign):
    take_up(campaign, stage.now)
    queue_up(campaign, stage.now)
    Delivery.objects.update(status="sent")
    last = Delivery.objects.first()

    for status, next_try_at, ends in [
        ("queued", None, False),
        ("sending", stage.now, False),
        ("deferred", stage.now, False),
        ("unknown", stage.now, False),
        ("unknown", None, True),
    ]:
        Delivery.objects.filter(pk=last.pk).update(status=status, next_try_at=next_try_at)
        assert finish(campaign, stage.now) is ends, status


def test_one_who_confirms_while_it_is_sent_is_included(stage, campaign):
    take_up(campaign, stage.now)
    queueing._queue_batch(campaign, stage.now)
    make_subscriber(stage.list)

    queue_up(campaign, stage.now)

    assert Delivery.objects.count() == 9


@pytest.mark.parametrize("was_sent", [True, False])
def test_an_address_that_is_deleted_and_added_again_meanwhile_gets_one(stage, campaign, was_sent):
    take_up(campaign, stage.now)
    campaign.refresh_from_db()
    queueing._queue_batch(campaign, stage.now)
    if was_sent:
        run_mailbox(Mailbox.objects.get(), stage.now)
    first = stage.list.subscribers.first()
    first.delete()
    make_subscriber(stage.list, first.email)

    stage.run(campaign)

    stage.assert_everyone_got_one(campaign)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_those_of_an_import_that_commits_late_are_not_passed_over(stage, campaign, postgres):
    """Their numbers were given out before those of subscribers who are queued already."""
    inserted, may_commit = threading.Event(), threading.Event()

    def import_slowly() -> None:
        try:
            with transaction.atomic():
                make_subscriber(stage.list)
                inserted.set()
                may_commit.wait(10)
        finally:
            connection.close()

    importing = threading.Thread(target=import_slowly)
    importing.start()
    inserted.wait(10)
    stage.add_subscribers(1)
    take_up(campaign, stage.now)
    campaign.refresh_from_db()
    while queueing._queue_batch(campaign, stage.now):
        campaign.refresh_from_db()
        if campaign.queued_up_to == stage.list.subscribers.last().pk:
            may_commit.set()
            importing.join()

    queue_up(campaign, stage.now)

    assert Delivery.objects.count() == 10


def test_one_who_confirms_behind_the_resume_point_is_included(stage, campaign):
    late = stage.list.subscribers.first()
    Subscriber.objects.filter(pk=late.pk).update(status="unconfirmed")
    take_up(campaign, stage.now)
    campaign.refresh_from_db()
    queueing._queue_batch(campaign, stage.now)
    Subscriber.objects.filter(pk=late.pk).update(status="confirmed")

    assert queue_up(campaign, stage.now) == 5
    assert campaign.deliveries.filter(subscriber=late).count() == 1


def test_one_whose_address_changes_after_it_was_queued_stalls_nothing(stage, campaign):
    take_up(campaign, stage.now)
    campaign.refresh_from_db()
    queueing._queue_batch(campaign, stage.now)
    Subscriber.objects.filter(pk=stage.list.subscribers.first().pk).update(email_key="new@receiver.example")

    assert queue_up(campaign, stage.now) == 5
    campaign.refresh_from_db()
    assert campaign.queued_all


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_campaign_does_not_end_over_a_message_that_is_released_at_that_moment(stage, campaign, monkeypatch):
    Campaign.objects.update(status="sending", started_at=stage.now, queued_all=True)
    campaign.refresh_from_db()
    delivery = make_delivery(campaign, stage.list.subscribers.first(), status="unknown", sent_at=None)
    exists = QuerySet.exists

    def release() -> None:
        try:
            verbs.release_delivery(Delivery.objects.get(pk=delivery.pk), actor=None, now=stage.now)
        finally:
            connection.close()

    releasing = threading.Thread(target=release)

    def look_then_dawdle(rows):
        found = exists(rows)
        if rows.model is Campaign and threading.current_thread() is not releasing and not releasing.ident:
            releasing.start()
            releasing.join(0.5)
        return found

    monkeypatch.setattr(QuerySet, "exists", look_then_dawdle)
    finish(campaign, stage.now)
    releasing.join()

    campaign.refresh_from_db()
    delivery.refresh_from_db()
    assert (campaign.status, delivery.status) == ("sending", "queued")

"""Undo: one change or a batch; a conflict with something later is shown and nothing overwritten."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from audience import changes
from audience.journal import Cause, erase_deleted
from audience.models import Change, GroupStop, Subscriber
from audience.undo import undo_change, undo_changes
from tests.factories import make_campaign_group, make_customer, make_list, make_subscriber, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERSON = Cause("person")


@pytest.fixture
def ada() -> Subscriber:
    return make_subscriber(make_list(make_customer()), "ada@receiver.example", fields={"FNAME": "Ada"})


def newest() -> Change:
    return Change.objects.latest("pk")


def test_it_undoes_an_unsubscription(ada):
    changes.unsubscribe(ada, PERSON, NOW)

    assert undo_change(newest(), by=None, now=NOW).text == "confirmed again"

    ada.refresh_from_db()
    assert ada.status == "confirmed"
    assert newest().undone_at == NOW


def test_it_shows_a_later_change_instead_of_overwriting_it(ada):
    changes.unconfirm(ada, Cause("monitor", "1"), NOW)
    first = newest()
    changes.unsubscribe(ada, Cause("subscriber", text="clicked the link"), NOW)

    outcome = undo_change(first, by=None, now=NOW)

    ada.refresh_from_db()
    assert not outcome.changed
    assert "clicked the link" in outcome.text
    assert ada.status == "unsubscribed"


def test_a_later_cause_for_the_same_state_keeps_it(ada):
    changes.unsubscribe(ada, Cause("complaint", "1"), NOW)
    first = newest()
    changes.unsubscribe(ada, Cause("subscriber"), NOW)

    assert not undo_change(first, by=None, now=NOW).changed

    ada.refresh_from_db()
    assert ada.status == "unsubscribed"


def test_it_undoes_a_second_time_only_once(ada):
    changes.unsubscribe(ada, PERSON, NOW)
    row = newest()
    undo_change(row, by=None, now=NOW)
    changes.unsubscribe(ada, Cause("subscriber"), NOW)

    assert undo_change(row, by=None, now=NOW).text == "undone already"

    ada.refresh_from_db()
    assert ada.status == "unsubscribed"


def test_a_customer_undoes_nothing_of_another(ada):
    changes.unsubscribe(ada, PERSON, NOW)
    stranger = make_user(make_customer("Rival"))

    assert not undo_change(newest(), by=stranger, now=NOW).changed

    ada.refresh_from_db()
    assert ada.status == "unsubscribed"


def test_it_restores_a_deleted_subscriber_as_it_was(ada):
    group = make_campaign_group(ada.customer)
    changes.stop_group(ada, group, PERSON, NOW)
    pk, uid = ada.pk, ada.uid
    changes.delete(ada, PERSON, NOW)

    assert undo_change(newest(), by=None, now=NOW + timedelta(days=29)).text == "restored"

    back = Subscriber.objects.get(uid=uid)
    assert (back.pk, back.email, back.status, back.fields) == (
        pk,
        "ada@receiver.example",
        "confirmed",
        {"FNAME": "Ada"},
    )
    assert GroupStop.objects.get().subscriber == back
    assert Change.objects.filter(subscriber=back).count() == 2


def test_it_restores_nobody_after_thirty_days(ada):
    changes.delete(ada, PERSON, NOW)

    assert not undo_change(newest(), by=None, now=NOW + timedelta(days=31)).changed
    assert not Subscriber.objects.exists()


def test_after_thirty_days_the_journal_forgets_whom_it_deleted(ada):
    changes.delete(ada, PERSON, NOW)

    assert erase_deleted(NOW + timedelta(days=29)) == 0
    assert erase_deleted(NOW + timedelta(days=31)) == 1
    assert newest().before == {}


def test_it_does_not_restore_over_a_new_subscriber_of_that_address(ada):
    changes.delete(ada, PERSON, NOW)
    row = newest()
    changes.subscribe(ada.list, "ada@receiver.example", {}, "unsubscribed", PERSON, NOW)

    assert not undo_change(row, by=None, now=NOW).changed
    assert Subscriber.objects.get().status == "unsubscribed"


def test_a_restored_subscriber_who_was_blacklisted_meanwhile_is_marked(ada):
    changes.delete(ada, PERSON, NOW)
    row = newest()
    changes.blacklist(ada.email, ada.customer, PERSON, NOW, shared=False)

    undo_change(row, by=None, now=NOW)

    assert Subscriber.objects.get().status == "blacklisted"


def test_it_undoes_a_move_with_its_copy(ada):
    target = make_list(ada.customer)
    changes.move_to_list(ada, target, Cause("monitor"), NOW)

    results = undo_changes(Change.objects.all(), by=None, now=NOW)

    ada.refresh_from_db()
    assert [result.outcome.text for result in results] == ["back on its list"]
    assert (ada.status, ada.moved_to) == ("confirmed", None)
    assert not target.subscribers.exists()


def test_it_keeps_a_copy_that_lives_its_own_life(ada):
    target = make_list(ada.customer)
    changes.move_to_list(ada, target, Cause("monitor"), NOW)
    move = newest()
    changes.unsubscribe(target.subscribers.get(), Cause("subscriber"), NOW)

    assert not undo_change(move, by=None, now=NOW).changed
    assert target.subscribers.get().status == "unsubscribed"


def test_it_undoes_a_whole_batch_newest_first(ada):
    batch = uuid.uuid4()
    group = make_campaign_group(ada.customer)
    changes.unconfirm(ada, Cause("monitor", batch=batch), NOW)
    changes.unsubscribe(ada, Cause("monitor", batch=batch), NOW)
    changes.stop_group(ada, group, Cause("monitor", batch=batch), NOW)

    results = undo_changes(Change.objects.filter(batch=batch), by=None, now=NOW)

    ada.refresh_from_db()
    assert [result.outcome.changed for result in results] == [True, True, True]
    assert ada.status == "confirmed"
    assert not GroupStop.objects.exists()


def test_it_undoes_an_edit(ada):
    changes.edit(ada, email="ada@other.example", fields={"FNAME": "A."}, cause=PERSON, now=NOW)

    undo_change(newest(), by=None, now=NOW)

    ada.refresh_from_db()
    assert (ada.email, ada.fields) == ("ada@receiver.example", {"FNAME": "Ada"})

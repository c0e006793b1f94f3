"""Every change to a subscriber: done once, journalled with its cause, harmless to repeat."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audience import changes
from audience.journal import Cause, why
from audience.models import BlacklistEntry, Change, GroupStop, Subscriber
from tests.factories import make_campaign_group, make_customer, make_list, make_subscriber, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Status = Subscriber.Status


def by_bounce(number: str = "1") -> Cause:
    return Cause(Change.Cause.BOUNCE, number, "550 5.1.1 user unknown")


@pytest.fixture
def ada() -> Subscriber:
    return make_subscriber(make_list(make_customer()), "ada@receiver.example")


def test_it_unsubscribes_and_journals_before_after_and_cause(ada):
    outcome = changes.unsubscribe(ada, by_bounce(), NOW)

    ada.refresh_from_db()
    assert (outcome.changed, outcome.text) == (True, "unsubscribed")
    assert ada.status == Status.UNSUBSCRIBED
    change = Change.objects.get()
    assert (change.before, change.after) == ({"status": "confirmed"}, {"status": "unsubscribed"})
    assert (change.cause_kind, change.cause_id, change.at) == ("bounce", "1", NOW)


def test_it_says_so_when_there_is_nothing_to_do(ada):
    cause = by_bounce()
    changes.unsubscribe(ada, cause, NOW)

    again = changes.unsubscribe(ada, cause, NOW)

    assert (again.changed, again.text) == (False, "already unsubscribed")
    assert Change.objects.count() == 1


def test_it_notes_a_second_cause_that_changes_nothing(ada):
    changes.unsubscribe(ada, by_bounce("1"), NOW)
    changes.unsubscribe(ada, Cause(Change.Cause.SUBSCRIBER), NOW)

    assert [change.cause_kind for change in Change.objects.order_by("pk")] == ["bounce", "subscriber"]


def test_it_never_brings_back_by_unconfirming(ada):
    changes.unsubscribe(ada, by_bounce(), NOW)

    outcome = changes.unconfirm(ada, Cause(Change.Cause.MONITOR, "2"), NOW)

    ada.refresh_from_db()
    assert not outcome.changed
    assert ada.status == Status.UNSUBSCRIBED


@pytest.mark.parametrize(("kind", "raised"), [("import", False), ("provisioning", False), ("person", True)])
def test_only_a_person_raises_a_standing(ada, kind, raised):
    changes.unsubscribe(ada, by_bounce(), NOW)

    changes.subscribe(ada.list, "ADA@receiver.example", {}, Status.CONFIRMED, Cause(kind), NOW)

    ada.refresh_from_db()
    assert (ada.status == Status.CONFIRMED) is raised


def test_subscribing_twice_makes_one_subscriber_and_keeps_other_fields(ada):
    changes.subscribe(ada.list, "new@receiver.example", {"FNAME": "N"}, Status.CONFIRMED, by_bounce(), NOW)
    changes.subscribe(ada.list, "NEW@receiver.example", {"CITY": "Ulm"}, Status.CONFIRMED, by_bounce(), NOW)

    row = Subscriber.objects.get(email_key="new@receiver.example")
    assert row.fields == {"FNAME": "N", "CITY": "Ulm"}


def test_unsubscribing_on_the_blacklist_outlives_the_blacklist(ada):
    changes.blacklist(ada.email, ada.customer, Cause(Change.Cause.PERSON), NOW, shared=False)
    changes.unsubscribe(ada, Cause(Change.Cause.SUBSCRIBER), NOW)
    ada.refresh_from_db()
    assert ada.status == Status.BLACKLISTED

    changes.lift(BlacklistEntry.objects.get(), Cause(Change.Cause.PERSON), NOW)

    ada.refresh_from_db()
    assert ada.status == Status.UNSUBSCRIBED


def test_moving_leaves_a_trace_that_later_verbs_follow(ada):
    target = make_list(ada.customer, name="Others")

    outcome = changes.move_to_list(ada, target, by_bounce(), NOW)
    changes.unsubscribe(ada, Cause(Change.Cause.SUBSCRIBER), NOW)

    ada.refresh_from_db()
    moved = target.subscribers.get()
    assert outcome.text == "moved to “Others”"
    assert (ada.status, ada.moved_to, moved.status) == (Status.MOVED, moved, Status.UNSUBSCRIBED)


def test_moving_there_and_back_ends_where_it_began(ada):
    home, target = ada.list, make_list(ada.customer)
    changes.move_to_list(ada, target, by_bounce(), NOW)

    changes.move_to_list(target.subscribers.get(), home, by_bounce("2"), NOW)

    ada.refresh_from_db()
    assert (ada.status, ada.moved_to) == (Status.CONFIRMED, None)
    assert target.subscribers.get().status == Status.MOVED


def test_copying_to_a_list_of_another_customer_changes_nothing(ada):
    rivals = make_list(make_customer("Rival"))

    outcome = changes.copy_to_list(ada, rivals, by_bounce(), NOW)

    assert not outcome.changed
    assert not rivals.subscribers.exists()
    assert not Change.objects.exists()


def test_copying_twice_says_that_it_is_there(ada):
    target = make_list(ada.customer, name="Others")
    changes.copy_to_list(ada, target, by_bounce(), NOW)

    assert changes.copy_to_list(ada, target, by_bounce(), NOW).text == "already on “Others”"
    assert target.subscribers.count() == 1


def test_stopping_a_group_happens_once_and_only_within_a_customer(ada):
    group = make_campaign_group(ada.customer, name="Weekly")
    foreign = make_campaign_group(make_customer("Rival"))

    assert changes.stop_group(ada, group, by_bounce(), NOW).text == "stopped “Weekly”"
    assert changes.stop_group(ada, group, by_bounce(), NOW).text == "already stopped “Weekly”"
    assert not changes.stop_group(ada, foreign, by_bounce(), NOW).changed
    assert GroupStop.objects.get().group == group


def test_a_deleted_subscriber_is_nobody(ada):
    changes.delete(ada, by_bounce(), NOW)

    again = changes.delete(ada, by_bounce(), NOW)
    assert again.text == "no such subscriber"
    assert not Subscriber.objects.exists()
    assert Change.objects.get().before["email"] == "ada@receiver.example"


def test_editing_to_an_address_on_the_blacklist_marks_it(ada):
    changes.blacklist("bad@receiver.example", ada.customer, Cause(Change.Cause.PERSON), NOW, shared=False)

    changes.edit(ada, email="Bad@receiver.example", fields={"A": "1"}, cause=by_bounce(), now=NOW)

    ada.refresh_from_db()
    assert (ada.email, ada.status, ada.standing) == ("Bad@receiver.example", "blacklisted", "confirmed")


def test_why_tells_each_change_with_its_cause_newest_first(ada):
    boss = make_user(ada.customer, email="boss@acme.example")
    changes.unsubscribe(ada, by_bounce("7"), NOW)
    changes.confirm(ada, Cause(Change.Cause.PERSON, actor=boss, text="asked by phone"), NOW)

    reasons = why(ada)

    assert [reason.text for reason in reasons] == [
        "Confirmed on 2026-11-20 12:00 UTC: asked by phone (Person: boss@acme.example).",
        "Unsubscribed on 2026-11-20 12:00 UTC: 550 5.1.1 user unknown (Bounce).",
    ]
    assert (reasons[1].kind, reasons[1].id) == ("bounce", "7")

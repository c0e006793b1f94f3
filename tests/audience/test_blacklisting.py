"""The blacklist: own and shared entries, who sees which cause, and leaving only with the last cause."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.models import SystemSettings
from audience import changes
from audience.journal import Cause, why
from audience.models import BlacklistEntry, Change, Subscriber
from audience.undo import undo_change, undo_changes
from tests.factories import make_admin, make_customer, make_list, make_subscriber, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADDRESS = "ada@receiver.example"


@pytest.fixture
def acmes() -> Subscriber:
    return make_subscriber(make_list(make_customer("Acme")), ADDRESS)


@pytest.fixture
def rivals() -> Subscriber:
    return make_subscriber(make_list(make_customer("Rival")), "ADA@receiver.example")


def bounce(number: int = 1) -> Cause:
    return Cause(Change.Cause.BOUNCE, str(number), f"hard bounce {number}")


def statuses(*rows: Subscriber) -> list[str]:
    return [Subscriber.objects.get(pk=row.pk).status for row in rows]


def test_a_bounce_blacklists_for_every_customer_while_they_share_one_list(acmes, rivals):
    outcome = changes.blacklist(ADDRESS, acmes.customer, bounce(), NOW, shared=True)

    assert outcome.text == "blacklisted for all customers"
    assert BlacklistEntry.objects.get().customer is None
    assert statuses(acmes, rivals) == ["blacklisted", "blacklisted"]


def test_others_see_that_it_is_blacklisted_and_no_cause(acmes, rivals):
    changes.blacklist(ADDRESS, acmes.customer, bounce(), NOW, shared=True)

    (own,), (other,) = why(acmes), why(rivals)
    assert (own.kind, own.id) == ("bounce", "1")
    assert (other.kind, other.id) == ("platform", "")
    assert other.text == "Blacklisted on 2026-11-20 12:00 UTC: blacklisted by the platform."
    assert Change.objects.for_customer(rivals.customer).get().cause_text == "blacklisted by the platform"


@pytest.mark.parametrize("kind", ["person", "import", "provisioning", "subscriber"])
def test_a_hand_made_entry_stays_the_customers_own(acmes, rivals, kind):
    changes.blacklist(ADDRESS, acmes.customer, Cause(kind), NOW, shared=True)

    assert BlacklistEntry.objects.get().customer == acmes.customer
    assert statuses(acmes, rivals) == ["blacklisted", "confirmed"]


def test_nothing_is_shared_when_the_setting_is_off(acmes, rivals):
    SystemSettings.load()
    SystemSettings.objects.update(customer_blacklist_is_global=False)

    changes.blacklist(ADDRESS, acmes.customer, bounce(), NOW, shared=True)

    assert statuses(acmes, rivals) == ["blacklisted", "confirmed"]


def test_repeating_a_cause_writes_nothing_and_another_cause_is_noted(acmes):
    changes.blacklist(ADDRESS, acmes.customer, bounce(1), NOW, shared=True)
    first = Change.objects.count()

    again = changes.blacklist(ADDRESS, acmes.customer, bounce(1), NOW, shared=True)
    changes.blacklist(ADDRESS, acmes.customer, bounce(2), NOW, shared=True)

    assert (again.changed, again.text) == (False, "already blacklisted")
    assert Change.objects.count() == first + 1


def test_an_address_leaves_the_blacklist_only_with_its_last_cause(acmes, rivals):
    admin = make_admin()
    changes.blacklist(ADDRESS, acmes.customer, bounce(1), NOW, shared=True)
    changes.blacklist(ADDRESS, rivals.customer, bounce(2), NOW, shared=True)
    first, second = Change.objects.filter(subscriber_uid="").order_by("pk")

    assert "1 other" in undo_change(first, by=admin, now=NOW).text
    assert statuses(acmes, rivals) == ["blacklisted", "blacklisted"]

    undo_change(second, by=admin, now=NOW)
    assert statuses(acmes, rivals) == ["confirmed", "confirmed"]
    assert not BlacklistEntry.objects.exists()


def test_a_customer_cannot_lift_a_shared_entry(acmes, rivals):
    changes.blacklist(ADDRESS, acmes.customer, bounce(), NOW, shared=True)
    owner = make_user(acmes.customer)
    own_rows = Change.objects.for_customer(acmes.customer)

    lifted = changes.lift(BlacklistEntry.objects.get(), Cause("person", actor=owner), NOW)
    undone = undo_changes(own_rows, by=owner, now=NOW)

    assert not lifted.changed
    assert [result.outcome.changed for result in undone] == [False]
    assert "platform" in undone[0].outcome.text
    assert statuses(acmes, rivals) == ["blacklisted", "blacklisted"]


def test_a_shared_entry_that_goes_leaves_the_own_one_in_force(acmes, rivals):
    changes.blacklist(ADDRESS, acmes.customer, Cause("person"), NOW, shared=False)
    changes.blacklist(ADDRESS, rivals.customer, bounce(), NOW, shared=True)

    changes.lift(BlacklistEntry.objects.get(customer=None), Cause("person", actor=make_admin()), NOW)

    assert statuses(acmes, rivals) == ["blacklisted", "confirmed"]


def test_undoing_a_lift_puts_entry_and_causes_back(acmes):
    changes.blacklist(ADDRESS, acmes.customer, bounce(1), NOW, shared=False)
    changes.lift(BlacklistEntry.objects.get(), Cause("person"), NOW)
    lift_row = Change.objects.get(action="lift", subscriber_uid="")

    undo_change(lift_row, by=None, now=NOW)

    assert statuses(acmes) == ["blacklisted"]
    cause = Change.objects.get(action="blacklist", subscriber_uid="")
    assert cause.undone_at is None
    undo_change(cause, by=None, now=NOW)
    assert statuses(acmes) == ["confirmed"]


def test_a_new_subscriber_on_the_blacklist_is_marked_from_the_start(acmes):
    changes.blacklist("eve@receiver.example", acmes.customer, bounce(), NOW, shared=True)

    made = changes.subscribe(
        acmes.list, "Eve@receiver.example", {}, "confirmed", Cause("import"), NOW
    ).subscriber

    assert (made.status, made.standing) == ("blacklisted", "confirmed")
    changes.lift(BlacklistEntry.objects.get(), Cause("person"), NOW)
    assert statuses(made) == ["confirmed"]


def test_an_import_of_a_blacklisted_status_makes_an_entry_with_that_cause(acmes):
    changes.subscribe(acmes.list, ADDRESS, {}, "blacklisted", Cause("import", "7"), NOW)

    assert statuses(acmes) == ["blacklisted"]
    assert BlacklistEntry.objects.get().customer == acmes.customer

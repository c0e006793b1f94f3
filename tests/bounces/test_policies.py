"""Settings that are off by default: soft bounces that count, and the brake that asks a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audience.models import BlacklistEntry
from bounces.braking import cause_key
from bounces.models import Bounce, BouncePolicy, EffectState
from bounces.releasing import apply_held, drop_held, held_alike
from tests.factories import make_campaign, make_group


@pytest.fixture
def room(graph_room):
    graph_room.add_bounce_server()
    graph_room.open_for_business()
    return graph_room


def bounce_again(room, subscriber, kind: str, days_ago: float = 0) -> None:
    """Another campaign to the same subscriber, and its report."""
    room._campaigns[subscriber.list_id] = make_campaign(subscriber.list, name="Another")
    room.bounce(subscriber, kind)
    room.read()
    Bounce.objects.filter(pk=Bounce.objects.latest("pk").pk).update(
        created_at=room.now - timedelta(days=days_ago)
    )


class TestSoftBounces:
    def test_they_are_only_logged_by_default(self, room):
        ada = room.subscribe("ada@receiver.example")
        for _ in range(5):
            bounce_again(room, ada, "mailbox-full")

        ada.refresh_from_db()
        assert ada.status == "confirmed"

    def test_the_nth_within_the_days_counts_as_hard(self, room):
        BouncePolicy.objects.create(soft_bounces=3, soft_bounce_days=30)
        ada = room.subscribe("ada@receiver.example")
        for _ in range(2):
            bounce_again(room, ada, "mailbox-full")
        ada.refresh_from_db()
        assert ada.status == "confirmed"

        bounce_again(room, ada, "mailbox-full")

        ada.refresh_from_db()
        assert ada.status == "blacklisted"
        assert "3 soft bounces within 30 days" in BlacklistEntry.objects.get().reason

    def test_older_ones_and_delay_notices_never_count(self, room):
        BouncePolicy.objects.create(soft_bounces=2, soft_bounce_days=30)
        ada = room.subscribe("ada@receiver.example")
        bounce_again(room, ada, "mailbox-full", days_ago=31)
        bounce_again(room, ada, "delayed")
        bounce_again(room, ada, "mailbox-full")

        ada.refresh_from_db()
        assert ada.status == "confirmed"

    def test_two_reports_about_one_delivery_count_once(self, room):
        BouncePolicy.objects.create(soft_bounces=2)
        ada = room.subscribe("ada@receiver.example")
        delivery = room.bounce(ada, "mailbox-full")
        room.arrive(room.report(delivery, "mailbox-full"))
        room.read()

        ada.refresh_from_db()
        assert ada.status == "confirmed"

    def test_a_groups_own_policy_goes_before_the_default(self, room):
        group = make_group()
        room.acme.group = group
        room.acme.save()
        BouncePolicy.objects.create(soft_bounces=1)
        BouncePolicy.objects.create(group=group, soft_bounces=0)
        ada = room.subscribe("ada@receiver.example")
        room.bounce(ada, "mailbox-full")
        room.read()

        ada.refresh_from_db()
        assert ada.status == "confirmed"


class TestBrake:
    @pytest.fixture
    def many(self, room) -> list:
        """Six hard bounces of one kind, with a brake after four."""
        BouncePolicy.objects.create(brake_effects=4)
        subscribers = [room.subscribe(f"reader{number}@receiver.example") for number in range(6)]
        for subscriber in subscribers:
            room.bounce(subscriber)
        room.read()
        return subscribers

    def statuses(self, subscribers) -> list[str]:
        for subscriber in subscribers:
            subscriber.refresh_from_db()
        return sorted(subscriber.status for subscriber in subscribers)

    def test_it_holds_what_exceeds_the_number_and_says_why(self, many):
        assert self.statuses(many) == ["blacklisted"] * 4 + ["confirmed"] * 2
        held = Bounce.objects.filter(effect_state=EffectState.HELD)
        assert held.count() == 2
        assert "more than 4 effects within an hour" in held[0].effect

    def test_one_act_applies_everything_that_is_held(self, many, room):
        held = Bounce.objects.filter(effect_state=EffectState.HELD).values("pk")[:1]

        assert apply_held(held_alike(Bounce.objects.filter(pk=held)), room.now) == 2

        assert self.statuses(many) == ["blacklisted"] * 6
        assert apply_held(Bounce.objects.all(), room.now) == 0

    def test_one_act_drops_everything_that_is_held(self, many, room):
        held = Bounce.objects.filter(effect_state=EffectState.HELD).values("pk")[:1]

        assert drop_held(held_alike(Bounce.objects.filter(pk=held)), None, room.now) == 2

        assert self.statuses(many) == ["blacklisted"] * 4 + ["confirmed"] * 2
        assert apply_held(Bounce.objects.all(), room.now) == 0

    def test_after_an_hour_it_lets_go(self, many, room):
        room.world.advance(3_700)
        late = room.subscribe("late@receiver.example")
        room.bounce(late)
        room.read()

        assert self.statuses([late]) == ["blacklisted"]

    def test_another_refusal_through_another_server_goes_on(self, many, room):
        other = room.subscribe("other@receiver.example")
        room.bounce(other, "disabled")
        room.read()

        assert self.statuses([other]) == ["blacklisted"]

    def test_it_is_off_by_default(self, room):
        subscribers = [room.subscribe(f"reader{number}@receiver.example") for number in range(6)]
        for subscriber in subscribers:
            room.bounce(subscriber)
        room.read()

        assert self.statuses(subscribers) == ["blacklisted"] * 6

    def test_a_share_of_what_a_server_sent_holds_too(self, room):
        BouncePolicy.objects.create(brake_percent=50)
        server = room.add_delivery_server()
        subscribers = [room.subscribe(f"reader{number}@receiver.example") for number in range(12)]
        for subscriber in subscribers:
            room.arrive(room.report(room.deliver(subscriber, server=server)))
        room.read()

        assert self.statuses(subscribers) == ["blacklisted"] * 9 + ["confirmed"] * 3


def test_the_same_refusal_has_one_key_whoever_is_refused():
    first = cause_key("5.1.1", "550 5.1.1 <ada@receiver.example>: unknown user (id 4F2A91C)")
    second = cause_key("5.1.1", "550 5.1.1 <bob@other.example>: Unknown  user (id 77A0B2D)")

    assert first == second
    assert first != cause_key("5.7.1", "550 5.7.1 <ada@receiver.example>: blocked")

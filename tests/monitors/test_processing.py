"""Monitors from the mailbox to their actions: first match wins, each for its own customer, never twice."""

from __future__ import annotations

import pytest

from audience.models import BlacklistEntry, Change, GroupStop, Subscriber
from campaigns.links import track, unsubscribe_url
from mailboxes.models import ProcessedMessage
from monitors.models import MonitorHit
from tests.factories import make_campaign_group, make_customer, make_list
from tests.mailroom import human_reply

ANYTHING = {"value": "*", "action": "unsubscribe"}


@pytest.fixture
def ada(room) -> Subscriber:
    return room.subscribe("ada@receiver.example")


def receive(room, text="Please stop.", sender="ada@receiver.example", **headers):
    return room.arrive(human_reply(f"Ada <{sender}>", text, **headers))


@pytest.mark.parametrize(
    ("action", "status", "outcome"),
    [
        ("unsubscribe", "unsubscribed", "unsubscribed"),
        ("blacklist", "blacklisted", "blacklisted for all customers"),
        ("unconfirm", "unconfirmed", "unconfirmed"),
    ],
)
def test_it_changes_the_status_the_condition_asks_for(room, ada, action, status, outcome):
    room.add_monitor({"value": "stop", "action": action})
    room.open_for_business()
    receive(room)

    _, report = room.read()

    ada.refresh_from_db()
    hit = MonitorHit.objects.get()
    assert (report.handled, report.matched) == (1, 1)
    assert (ada.status, hit.outcome, hit.changed) == (status, outcome, True)
    assert (hit.subscriber, hit.identified_by, hit.customer) == (ada, "email address", room.acme)
    cause = Change.objects.filter(subscriber_uid=ada.uid).get()
    assert (cause.cause_kind, cause.cause_id) == ("monitor", str(hit.pk))


def test_it_deletes(room, ada):
    room.add_monitor({"value": "stop", "action": "delete"})
    room.open_for_business()
    receive(room)

    room.read()

    assert not Subscriber.objects.exists()
    assert (MonitorHit.objects.get().outcome, MonitorHit.objects.get().subscriber_email) == (
        "deleted",
        "ada@receiver.example",
    )


def test_it_moves_copies_and_stops_a_group(room, ada):
    others, more = make_list(room.acme, name="Others"), make_list(room.acme, name="More")
    group = make_campaign_group(room.acme, name="Weekly")
    room.add_monitor(
        {"value": "copy me", "action": "copy_to_list", "target_list": more},
        {"value": "not weekly", "action": "stop_campaign_group", "target_group": group},
        {"value": "move me", "action": "move_to_list", "target_list": others},
    )
    room.open_for_business()
    room.subscribe("eve@receiver.example")
    room.subscribe("bob@receiver.example")
    receive(room, "please copy me")
    receive(room, "not weekly please", sender="eve@receiver.example")
    receive(room, "move me", sender="bob@receiver.example")

    room.read()

    outcomes = set(MonitorHit.objects.values_list("outcome", flat=True))
    assert outcomes == {"copied to “More”", "stopped “Weekly”", "moved to “Others”"}
    assert (more.subscribers.count(), others.subscribers.count()) == (1, 1)
    assert GroupStop.objects.count() == 1


def test_the_first_matching_condition_wins(room, ada):
    room.add_monitor(
        {"value": "nothing like it", "action": "delete"},
        {"value": "stop", "action": "unconfirm"},
        {"value": "*", "action": "blacklist"},
    )
    room.open_for_business()
    receive(room)

    room.read()

    ada.refresh_from_db()
    assert ada.status == "unconfirmed"


def test_it_says_what_happened_when_there_was_nothing_to_do(room, ada):
    room.add_monitor(ANYTHING)
    room.open_for_business()
    receive(room, "once")
    room.read()
    receive(room, "twice")
    receive(room, "stranger", sender="nobody@elsewhere.example")

    room.read()

    outcomes = set(MonitorHit.objects.values_list("outcome", flat=True))
    assert outcomes == {"unsubscribed", "already unsubscribed", "no such subscriber"}


def test_only_the_reply_itself_is_matched(room, ada):
    room.add_monitor({"where": "body", "value": "unsubscribe", "action": "unsubscribe"})
    room.open_for_business()
    receive(
        room,
        "I like it!\n\n-- \nAda\n\nOn Mon, 16 Nov 2026 at 10:00, Acme News <news@acme.example> wrote:\n\n"
        "> To unsubscribe click here\n",
    )

    room.read()

    ada.refresh_from_db()
    assert ada.status == "confirmed"


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"List_Id": "<friends.example>"}, {"Precedence": "bulk"}],
)
def test_automatic_mail_is_left_out_unless_it_is_asked_for(graph_room, headers):
    room = graph_room
    ada = room.subscribe("ada@receiver.example")
    monitor = room.add_monitor(ANYTHING)
    room.open_for_business()
    receive(room, "I am away", **headers)
    room.read()
    ada.refresh_from_db()
    assert ada.status == "confirmed"

    monitor.skip_automatic = False
    monitor.save()
    receive(room, "I am still away", **headers)
    room.read()
    ada.refresh_from_db()
    assert ada.status == "unsubscribed"


def test_a_bounce_is_no_reply(room, ada):
    room.add_monitor(ANYTHING)
    room.open_for_business()
    room.bounce(ada)

    room.read()

    ada.refresh_from_db()
    assert ada.status == "confirmed"
    assert not MonitorHit.objects.exists()


def test_it_starts_from_now(room, ada):
    receive(room, "old news")
    room.world.advance(60)
    room.add_monitor(ANYTHING)

    room.read()

    ada.refresh_from_db()
    assert ada.status == "confirmed"


def test_it_keeps_mail_unless_it_is_to_delete_what_it_acted_on(room, ada):
    room.add_monitor({"value": "stop", "action": "unsubscribe"}, delete_processed=True)
    room.open_for_business()
    acted = receive(room, "stop")
    kept = receive(room, "hello")

    room.read()

    assert room.place_of(acted) in ("removed", "trash")
    assert (room.place_of(kept), kept.is_read) == ("inbox", False)


class TestIdentifying:
    def test_by_uid_it_finds_who_quotes_our_unsubscribe_link_from_any_address(self, room, ada):
        delivery = room.deliver(ada)
        room.add_monitor(ANYTHING, identify_by="uid")
        room.open_for_business()
        link = unsubscribe_url(ada.pk, delivery.campaign_id)
        receive(room, f"no more\n\n> click {link} to leave\n", sender="boss@elsewhere.example")

        room.read()

        ada.refresh_from_db()
        assert (ada.status, MonitorHit.objects.get().identified_by) == ("unsubscribed", "link")

    def test_by_uid_it_finds_whose_tracked_link_is_quoted(self, room, ada):
        campaign = room.deliver(ada).campaign
        html, _ = track(campaign, '<a href="https://acme.example/offer">Offer</a>', "")
        link = html.partition('href="')[2].partition('"')[0].replace("[LINK_UID]", ada.uid)
        room.add_monitor(ANYTHING, identify_by="uid")
        room.open_for_business()
        receive(room, f"no more\n\n> Offer <{link}>\n", sender="boss@elsewhere.example")

        room.read()

        ada.refresh_from_db()
        assert (ada.status, MonitorHit.objects.get().identified_by) == ("unsubscribed", "link")

    @pytest.mark.parametrize("header", ["In_Reply_To", "References"])
    def test_by_uid_it_finds_whose_message_is_answered(self, room, ada, header):
        delivery = room.deliver(ada)
        room.add_monitor(ANYTHING, identify_by="uid")
        room.open_for_business()
        answered = {header: f"<{delivery.sent_message_id}>"}
        receive(room, "no more", sender="boss@elsewhere.example", **answered)

        room.read()

        ada.refresh_from_db()
        assert (ada.status, MonitorHit.objects.get().identified_by) == ("unsubscribed", "message-id")

    def test_by_uid_alone_it_never_goes_by_the_address(self, room, ada):
        room.add_monitor(ANYTHING, identify_by="uid")
        room.open_for_business()
        receive(room)

        room.read()

        ada.refresh_from_db()
        assert (ada.status, MonitorHit.objects.get().outcome) == ("confirmed", "no such subscriber")

    def test_the_uid_goes_before_the_address(self, room, ada):
        eve = room.subscribe("eve@receiver.example")
        delivery = room.deliver(ada)
        room.add_monitor(ANYTHING, identify_by="uid_or_email")
        room.open_for_business()
        receive(room, sender=eve.email, In_Reply_To=f"<{delivery.sent_message_id}>")

        room.read()

        assert list(Subscriber.objects.order_by("pk").values_list("status", flat=True)) == [
            "unsubscribed",
            "confirmed",
        ]

    def test_without_a_uid_it_falls_back_to_the_address_on_every_list(self, room, ada):
        twin = room.subscribe("ADA@receiver.example", make_list(room.acme))
        room.add_monitor(ANYTHING, identify_by="uid_or_email")
        room.open_for_business()
        receive(room)

        room.read()

        assert set(Subscriber.objects.values_list("status", flat=True)) == {"unsubscribed"}
        assert twin.customer == room.acme

    def test_a_customers_monitor_finds_nobody_of_another(self, room, ada):
        rival = make_customer("Rival")
        theirs = room.subscribe("ada@receiver.example", make_list(rival))
        delivery = room.deliver(theirs)
        room.add_monitor(ANYTHING)
        room.open_for_business()
        receive(room, In_Reply_To=f"<{delivery.sent_message_id}>")

        room.read()

        theirs.refresh_from_db()
        ada.refresh_from_db()
        assert (theirs.status, ada.status) == ("confirmed", "unsubscribed")

    def test_an_unassigned_monitor_of_the_backend_reaches_everybody(self, room, ada):
        theirs = room.subscribe("ada@receiver.example", make_list(make_customer("Rival")))
        room.add_monitor(ANYTHING, customer=None)
        room.open_for_business()
        receive(room)

        room.read()

        theirs.refresh_from_db()
        ada.refresh_from_db()
        assert (theirs.status, ada.status) == ("unsubscribed", "unsubscribed")


def test_monitors_of_two_customers_share_a_mailbox_and_act_each_for_its_own(room, ada):
    rival = make_customer("Rival")
    theirs = room.subscribe("ada@receiver.example", make_list(rival))
    room.add_monitor({"value": "stop", "action": "unsubscribe"})
    room.add_monitor({"value": "stop", "action": "unconfirm"}, customer=rival)
    room.open_for_business()
    receive(room)

    _, report = room.read()

    ada.refresh_from_db()
    theirs.refresh_from_db()
    assert (ada.status, theirs.status) == ("unsubscribed", "unconfirmed")
    assert report.handled == 1
    assert {hit.customer for hit in MonitorHit.objects.all()} == {room.acme, rival}


def test_a_mailbox_is_listed_once_for_bounces_and_monitors(graph_room):
    room = graph_room
    room.add_bounce_server()
    room.add_monitor(ANYTHING)
    room.open_for_business()
    before = dict(room.world.calls)

    room.read()

    listings = {name: count - before.get(name, 0) for name, count in room.world.calls.items()}
    assert sum(listings.values()) == 2  # one request for each of the two folders, nothing else
    assert ProcessedMessage.objects.count() == 0


def test_a_blacklisting_by_a_monitor_is_shared_and_its_entry_has_no_owner(room, ada):
    room.add_monitor({"value": "*", "action": "blacklist"})
    room.open_for_business()
    receive(room)

    room.read()

    assert BlacklistEntry.objects.get().customer is None

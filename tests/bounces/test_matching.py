"""Which delivery a report belongs to, and whose deliveries a mailbox may speak of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audience.models import Change
from bounces.models import Bounce
from campaigns.models import Delivery
from keys import tokens
from keys.models import Token
from mailboxes import opening
from mailboxes.models import ProcessedMessage
from providers.errors import Unavailable
from tests.factories import make_customer, make_list
from tests.mailroom import collect_only

pytestmark = pytest.mark.services


def only_bounce() -> Bounce:
    return Bounce.objects.get()


class TestOrder:
    @pytest.fixture(autouse=True)
    def _open(self, graph_room):
        graph_room.add_bounce_server()
        graph_room.open_for_business()

    @pytest.fixture
    def ada(self, graph_room):
        return graph_room.subscribe("ada@receiver.example")

    def test_our_own_token_comes_first(self, graph_room, ada):
        older, newer = graph_room.deliver(ada), graph_room.deliver(graph_room.subscribe("x@y.example"))
        graph_room.arrive(graph_room.report(older, message_id=newer.sent_message_id))

        graph_room.read()

        assert (only_bounce().delivery, only_bounce().matched_by) == (older, "token")

    @pytest.mark.parametrize("field", ["sent_message_id", "submitted_message_id", "draft_message_id"])
    @pytest.mark.parametrize("form", ["{}", "<{}>"])
    def test_any_known_message_id_will_do(self, graph_room, ada, field, form):
        delivery = graph_room.deliver(ada)
        delivery.sent_message_id = "other@mail.example"
        setattr(delivery, field, form.format("known.id@mail.example"))
        delivery.save()
        graph_room.arrive(graph_room.report(delivery, token=False, message_id="known.id@mail.example"))

        graph_room.read()

        assert (only_bounce().delivery, only_bounce().matched_by) == (delivery, "message-id")

    def test_then_the_thread_it_arrived_in(self, graph_room, ada):
        delivery = graph_room.deliver(ada)
        twin = make_twin(graph_room, ada)
        graph_room.deliver(twin, sent_at=delivery.sent_at + timedelta(seconds=1))
        graph_room.arrive(graph_room.report(delivery, token=False, message_id="gone@mail.example"))
        collect_only(graph_room)
        row = ProcessedMessage.objects.get()
        Delivery.objects.filter(pk=delivery.pk).update(thread_id=row.thread_id)

        graph_room.read()

        assert (only_bounce().delivery, only_bounce().matched_by) == (delivery, "thread")

    def test_then_the_last_message_to_the_recipient_within_a_week(self, graph_room, ada):
        graph_room.deliver(ada, sent_at=graph_room.now - timedelta(days=2))
        last = graph_room.deliver(make_twin(graph_room, ada), sent_at=graph_room.now - timedelta(days=1))
        unknown = Delivery(
            recipient="ADA@receiver.example", sent_message_id="x@mail.example", token="unknown"
        )
        graph_room.arrive(graph_room.report(unknown))

        graph_room.read()

        assert (only_bounce().delivery, only_bounce().matched_by) == (last, "recipient")

    def test_a_message_of_eight_days_ago_is_not_taken_for_it(self, graph_room, ada):
        graph_room.deliver(ada, sent_at=graph_room.now - timedelta(days=8))
        unknown = Delivery(recipient=ada.email, sent_message_id="x@mail.example", token="unknown")
        graph_room.arrive(graph_room.report(unknown))

        graph_room.read()

        assert only_bounce().delivery is None

    def test_a_message_that_was_never_submitted_cannot_have_bounced(self, graph_room, ada):
        graph_room.deliver(ada, status=Delivery.Status.QUEUED)
        delivery = Delivery.objects.get()
        graph_room.arrive(graph_room.report(delivery))

        graph_room.read()

        assert only_bounce().delivery is None

    @pytest.mark.parametrize("status", ["queued", "deferred", "skipped"])
    def test_a_message_that_is_to_be_sent_again_may_have_bounced_all_the_same(self, graph_room, ada, status):
        delivery = graph_room.deliver(ada, status=status, tries=1, sent_at=None)
        graph_room.arrive(graph_room.report(delivery))

        graph_room.read()

        delivery.refresh_from_db()
        assert (only_bounce().delivery, delivery.status) == (delivery, "bounced")

    def test_a_report_settles_an_unknown_outcome(self, graph_room, ada):
        delivery = graph_room.deliver(ada, status=Delivery.Status.UNKNOWN, sent_at=None)
        graph_room.arrive(graph_room.report(delivery, "delayed"))

        graph_room.read()

        delivery.refresh_from_db()
        assert delivery.status == Delivery.Status.SENT

    def test_a_forwarded_subscriber_is_found_by_what_was_sent(self, graph_room, ada):
        delivery = graph_room.deliver(ada)
        graph_room.arrive(graph_room.report(delivery, recipient="new-home@elsewhere.example"))

        graph_room.read()

        ada.refresh_from_db()
        assert (only_bounce().recipient, ada.status) == ("new-home@elsewhere.example", "blacklisted")


def make_twin(room, subscriber):
    """The same address on another list."""
    return room.subscribe(subscriber.email, make_list(room.acme))


class TokensDown:
    """One customer's tokens cannot be had for the moment, until they come back."""

    def __init__(self, monkeypatch, customer):
        self.is_over = False

        def access(**asked):
            if asked["customer_id"] == customer.pk and not self.is_over:
                raise Unavailable("The token endpoint is down.", code="down")
            return tokens.access(**asked)

        monkeypatch.setattr(opening, "access", access)

    def come_back(self):
        self.is_over = True


class TestReach:
    @pytest.fixture
    def rival(self):
        return make_customer("Rival")

    @pytest.fixture
    def theirs(self, room, rival):
        """Rival's subscriber, sent to from Rival's own mailbox."""
        return room.subscribe("ada@receiver.example", make_list(rival))

    def test_a_forged_report_in_a_customers_own_mailbox_changes_nothing_of_another(self, room, theirs):
        room.add_bounce_server()
        room.open_for_business()
        delivery = room.deliver(theirs)
        for kind in ("unknown-user", "complaint"):
            room.arrive(room.report(delivery, kind))

        room.read()

        theirs.refresh_from_db()
        delivery.refresh_from_db()
        assert (theirs.status, delivery.status) == ("confirmed", "sent")
        assert not Change.objects.exists()
        assert set(Bounce.objects.values_list("customer", "delivery")) == {(None, None)}

    def test_a_system_mailbox_matches_every_customers_deliveries(self, room, theirs):
        room.add_bounce_server(customer=None)
        room.open_for_business()
        ours = room.subscribe("eve@receiver.example")
        room.bounce(theirs)
        room.bounce(ours)

        room.read()

        assert {bounce.subscriber for bounce in Bounce.objects.all()} == {theirs, ours}

    def test_a_mailbox_of_two_customers_speaks_of_both(self, room, rival, theirs):
        room.add_bounce_server()
        room.add_bounce_server(customer=rival)
        room.open_for_business()
        room.bounce(theirs)
        room.bounce(room.subscribe("eve@receiver.example"))

        report, _ = room.read()

        assert report.matched == 2
        assert {bounce.customer for bounce in Bounce.objects.all()} == {room.acme, rival}

    def test_a_customer_whose_own_token_is_refused_is_out_of_reach(self, room, rival, theirs):
        room.add_bounce_server()
        server = room.add_bounce_server(customer=rival)
        room.open_for_business()
        delivery = room.deliver(theirs)
        Token.objects.filter(customer=rival).update(access_token=None, expires_at=None)
        server.api_key.record_refusal("AADSTS7000222", "7000222", room.now)
        room.arrive(room.report(delivery))

        room.read()

        theirs.refresh_from_db()
        server.refresh_from_db()
        assert theirs.status == "confirmed"
        assert server.last_error_code == "7000222"

    def test_a_customer_without_a_token_for_the_moment_is_waited_for_an_hour_and_then_left_out(
        self, graph_room, rival, monkeypatch
    ):
        room = graph_room
        room.add_bounce_server(connected_at=room.now)
        server = room.add_bounce_server(customer=rival, connected_at=room.now)
        room.open_for_business()
        room.bounce(room.subscribe("eve@receiver.example"))
        outage = TokensDown(monkeypatch, rival)

        waiting, _ = room.read()
        room.world.advance(2 * 3600 + 60)
        left_out, _ = room.read()

        server.refresh_from_db()
        assert (waiting.handled, left_out.handled, left_out.error) == (0, 1, "")
        assert server.last_error == "The token endpoint is down."
        assert only_bounce().customer == room.acme

        outage.come_back()
        theirs = room.subscribe("ada@receiver.example", make_list(rival))
        room.bounce(theirs)
        room.read()
        theirs.refresh_from_db()
        server.refresh_from_db()
        assert (theirs.status, server.last_error) == ("blacklisted", "")

    def test_a_server_that_is_switched_off_lends_no_reach(self, room, rival, theirs):
        room.add_bounce_server()
        room.add_bounce_server(customer=rival, status="inactive")
        room.open_for_business()
        room.bounce(theirs)

        room.read()

        theirs.refresh_from_db()
        assert theirs.status == "confirmed"


def test_no_look_up_walks_through_the_delivery_log(graph_room):
    """Without statistics, as on a database that nobody has analysed, each question has its own index."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans a table this small without any index")
    room = graph_room
    room.add_bounce_server()
    room.open_for_business()
    unknown = Delivery(recipient="ada@receiver.example", sent_message_id="x@mail.example", token="unknown")
    room.arrive(room.report(unknown))
    with CaptureQueriesContext(connection) as captured:
        room.read()

    asked = [query["sql"] for query in captured if 'FROM "campaigns_delivery"' in query["sql"]]
    with connection.cursor() as cursor:
        plans = [cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchone()[-1] for sql in asked]
    used = [plan.partition("INDEX ")[2].partition(" ")[0] for plan in plans]
    assert used == [
        "sqlite_autoindex_campaigns_delivery_1",
        "delivery_sent_mid",
        "delivery_submitted_mid",
        "delivery_draft_mid",
        "delivery_thread",
        "delivery_recipient",
    ]

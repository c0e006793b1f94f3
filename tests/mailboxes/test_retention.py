"""The ledger outlives whatever a lost cursor may list again, however long a mailbox was not read."""

from __future__ import annotations

import pytest

from bounces.models import Bounce, BounceSource
from mailboxes.models import ProcessedMessage
from operations.purging import purge

YEARS = 400 * 86_400


def one_old_bounce(room) -> None:
    room.add_bounce_server(delete_processed=False)
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.read()


def test_a_handled_message_is_forgotten_once_no_listing_reaches_back_to_it(room):
    one_old_bounce(room)
    room.world.advance(YEARS)
    room.read()

    list(purge(room.now))

    assert not ProcessedMessage.objects.exists()
    assert not BounceSource.objects.exists()
    room.world.expire_cursors(room.email)
    room.read()
    assert not ProcessedMessage.objects.exists()


@pytest.mark.parametrize(
    ("fields", "disposal"),
    [({"processed_folder": "Done"}, "move"), ({"delete_processed": True}, "failed")],
)
def test_so_is_one_that_was_moved_or_that_was_refused_to_go(graph_room, fields, disposal):
    room = graph_room
    room.add_bounce_server(**{"delete_processed": False, **fields})
    room.open_for_business()
    room.bounce(room.subscribe("ada@receiver.example"))
    room.world.fault("status", "graph.messages.delete", status=403, code="ErrorAccessDenied", times=None)
    room.read()
    assert ProcessedMessage.objects.get().disposal == disposal
    room.world.advance(YEARS)
    room.read()

    list(purge(room.now))

    assert not ProcessedMessage.objects.exists()


def test_it_is_remembered_while_a_listing_would_still_find_it(room):
    one_old_bounce(room)
    room.world.advance(YEARS)
    list(purge(room.now))
    room.world.expire_cursors(room.email)

    room.read()

    assert ProcessedMessage.objects.count() == 1
    assert Bounce.objects.count() == 0  # purged as a log entry, and not written again

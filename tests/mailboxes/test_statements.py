"""How many database statements a message costs: recorded, so that it cannot grow unseen."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.mailroom import human_reply

IGNORED = ("SAVEPOINT", "RELEASE")


def statements(room) -> int:
    with CaptureQueriesContext(connection) as captured:
        room.read()
    return sum(not query["sql"].startswith(IGNORED) for query in captured.captured_queries)


def arrive(room, kind: str, count: int) -> None:
    for number in range(count):
        address = f"{kind}{number}-{room.world.clock.now()}@receiver.example"
        if kind == "letter":
            room.arrive(human_reply(address, "Hello"))
        else:
            room.bounce(room.subscribe(address), kind)


@pytest.mark.parametrize(
    ("kind", "each"), [("letter", 2), ("mailbox-full", 9), ("unknown-user", 16), ("complaint", 13)]
)
def test_a_message_costs_no_more_statements_than_recorded(graph_room, kind, each):
    room = graph_room
    room.add_bounce_server(delete_processed=False)
    room.open_for_business()
    arrive(room, kind, 1)
    room.read()
    arrive(room, kind, 4)
    few = statements(room)
    arrive(room, kind, 14)

    many = statements(room)

    assert (many - few) / 10 == each

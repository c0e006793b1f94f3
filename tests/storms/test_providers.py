"""Providers that fail, hang, cut their answers off and accept what they refuse: the books balance all the same."""

from __future__ import annotations

import pytest

from tests.storms.conftest import SEED
from tests.storms.scene import Scene
from tests.storms.storm import Storm

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400), pytest.mark.xdist_group("storms-providers")]

SUBMIT = {"microsoft": "graph.messages.send", "google": "gmail.messages.send"}
# Each of these strikes every mailbox; `skip` spreads them over its submissions.
AT_SUBMISSIONS = (
    {"effect": "status", "status": 500, "skip": 1},
    {"effect": "status", "status": 503, "when": "after", "skip": 3},
    {"effect": "hang", "seconds": 3, "when": "after", "skip": 5},
    {"effect": "cut-json", "skip": 7},
    {"effect": "truncate", "skip": 9},
    {"effect": "late", "seconds": 2, "skip": 11},
)
ELSEWHERE = (
    {"effect": "status", "status": 500, "call": "*.token", "times": 2},
    {"effect": "reset", "call": "graph.messages.create", "when": "after", "skip": 2},
    {"effect": "hang", "seconds": 3, "call": "graph.messages.delta"},
    {"effect": "cut-json", "call": "graph.messages.delta", "skip": 1},
    {"effect": "truncate", "call": "graph.batch"},
    {"effect": "gone", "call": "graph.messages.delta", "skip": 2},
    {"effect": "status", "status": 500, "call": "gmail.messages.list", "times": 4},
    {"effect": "cut-json", "call": "gmail.batch"},
    {"effect": "gone", "call": "gmail.history.list", "skip": 1},
)


def order_faults(storm: Storm) -> int:
    for _, provider, email in storm.scene.emails():
        for fault in AT_SUBMISSIONS:
            storm.site.world.fault(call=SUBMIT[provider], mailbox=email, **fault)
        for fault in ELSEWHERE:
            storm.site.world.fault(mailbox=email if "token" not in fault["call"] else None, **fault)
    return len(AT_SUBMISSIONS) * len(storm.scene.emails())


def test_whatever_a_provider_answers_everybody_gets_one_and_every_bounce_counts_once(begin):
    with begin(Scene(subscribers=120, seed=SEED), latency_ms=20) as storm:
        ordered = order_faults(storm)
        storm.crew.start("threads")
        balance = storm.calm()
        struck = sum(fault.hits for fault in storm.site.world.faults.faults if fault.call in SUBMIT.values())
        assert struck > ordered * 0.8, "the storm was none"
        assert balance.settled > 0

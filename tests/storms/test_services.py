"""Workers over PostgreSQL and Redis, killed and cut off in the middle of it: afterwards the books balance.

Both servers are private to these tests, so they run once, wherever both are installed.
"""

from __future__ import annotations

import time

import pytest

from tests.storms.conftest import SEED
from tests.storms.scene import Scene
from tests.storms.storm import say

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400), pytest.mark.xdist_group("storms-services")]


def test_workers_killed_at_random_moments_lose_nothing_and_repeat_nothing(begin):
    with begin(Scene(subscribers=100, seed=SEED)) as storm:
        storm.crew.start("prefork", "threads")
        storm.await_sent(0.05)
        for _ in range(3):
            time.sleep(storm.crew.dice.uniform(0.2, 1.2))
            say(f"killed {storm.crew.kill_one()} after {storm.sent()} messages")
        storm.crew.kill_all()
        storm.crew.start("prefork", "threads")
        storm.calm()


def test_redis_restarted_and_flushed_is_a_bell_that_rings_again(begin, redis):
    with begin(Scene(subscribers=60, seed=SEED)) as storm:
        storm.crew.start("prefork", "threads")
        storm.await_sent(0.1)
        redis.flush()
        time.sleep(0.3)
        redis.restart(down_seconds=1)
        storm.await_sent(0.5)
        redis.flush()
        storm.calm()


def test_postgresql_restarted_and_crashed_in_the_middle_loses_nothing_and_repeats_nothing(begin, postgres):
    with begin(Scene(subscribers=60, seed=SEED)) as storm:
        storm.crew.start("prefork", "threads")
        storm.await_sent(0.2)
        postgres.restart("fast")
        storm.await_sent(0.5)
        postgres.restart("immediate", down_seconds=1.5)
        storm.calm()

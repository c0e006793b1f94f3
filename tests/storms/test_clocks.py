"""A host whose clock is an hour off works beside a right one: nobody gets two messages, nobody waits an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REQUIRE_SERVICES
from tests.storms.conftest import SEED
from tests.storms.scene import CUSTOMERS, Scene
from tests.storms.storm import Storm

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400), pytest.mark.xdist_group("storms-clocks")]
HOUR = 3600


def off_by(seconds: int) -> dict[str, str]:
    """An environment in which a process sees another time of day (libfaketime); skips where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        assert not REQUIRE_SERVICES, "libfaketime is required here: apt-get install faketime"
        pytest.skip("not installed: libfaketime")
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": f"{seconds:+}", "DONT_FAKE_MONOTONIC": "1"}


def order_lost_answers(storm: Storm) -> None:
    for _, provider, email in storm.scene.emails():
        call = "gmail.messages.send" if provider == "google" else "graph.messages.send"
        storm.site.world.fault("reset", call, mailbox=email, when="after", skip=2)
        storm.site.world.fault("reset", call, mailbox=email, skip=4)
        storm.site.world.fault("throttle", call, mailbox=email, skip=6, retry_after=2)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_host_an_hour_off_neither_repeats_nor_holds_up_anything(begin, seconds):
    wrong = off_by(seconds)
    with begin(Scene(subscribers=60, seed=SEED)) as storm:
        order_lost_answers(storm)
        for customer in CUSTOMERS:  # it has no other host's bells to go by: it sends, right or wrong
            storm.site.start("manage.py", "send_campaign", f"cmp-storm-{customer}", **wrong)
        storm.await_sent(0.25)
        storm.site.stop()
        storm.site.manage("api_connect_cron", **wrong)
        storm.crew.start("threads", **wrong)
        storm.crew.start("threads")
        storm.calm()
        assert storm.rows_dated_ahead() == []

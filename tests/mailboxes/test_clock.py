"""Workers go by the database's clock, whatever their own machine's one shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailboxes import clock
from providers import clock as process_clock
from providers.session import Http


@pytest.fixture(autouse=True)
def _right_again():
    yield
    process_clock.go_by(datetime.now(UTC))


@pytest.mark.parametrize("hours", [1, -1])
def test_a_process_goes_by_another_clock_from_then_on(hours):
    there = datetime.now(UTC) + timedelta(hours=hours)
    process_clock.go_by(there)

    assert abs(process_clock.utc_now() - there) < timedelta(seconds=5)
    assert abs(Http().clock() - there) < timedelta(seconds=5), "deadlines and assertions are of the same time"


def test_the_time_that_an_answer_takes_is_no_difference():
    process_clock.go_by(datetime.now(UTC) + timedelta(milliseconds=300))
    assert process_clock.utc_now() <= datetime.now(UTC)


@pytest.mark.services
def test_work_goes_by_the_databases_clock(db, postgres):
    process_clock.go_by(datetime.now(UTC) + timedelta(hours=1))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)

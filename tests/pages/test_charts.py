"""Charts that fit their frame."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pages.charts import HEIGHT, WIDTH, Chart, Series, round_up

DAYS = [date(2026, 11, 1) + timedelta(days=number) for number in range(10)]


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 2), (1, 2), (3, 4), (7, 10), (11, 20), (61, 100), (601, 1000), (999_999, 1_000_000)],
)
def test_the_axis_ends_at_a_round_number(value, top):
    assert round_up(value) == top


def test_stacked_bars_stay_inside_the_frame():
    chart = Chart("x", DAYS, (Series("Sent", "a", [7] * 10), Series("Bounced", "b", [2] * 10)))
    assert len(chart.bars) == 20
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.y >= 0
        assert bar.x + bar.width <= WIDTH
        assert bar.y + bar.height <= HEIGHT


def test_a_chart_says_its_numbers_in_words():
    chart = Chart("The last days", DAYS, (Series("Sent", "a", [1] * 10),))
    assert chart.summary == "The last days: 10 sent"
    assert chart.bars[0].title == "01 Nov: 1 sent"


def test_a_chart_of_nothing_is_empty():
    assert Chart("x", DAYS, (Series("Sent", "a", [0] * 10),)).is_empty


def test_rates_have_their_unit_and_a_sentence_of_their_own():
    chart = Chart("Rates", DAYS, (Series("Bounced", "a", [0.5] * 10),), unit=" %", said="0.5 % bounced")
    assert chart.summary == "Rates: 0.5 % bounced"
    assert chart.bars[0].title == "01 Nov: 0.5 % bounced"
    assert [mark.text for mark in chart.lines] == ["0 %", "1 %", "2 %"]

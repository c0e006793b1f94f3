"""Bar charts drawn as SVG on the server: no script, no library, readable as a table as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 44, 24, 10
LABELS = 6


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the chart; `css` is the class of its bars."""

    label: str
    css: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, with the sentence shown on hover."""

    css: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A text beside an axis."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars, one per day. `said` is the sentence for those who cannot see it; else it tells the totals."""

    label: str
    days: Sequence[date]
    series: Sequence[Series]
    unit: str = ""
    said: str = ""

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def top(self) -> int:
        """The axis' end: the next round number above the highest bar."""
        highest = max(
            (sum(values) for values in zip(*(s.values for s in self.series), strict=True)), default=0
        )
        return round_up(highest)

    @property
    def bars(self) -> list[Bar]:
        step = (WIDTH - LEFT) / max(len(self.days), 1)
        scale = (HEIGHT - TOP - BOTTOM) / self.top
        found = []
        for index, day in enumerate(self.days):
            y = float(HEIGHT - BOTTOM)
            for series in self.series:
                height = series.values[index] * scale
                if not height:
                    continue
                y -= height
                title = f"{day:%d %b}: {series.values[index]:,}{self.unit} {series.label.lower()}"
                x = LEFT + index * step + step * 0.15
                found.append(
                    Bar(series.css, round(x, 1), round(y, 1), round(step * 0.7, 1), round(height, 1), title)
                )
        return found

    @property
    def lines(self) -> list[Mark]:
        """The horizontal lines and their numbers."""
        scale = (HEIGHT - TOP - BOTTOM) / self.top
        values = sorted({0, self.top // 2, self.top})
        return [
            Mark(f"{value:,}{self.unit}", LEFT - 8, round(HEIGHT - BOTTOM - value * scale, 1))
            for value in values
        ]

    @property
    def dates(self) -> list[Mark]:
        step = (WIDTH - LEFT) / max(len(self.days), 1)
        every = max(len(self.days) // LABELS, 1)
        return [
            Mark(f"{day:%d %b}", round(LEFT + (index + 0.5) * step, 1), HEIGHT - 6)
            for index, day in enumerate(self.days)
            if index % every == 0
        ]

    @property
    def is_empty(self) -> bool:
        return not any(any(series.values) for series in self.series)

    @property
    def summary(self) -> str:
        """The chart in one sentence, for those who cannot see it."""
        if self.said:
            return f"{self.label}: {self.said}"
        totals = ", ".join(f"{sum(series.values):,} {series.label.lower()}" for series in self.series)
        return f"{self.label}: {totals}"


def round_up(value: float) -> int:
    """The next of 2, 4, 6, 10, 20, 40, 60, 100 … that is not below `value`; halves of them are whole."""
    size = 1
    while True:
        for digit in (2, 4, 6, 10):
            if digit * size >= value:
                return digit * size
        size *= 10

"""Draw what `bench.fleet --json bench/results.jsonl` has measured, as SVG for docs/performance.md.

pip install matplotlib
python -m bench.plots bench/results.jsonl docs/images
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

Result = dict[str, Any]
# The same file whenever it is drawn from the same results.
mpl.rcParams.update({"svg.hashsalt": "apiconnect", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3})
CYCLE_SECONDS = 600


def draw_cycles(results: list[Result], folder: Path) -> None:
    """How long a cycle takes as mailboxes grow."""
    rows = sorted((row for row in results if row["kind"] == "cycle"), key=lambda row: row["mailboxes"])
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    for workers in sorted({row["workers"] for row in rows}):
        own = [row for row in rows if row["workers"] == workers]
        label = f"{workers} worker{'s' if workers > 1 else ''}"
        axes.plot([row["mailboxes"] for row in own], [row["seconds"] for row in own], marker="o", label=label)
    axes.axhline(CYCLE_SECONDS, color="0.4", linestyle="--", label="the next cycle begins")
    axes.set(xlabel="mailboxes, 1 % of them with ten bounces", ylabel="seconds a cycle", xlim=0, ylim=0)
    _save(figure, axes, folder / "performance-cycle.svg")


def draw_sending(results: list[Result], folder: Path) -> None:
    """How many messages a second more worker processes send."""
    rows = sorted((row for row in results if row["kind"] == "send"), key=lambda row: row["workers"])
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    axes.plot(
        [row["workers"] for row in rows], [row["per_second"] for row in rows], marker="o", label="measured"
    )
    axes.set(xlabel="worker processes on two cores", ylabel="messages a second", xlim=0, ylim=0)
    axes.set_xticks([row["workers"] for row in rows])
    _save(figure, axes, folder / "performance-sending.svg")


def _save(figure: Any, axes: Any, path: Path) -> None:
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    sys.stdout.write(f"{path}\n")


def main() -> None:
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    results = [json.loads(line) for line in source.read_text().splitlines()]
    draw_cycles(results, folder)
    draw_sending(results, folder)


if __name__ == "__main__":
    main()

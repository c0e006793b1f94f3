"""What a cycle did, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from operations.models import Cycle, Phase, PhaseItem

IDLE = (
    "No active tokens or monitors to process.",
    "Why that may be: no bounce server or monitor is active and connected, its provider is switched off,",
    "or its API key is disabled or failing. See API bounce servers, API monitors and Manage API Keys.",
)
# What a mailbox's report counts, in the order it is told.
COUNTS = ("listed", "handled", "matched", "acted", "left_alone", "quarantined", "disposed")
WORDS = {"left_alone": "left alone"}


@dataclass(frozen=True, slots=True)
class CycleReport:
    """A finished cycle's numbers: per phase the reports of its items."""

    slot: str
    seconds: float
    phases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        return not any(items for phase, items in self.phases.items() if phase != Phase.RECOVER)

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [item for items in self.phases.values() for item in items if item.get("error")]

    def as_json(self) -> dict[str, Any]:
        return {"slot": self.slot, "seconds": self.seconds, "idle": self.is_idle, "phases": self.phases}

    def lines(self, *, verbose: bool) -> Iterator[str]:
        """The report in words; `verbose` adds a line for each mailbox and explains an idle run."""
        yield from _recovered(self.phases.get(Phase.RECOVER, []))
        tokens = self.phases.get(Phase.TOKENS, [])
        yield f"Tokens: {sum(not item['error'] for item in tokens)} renewed"
        for phase, title in ((Phase.BOUNCES, "Bounces"), (Phase.MONITORS, "Monitors")):
            items = self.phases.get(phase, [])
            yield f"{title}: {_count(len(items), 'mailbox', 'mailboxes')}{_totals(items)}"
            if verbose:
                yield from (f"  {item['email']}{_totals([item])}" for item in items if item.get("email"))
        for item in self.errors:
            yield f"Needs attention: {item.get('email') or 'an item'}: {item['error']}"
        if verbose and self.is_idle:
            yield from IDLE
        yield f"Done in {self.seconds:.1f} s"


def _recovered(items: list[dict[str, Any]]) -> Iterator[str]:
    freed = sum(int(item.get(name, 0)) for item in items for name in ("reading", "sending", "renewing"))
    if freed:
        yield f"Recovered: {_count(freed, 'lease', 'leases')} of a worker that died"


def _totals(items: list[dict[str, Any]]) -> str:
    told = [
        f"{total} {WORDS.get(name, name)}"
        for name in COUNTS
        if (total := sum(int(item.get(name) or 0) for item in items))
    ]
    return f": {', '.join(told)}" if told else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def report_of(cycle: Cycle) -> CycleReport:
    phases: dict[str, list[dict[str, Any]]] = {}
    for item in PhaseItem.objects.filter(cycle=cycle):
        phases.setdefault(item.phase, []).append({**item.report, "state": item.state})
    finished_at = cycle.finished_at or cycle.started_at
    return CycleReport(cycle.slot, (finished_at - cycle.started_at).total_seconds(), phases)

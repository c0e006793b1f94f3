"""What a provisioning run made, changed and left as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts per kind of thing, and the servers whose connection is to be tested after the commit."""

    created: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)

    def count(self, kind: str, *, created: bool, changed: bool) -> None:
        (self.created if created else self.changed if changed else self.unchanged)[kind] += 1

    def lines(self) -> Iterator[str]:
        kinds = dict.fromkeys([*self.created, *self.changed, *self.unchanged])
        for kind in kinds:
            yield (
                f"{kind}: {self.created[kind]} created, {self.changed[kind]} changed, "
                f"{self.unchanged[kind]} unchanged"
            )

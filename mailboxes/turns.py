"""Taking turns, so that nobody waits behind all that another one has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from operator import itemgetter
from typing import TypeVar

T = TypeVar("T")


def in_turns(owned: Iterable[tuple[T, Hashable]]) -> list[T]:
    """Everybody's first, then everybody's second, and so on: from (thing, owner), each owner's order kept."""
    taken: Counter[Hashable] = Counter()
    dealt: list[tuple[int, T]] = []
    for thing, owner in owned:
        dealt.append((taken[owner], thing))
        taken[owner] += 1
    return [thing for _, thing in sorted(dealt, key=itemgetter(0))]

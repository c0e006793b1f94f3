"""The report formats of mail systems that write no standard report, one file each."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from mail.detection.dialects.dialect import Dialect
from mail.detection.phrases import PhraseSet


@lru_cache(maxsize=1)
def all_dialects() -> tuple[Dialect, ...]:
    """Every dialect of this package, by name."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "dialect")
    found = (importlib.import_module(f"{__name__}.{name}") for name in modules)
    return tuple(dialect for module in found for dialect in module.DIALECTS)


@lru_cache(maxsize=1)
def dialect_marks() -> tuple[tuple[Dialect, ...], PhraseSet]:
    """The dialect of every mark, and the set that finds the marks."""
    pairs = [(dialect, mark) for dialect in all_dialects() for mark in dialect.marks]
    return tuple(dialect for dialect, _ in pairs), PhraseSet([mark for _, mark in pairs])


def recognize(text: str) -> Dialect | None:
    """The dialect whose mark stands in `text` (lower case, on one line)."""
    dialects, marks = dialect_marks()
    index = marks.first(text)
    return dialects[index] if index is not None else None

"""The form of one mail system's report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to recognise and read the reports of one mail system.

    `marks` are whole sentences of the system, in lower case and on one line (`%` is
    one word, `*` a short gap); `leads` are
    the words right before a recipient that does not stand on a line of its own.
    """

    name: str
    source: str
    marks: tuple[str, ...]
    leads: tuple[str, ...] = ()

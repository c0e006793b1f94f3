"""A monitor's conditions as text that people read and CSV files carry, one condition a line.

any contains "unsubscribe*" -> unsubscribe
body equals "STOP" match_case -> move_to_list "Other contacts"
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from monitors.conditions import Match, Where
from monitors.models import Action, Condition

ARROW = " -> "
MATCH_CASE = "match_case"
EXAMPLE = 'Write it like: any contains "unsubscribe" -> unsubscribe'
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Line:
    """One condition as written; `target` is the name or uid of a list or campaign group."""

    where: str
    match: str
    value: str
    match_case: bool
    action: str
    target: str = ""


def write_conditions(conditions: Iterable[Condition]) -> str:
    """The conditions in order, one a line."""
    return "\n".join(_write(condition) for condition in conditions)


def _write(condition: Condition) -> str:
    test = f"{condition.where} {condition.match} {_quote(condition.value)}"
    case = f" {MATCH_CASE}" if condition.match_case else ""
    target = condition.target_list or condition.target_group
    return f"{test}{case}{ARROW}{condition.action}" + (f" {_quote(target.name)}" if target else "")


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def read_conditions(text: str) -> list[Line]:
    """The lines of `text`. Raises ValidationError that names the line and shows how it is written."""
    lines = [line.strip() for line in text.splitlines()]
    return [_read(line, number) for number, line in enumerate(lines, 1) if line]


def _read(line: str, number: int) -> Line:
    try:
        where, match, rest = line.split(" ", 2)
        value, end = _decoder.raw_decode(rest)
        case, _, effect = rest[end:].partition(ARROW)
        action, _, target = effect.strip().partition(" ")
        name = _decoder.decode(target.strip()) if target.strip() else ""
    except ValueError:
        raise ValidationError(f"Condition {number} cannot be read. {EXAMPLE}") from None
    problems = [
        (where not in set(Where), f"{where!r} is no part of a message: any, subject, body, sender"),
        (match not in set(Match), f"{match!r} is no comparison: {', '.join(Match)}"),
        (action not in Action.values, f"{action!r} is no action: {', '.join(Action.values)}"),
        (case.strip() not in {"", MATCH_CASE}, f"{case.strip()!r} is not known here"),
        (not isinstance(value, str) or not isinstance(name, str), "texts stand in double quotes"),
    ]
    for is_wrong, problem in problems:
        if is_wrong:
            raise ValidationError(f"Condition {number}: {problem}. {EXAMPLE}")
    return Line(where, match, value, case.strip() == MATCH_CASE, action, name)

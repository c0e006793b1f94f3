"""The `$filter` language, as far as Exchange knows it for messages (OData 4, URL conventions 5.1.1)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import parse_rfc3339

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+)|(?P<name>[A-Za-z_][\w/]*)|(?P<mark>[():,]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}
_MATCH: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}

Test = Callable[[Any], bool]
# Reads a property of a message; raises KeyError for one that cannot be filtered by.
Read = Callable[[Any, str], Any]


class FilterError(Exception):
    """The filter cannot be understood; the text is the API's message."""


@dataclass
class Filter:
    """`properties` in the order of their first use, which `$orderby` must follow."""

    matches: Test
    properties: list[str] = field(default_factory=list)


class Parser:
    """Recursive descent: or, and, not, comparison, function, collection `any`."""

    def __init__(self, text: str, read: Read) -> None:
        self._tokens = _tokenize(text)
        self._read = read
        self._at = 0
        self.properties: list[str] = []

    def parse(self) -> Filter:
        test = self._either()
        if self._at != len(self._tokens):
            raise FilterError(f"Syntax error at '{self._tokens[self._at][1]}' in the filter.")
        return Filter(test, self.properties)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self, expected: str | None = None) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise FilterError("The filter ends too early.")
        token = self._tokens[self._at]
        if expected is not None and token[1].lower() != expected:
            raise FilterError(f"'{expected}' expected, '{token[1]}' found in the filter.")
        self._at += 1
        return token

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek().lower() == "or":
            self._next()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._term()]
        while self._peek().lower() == "and":
            self._next()
            tests.append(self._term())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _term(self) -> Test:
        word = self._peek()
        if word.lower() == "not":
            self._next()
            negated = self._term()
            return lambda row: not negated(row)
        if word == "(":
            self._next()
            test = self._either()
            self._next(")")
            return test
        if word.lower() in _MATCH:
            return self._function(_MATCH[self._next()[1].lower()])
        if word.lower().endswith("/any"):
            return self._any()
        return self._comparison()

    def _property(self) -> str:
        kind, name = self._next()
        if kind != "name":
            raise FilterError(f"A property expected, '{name}' found in the filter.")
        if name not in self.properties:
            self.properties.append(name)
        return name

    def _function(self, match: Callable[[str, str], bool]) -> Test:
        self._next("(")
        name = self._property()
        self._next(",")
        part = str(self._literal()).lower()
        self._next(")")
        return lambda row: match(str(self._read(row, name) or "").lower(), part)

    def _comparison(self) -> Test:
        name = self._property()
        operator = self._next()[1].lower()
        if operator not in _COMPARE:
            raise FilterError(f"Unknown operator '{operator}' in the filter.")
        compare, wanted = _COMPARE[operator], self._literal()
        return lambda row: _compare(compare, self._read(row, name), wanted)

    def _any(self) -> Test:
        """Only `singleValueExtendedProperties/any(p: p/id eq '…' and p/value eq '…')`."""
        name = self._next()[1]
        if name.lower() != "singlevalueextendedproperties/any":
            raise FilterError("The query filter contains one or more invalid nodes.")
        self._next("(")
        variable = self._next()[1]
        self._next(":")
        wanted: dict[str, str] = {}
        while True:
            field_name = self._next()[1].removeprefix(f"{variable}/").lower()
            self._next("eq")
            wanted[field_name] = str(self._literal())
            if self._next()[1] == ")":
                break
        return lambda row: self._read(row, f"extended:{wanted.get('id', '')}") == wanted.get("value")

    def _literal(self) -> Any:
        kind, text = self._next()
        match kind:
            case "string":
                return text[1:-1].replace("''", "'")
            case "time":
                return parse_rfc3339(text)
            case "number":
                return int(text)
        if text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        raise FilterError(f"A value expected, '{text}' found in the filter.")


def _compare(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return compare(value.lower(), wanted.lower())
    if type(value) is not type(wanted) and not {type(value), type(wanted)} <= {int, float}:
        raise FilterError("A binary operator with incompatible types was detected.")
    return compare(value, wanted)


def _tokenize(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise FilterError(f"Syntax error at position {at} in '{text}'.")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens

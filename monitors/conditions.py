"""Conditions of a monitor: which one a message meets. Pure functions; preview and live call the same.

A value may hold `*` for any run of characters; `\\*` is a star itself; `*` alone matches anything.
Every test takes time that grows only with the length of the text, whatever the value is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, TypeVar

import re2

MAX_VALUE_LENGTH = 500
MAX_TEXT_LENGTH = 200_000
# What the automaton of one expression may take (bytes); a larger one is refused when it is saved.
MAX_EXPRESSION_MEMORY = 4 * 1024 * 1024


class Where(StrEnum):
    """The part of a message a condition looks at."""

    ANY = "any"
    SUBJECT = "subject"
    BODY = "body"
    SENDER = "sender"

    @property
    def label(self) -> str:
        """The name people choose it by."""
        return _WHERE_LABELS[self]


class Match(StrEnum):
    """How a condition compares."""

    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    EQUALS = "equals"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    REGEX = "regex"

    @property
    def label(self) -> str:
        """The name people choose it by; it reads on from the part of the message."""
        return _MATCH_LABELS[self]


_WHERE_LABELS = {
    Where.ANY: "Anywhere",
    Where.SUBJECT: "Subject",
    Where.BODY: "Body",
    Where.SENDER: "Sender",
}
_MATCH_LABELS = {
    Match.CONTAINS: "contains",
    Match.NOT_CONTAINS: "does not contain",
    Match.EQUALS: "equals",
    Match.STARTS_WITH: "starts with",
    Match.ENDS_WITH: "ends with",
    Match.REGEX: "matches regular expression",
}


class Condition(Protocol):
    """What a condition must have to be tested; a row of the database or a `Rule`."""

    @property
    def position(self) -> int: ...
    @property
    def where(self) -> str: ...
    @property
    def match(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def match_case(self) -> bool: ...


C = TypeVar("C", bound=Condition)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that is in no database: one being edited, or one of a test."""

    position: int
    value: str
    where: str = Where.ANY
    match: str = Match.CONTAINS
    match_case: bool = False
    action: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class MessageText:
    """What conditions are tested against: the reply alone as body, the bare address as sender."""

    subject: str = ""
    body: str = ""
    sender: str = ""


def first_match(rules: Iterable[C], message: MessageText) -> C | None:
    """The condition with the lowest position that `message` meets, or None."""
    return next(
        (rule for rule in sorted(rules, key=lambda rule: rule.position) if is_met(rule, message)), None
    )


def is_met(rule: Condition, message: MessageText) -> bool:
    """Whether `message` meets `rule`. A value that `validate_rule` refuses is met by nothing."""
    found = bool(_fields_found(rule, message))
    return found != (rule.match == Match.NOT_CONTAINS) if _is_usable(rule) else False


def validate_rule(rule: Condition) -> None:
    """Raise ValueError, in words for the person who wrote it, where `rule` cannot be used."""
    Where(rule.where)
    Match(rule.match)
    if not _normalize(rule.value).strip():
        raise ValueError("The value is empty. Write the text to look for, or * to match every message.")
    if len(rule.value) > MAX_VALUE_LENGTH:
        raise ValueError(f"The value is too long: at most {MAX_VALUE_LENGTH} characters.")
    if rule.match == Match.REGEX and not _is_anything(rule.value):
        _expression(rule.value, rule.match_case)


def explain(rule: Condition, message: MessageText) -> str:
    """Why `message` meets `rule` or does not, in words: “subject contains “unsubscribe””."""
    if not _is_usable(rule):
        return f"the value “{rule.value}” cannot be used"
    found, match = _fields_found(rule, message), Match(rule.match)
    looked_at = _join([where.value for where in _parts(rule)], "or")
    if match is Match.NOT_CONTAINS:
        verb = "contains" if found else "does not contain"
        return f"{_join(found, 'and') or looked_at} {verb} “{rule.value}”"
    if found and _is_anything(rule.value):
        return "any message matches *"
    if found:
        return f"{found[0]} {match.label} “{rule.value}”"
    return f"no match: {looked_at} {match.label} “{rule.value}”"


def _fields_found(rule: Condition, message: MessageText) -> list[str]:
    if not _is_usable(rule):
        return []
    is_found = _tester(rule.match, rule.value, rule.match_case)
    return [
        where.value for where in _parts(rule) if is_found(getattr(message, where.value)[:MAX_TEXT_LENGTH])
    ]


def _parts(rule: Condition) -> tuple[Where, ...]:
    return (Where.SUBJECT, Where.BODY, Where.SENDER) if rule.where == Where.ANY else (Where(rule.where),)


def _is_usable(rule: Condition) -> bool:
    try:
        validate_rule(rule)
    except ValueError:
        return False
    return True


def _is_anything(value: str) -> bool:
    return set(value.strip()) == {"*"}


@lru_cache(maxsize=1024)
def _tester(match: str, value: str, match_case: bool) -> Callable[[str], bool]:
    """A function that tests one text; NOT_CONTAINS is CONTAINS here and turned round by the caller."""
    if _is_anything(value):
        return lambda text: True
    if match == Match.REGEX:
        expression = _expression(value, match_case)
        return lambda text: expression.search(_encodable(text)) is not None
    segments = [_prepare(segment, match_case) for segment in _segments(value.strip())]
    at_start = match in (Match.EQUALS, Match.STARTS_WITH)
    at_end = match in (Match.EQUALS, Match.ENDS_WITH)
    return lambda text: _follows(
        _prepare(text, match_case).strip(), segments, at_start=at_start, at_end=at_end
    )


def _segments(value: str) -> list[str]:
    """The literal texts between the wildcards of `value`."""
    parts = re.split(r"(\\\*|\*)", value)
    segments = [""]
    for part in parts:
        if part == "*":
            segments.append("")
        else:
            segments[-1] += "*" if part == r"\*" else part
    return segments


def _follows(text: str, segments: list[str], *, at_start: bool, at_end: bool) -> bool:
    """Whether the segments occur one after the other. Taking each at its first place is enough and linear."""
    first, last = segments[0], segments[-1]
    if len(segments) == 1 and at_start and at_end:
        return text == first
    start, end = 0, len(text)
    if at_start:
        if not text.startswith(first):
            return False
        start, segments = len(first), segments[1:]
    if at_end and segments:
        if not text.endswith(last) or len(text) - len(last) < start:
            return False
        end, segments = len(text) - len(last), segments[:-1]
    for segment in segments:
        position = text.find(segment, start, end)
        if position < 0:
            return False
        start = position + len(segment)
    return True


# Characters mail clients put in unasked: invisible ones go, typographic quotes become plain.
_TIDY = str.maketrans(
    {"\u200b": "", "\ufeff": "", "\u00ad": "", "\u2060": "", "‘": "'", "’": "'", "“": '"', "”": '"'}
)


def _normalize(text: str) -> str:
    """`text` with composed characters and every run of blanks as one space."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text.translate(_TIDY)))


# A monitor's conditions look at the same three texts one after the other.
@lru_cache(maxsize=8)
def _prepare(text: str, match_case: bool) -> str:
    return _normalize(text) if match_case else _fold(text)


def _encodable(text: str) -> str:
    return unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode()


def _fold(text: str) -> str:
    """`text` as it compares without case; the four Turkish letters i are one, as in “İPTAL” and “iptal”."""
    folded = unicodedata.normalize("NFKC", _normalize(text)).casefold()
    return unicodedata.normalize("NFC", folded.replace("i\u0307", "i").replace("ı", "i"))


@lru_cache(maxsize=256)
def _expression(value: str, match_case: bool) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = match_case
    options.log_errors = False
    options.max_mem = MAX_EXPRESSION_MEMORY
    try:
        return re2.compile(value, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            f"The regular expression “{value}” cannot be used: {reason}. "
            "Look-arounds and back-references are not supported (RE2 syntax)."
        ) from None


def _join(words: list[str], conjunction: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"

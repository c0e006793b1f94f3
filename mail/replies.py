"""The reply alone: what a person wrote, without the quoted message and without the signature.

Line by line and in linear time: general patterns for quote headers backtrack without end on hostile mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import re2

from mail.phrases import (
    CLOSINGS,
    DETAIL_FIELDS,
    DIVIDERS,
    FORWARDED,
    FROM_FIELDS,
    SENT_FROM,
    WROTE,
    WROTE_CJK,
    WROTE_FIRST,
)

MAX_CHARACTERS = 200_000
MAX_LINE = 500

# "On 16 Nov 2026, Ada wrote:" in the languages mail programs speak; every one names a date or an address too.


def _any_of(phrases: Iterable[str]) -> str:
    return f"(?:{'|'.join(re2.escape(phrase.casefold()) for phrase in phrases)})"


# Searched in casefolded lines. A date, a time or an address tells a quote header from a person's sentence.
_WROTE = re2.compile(
    rf"(?:^|\s){_any_of(WROTE)}\s?:$|{_any_of(WROTE_CJK)}\s?:$|(?:^|\s){_any_of(WROTE_FIRST)}\s.*:$"
    r"|\d\d?[:.]\d\d.*<[^<>]+@[^<>]+>\s?:$"
)
_ANCHOR = re2.compile(r"@|\d{4}|\d[.:/-]\d")
_FIRST_PERSON = re2.compile(r"(?:^|\s)(?:i wrote|ich schrieb|j'ai écrit|ik schreef|jag skrev|jeg skrev)\b")
_DIVIDER = re2.compile(rf"^[-_=*]{{2,}}\s*{_any_of(DIVIDERS)}\s*:?[-_=*\s]*$|^{_any_of(FORWARDED)}\s?:$")
_RULE = re2.compile(r"^\s*_{10,}\s*$")
_FROM = re2.compile(rf"^[*\s]*{_any_of(FROM_FIELDS)}\s?\*?[:：]")
_DETAIL = re2.compile(rf"^[*\s]*{_any_of(DETAIL_FIELDS)}\s?\*?[:：]")
_SENT_FROM = tuple(phrase.casefold() for phrase in SENT_FROM)
_CLOSINGS = frozenset(phrase.casefold() for phrase in CLOSINGS)
_SIGNATURE_DELIMITERS = ("--", "—", "__")
# A quote header may be wrapped by the mail program: so many lines are read as one.
_WRAPPED_LINES = 3
_BLOCK_LINES = 8


def reply_text(plain: str) -> str:
    """The reply in `plain`: "" where everything is quoted. Reads at most MAX_CHARACTERS, in linear time.

    Lines quoted with ">" go wherever they stand, so an answer below or between them is kept; from an Outlook
    or Apple header without such marks, everything below goes. So does all from a signature on.
    """
    text = plain[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    lines = [line.rstrip() for line in text.split("\n")]
    kept: list[str] = []
    position = 0
    while position < len(lines):
        header = _quote_header_length(lines, position)
        if header and not _is_quoted(_next_text(lines, position + header)):
            break
        if not header and (_is_divider(lines, position) or _is_signature(lines[position], kept)):
            break
        if not header and not _is_quoted(lines[position]):
            kept.append(lines[position])
        position += header or 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _next_text(lines: list[str], position: int) -> str:
    """The next line that is not empty, looking a little way ahead."""
    return next((line for line in lines[position : position + 5] if line), "")


def _quote_header_length(lines: list[str], position: int) -> int:
    """How many lines a header such as “On …, Ada wrote:” takes here, or 0."""
    joined = ""
    for length, line in enumerate(lines[position : position + _WRAPPED_LINES], 1):
        if not line or _is_quoted(line):
            return 0
        joined = f"{joined} {_folded(line)}".strip()
        if joined.endswith(":"):
            return length if _is_quote_header(joined) else 0
    return 0


def _is_quote_header(line: str) -> bool:
    return bool(_ANCHOR.search(line) and _WROTE.search(line) and not _FIRST_PERSON.search(line))


def _is_divider(lines: list[str], position: int) -> bool:
    """Whether the original message begins here: by a divider line or Outlook's block of From, Sent, To."""
    if _DIVIDER.search(_folded(lines[position])):
        return True
    if _RULE.search(lines[position][:MAX_LINE]):
        following = range(position + 1, min(position + 4, len(lines)))
        return any(_is_block(lines, at) for at in following)
    return _is_block(lines, position)


def _is_block(lines: list[str], position: int) -> bool:
    if not _FROM.search(_folded(lines[position])):
        return False
    block = lines[position + 1 : position + _BLOCK_LINES]
    return sum(bool(_DETAIL.search(_folded(line))) for line in block) >= 2


def _is_signature(line: str, kept: list[str]) -> bool:
    """Whether a signature begins here; a closing opens one only below some text."""
    text = _folded(line)
    if text in _SIGNATURE_DELIMITERS or text.startswith(_SENT_FROM):
        return True
    return text.rstrip(" ,.!") in _CLOSINGS and any(kept)


def _folded(line: str) -> str:
    """A line as the patterns expect it: bounded, trimmed, without case and with the ASCII colon."""
    return line[:MAX_LINE].strip().casefold().replace("：", ":").replace("’", "'")

"""The built-in phrases as one automaton: a text is read once, however many phrases there are.

Each .tsv file is a table of reason, phrase and source. In a phrase `@` stands for an
address, `%` for one word, `*` for a short gap, `{a|b}` for either and `{name}` for a set of
words from words.tsv; a leading `?` on the reason makes the phrase weaker, `??` weaker still
(see reasons.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import re2

from mail.detection.reasons import REASONS, STRENGTH_STEP, Reason

FOLDER = Path(__file__).parent
# Letters without their accents: many systems write "Echec" and "usuario nao existe".
LETTERS = (*range(0xC0, 0x250), 0x451, *range(0x386, 0x3CF), *range(0x1E00, 0x1F00))
PLAIN = {code: unicodedata.normalize("NFD", chr(code))[0] for code in LETTERS} | {
    ord(letter): plain for letter, plain in zip("øłıđ’\u0307", ("o", "l", "i", "d", "'", ""), strict=True)
}
MAX_AUTOMATON_BYTES = 64 * 1024 * 1024


class Phrase(NamedTuple):
    """One row of a table."""

    reason: Reason
    text: str
    source: str
    rank: int
    is_loose: bool = False  # a family of wordings about dead recipients: what contradicts it goes first

    def found_in(self, words: str) -> str:
        """The words of `words` that the phrase stands for."""
        if not MARKED.search(self.text):
            return self.text
        match = compiled(self.text).search(plain(words))
        if match is None:
            return self.text
        has_places = len(plain(words)) == len(words)
        return (words[match.start() : match.end()] if has_places else match.group()).strip()


def read_table(name: str) -> Iterator[list[str]]:
    """The rows of one .tsv file in this folder, comments left out."""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def load_phrases() -> list[Phrase]:
    """Every phrase about a failure, in the order of precedence."""
    phrases = []
    for path in sorted(FOLDER.glob("*.tsv")):
        if path.stem in OTHER_TABLES:
            continue
        for mark, text, source in read_table(path.name):
            strength = len(mark) - len(mark.lstrip("?"))
            reason = REASONS[mark.lstrip("?")]
            is_loose = path.stem == "families" and reason.name in RECIPIENT_REASONS
            phrases.append(Phrase(reason, text, source, reason.rank + strength * STRENGTH_STEP, is_loose))
    return sorted(phrases, key=lambda phrase: phrase.rank)


RECIPIENT_REASONS = {"no-mailbox", "disabled", "moved"}
OTHER_TABLES = {"notices", "words"}
WILDCARDS = {"*": r".{0,40}", "%": r"[^ ]{1,80}", "{": "(?:", "|": "|", "}": ")"}
MARKED = re2.compile(r"[*%{]")


@lru_cache(maxsize=1)
def word_sets() -> dict[str, str]:
    """The sets of words that phrases name in braces."""
    return {name: alternatives for name, alternatives, _ in read_table("words.tsv")}


def spell_out(text: str) -> str:
    """A phrase with the words of the sets it names."""
    for name, alternatives in word_sets().items():
        text = text.replace("{" + name + "}", "{" + alternatives + "}")
    return text


def plain(text: str) -> str:
    """`text` (lower case) without accents."""
    return text if text.isascii() else text.translate(PLAIN)


def to_pattern(text: str) -> str:
    """The regular expression of a phrase: it starts at a word and may end inside one."""
    text = plain(spell_out(text))
    if not text.startswith("{"):
        return bounded(text)
    choice, _, rest = text[1:].partition("}")
    return "(?:" + "|".join(bounded(start) for start in choice.split("|")) + ")" + escaped(rest)


def bounded(text: str) -> str:
    """The pattern of a text that starts at a word; scripts without spaces have no such place."""
    return (r"\b" if text[0].isascii() and text[0].isalnum() else "") + escaped(text)


def escaped(text: str) -> str:
    """The pattern of a text with the marks of a phrase in it."""
    return "".join(WILDCARDS.get(char) or re2.escape(char) for char in text)


@lru_cache(maxsize=1024)
def compiled(text: str) -> re2._Regexp:
    """One phrase on its own, to say where it stands."""
    return re2.compile(to_pattern(text))


class PhraseSet:
    """Many phrases searched for in one pass over a text."""

    def __init__(self, texts: list[str]) -> None:
        options = re2.Options()
        options.max_mem = MAX_AUTOMATON_BYTES
        self._set = re2.Set.SearchSet(options)
        for text in texts:
            self._set.Add(to_pattern(text))
        self._set.Compile()

    def first(self, text: str) -> int | None:
        """The index of the first phrase, in the order given, that occurs in `text`."""
        found = self._set.Match(plain(text))
        return min(found) if found else None

    def every(self, text: str) -> list[int]:
        """The indexes of all phrases that occur in `text`."""
        return list(self._set.Match(plain(text)) or ())


@lru_cache(maxsize=1)
def phrase_table() -> tuple[list[Phrase], PhraseSet]:
    """The phrases in the order of precedence, and the set that finds them."""
    phrases = load_phrases()
    return phrases, PhraseSet([phrase.text for phrase in phrases])

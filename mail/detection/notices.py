"""What a mail as a whole is: a failure, a delay, a success, an automatic reply, a receipt."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from mail.detection.phrases import PhraseSet, read_table


class Notice(StrEnum):
    """The kinds of phrases/notices.tsv."""

    FAILURE = "failure"
    REPORT = "report"
    DELAY = "delay"
    SUCCESS = "success"
    REPLY = "reply"
    RECEIPT = "receipt"
    CHALLENGE = "challenge"
    MESSAGE = "message"  # speaks of a message that its reader sent


# The kinds that make a mail a report of a delivery that failed or may fail.
TELLING = frozenset({Notice.FAILURE, Notice.DELAY, Notice.REPORT})


@lru_cache(maxsize=1)
def notice_table() -> tuple[list[tuple[Notice, str]], PhraseSet]:
    """The phrases with their kind, and the set that finds them."""
    rows = [(Notice(kind), text) for kind, text, _ in read_table("notices.tsv")]
    return rows, PhraseSet([text for _, text in rows])


def notices_in(text: str) -> dict[Notice, str]:
    """The kinds whose phrases stand in `text` (lower case, on one line), each with one phrase."""
    rows, phrases = notice_table()
    return {rows[index][0]: rows[index][1] for index in phrases.every(text)}

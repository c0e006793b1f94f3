"""The tables of rules hold together, and every reason is proved by a sample."""

from __future__ import annotations

import re

import pytest

from mail.detection.dialects import all_dialects, dialect_marks, recognize
from mail.detection.judging import Failure, judge
from mail.detection.notices import Notice, notices_in
from mail.detection.phrases import FOLDER, PhraseSet, load_phrases, phrase_table, read_table, spell_out
from mail.detection.reasons import REASONS
from mail.detection.status_codes import PERMANENT, REPLIES, SUBJECTS, reason_of_status

TABLES = sorted(path.name for path in FOLDER.glob("*.tsv") if path.stem != "words")
CHOICE = re.compile(r"\{([^{}]*)\}")


def readings(phrase: str) -> list[str]:
    """What a phrase may read: each alternative once, beside the first of every other choice."""
    text = spell_out(phrase).replace("@", "bob@shop.example").replace("%", "word").replace("*", "short gap")
    choices = [match.group(1).split("|") for match in CHOICE.finditer(text)]
    frame = CHOICE.split(text)[::2]
    first = [alternatives[0] for alternatives in choices]
    picks = [first] + [
        [*first[:place], alternative, *first[place + 1 :]]
        for place, alternatives in enumerate(choices)
        for alternative in alternatives[1:]
    ]
    return ["".join(sum(zip(frame, [*pick, ""], strict=True), ())) for pick in picks]


@pytest.mark.parametrize("table", TABLES)
def test_a_row_has_a_reason_a_phrase_and_a_source(table: str):
    kinds = {notice.value for notice in Notice} if table == "notices.tsv" else set(REASONS)
    for row in read_table(table):
        mark, phrase, source = row
        assert mark.lstrip("?") in kinds
        assert phrase == phrase.lower() == " ".join(phrase.split())
        assert source


def test_a_phrase_has_one_meaning():
    seen: dict[str, str] = {}
    for phrase in load_phrases():
        assert seen.setdefault(phrase.text, phrase.reason.name) == phrase.reason.name, phrase.text


def test_phrases_are_ordered_by_precedence():
    phrases, _ = phrase_table()
    assert [phrase.rank for phrase in phrases] == sorted(phrase.rank for phrase in phrases)


def test_a_phrase_gives_its_reason_or_a_stronger_one():
    ranks = {reason.name: reason.rank for reason in REASONS.values()}
    for phrase in load_phrases():
        for text in readings(phrase.text):
            verdict = judge(Failure(f"550 {text}")).verdict
            assert verdict.rule != "undecided", text
            name = verdict.rule.rpartition(".")[2]
            assert ranks.get(name, 0) <= phrase.rank, (text, verdict)


def test_a_choice_stands_for_each_of_its_words():
    phrases = PhraseSet(["{user|recipient}{| %} is {gone|away}", "{who} gone"])
    assert phrases.every("the user bob is gone") == phrases.every("recipient is away") == [0]
    assert phrases.every("the mailbox gone") == [1]
    assert phrases.every("abuser is gone") == phrases.every("user bob was gone") == []


def test_the_evidence_is_the_words_that_were_found():
    assert judge(Failure("550 Sorry, the mailbox 'bob' has been removed")).verdict.evidence == (
        "mailbox 'bob' has been removed"
    )


def test_every_reason_has_a_phrase_or_a_code():
    named = {phrase.reason.name for phrase in load_phrases()}
    named |= {name for name, _ in (*PERMANENT.values(), *REPLIES.values())} | set(SUBJECTS.values())
    assert set(REASONS) <= named


def test_status_tables_name_known_reasons():
    for name, source in (*PERMANENT.values(), *REPLIES.values()):
        assert name in ("", *REASONS)
        assert source


def test_a_transient_code_never_proves_a_recipient_gone():
    for detail in PERMANENT:
        found = reason_of_status(f"4.{detail}")
        assert found is None or found[0].type != "hard"


def test_every_mark_leads_to_its_dialect():
    dialects, marks = dialect_marks()
    for dialect in all_dialects():
        for mark in dialect.marks:
            text = mark.replace("%", "bob@shop.example").replace("*", "bob")
            assert any(dialects[index] is dialect for index in marks.every(text)), mark
            assert recognize(text) is not None


def test_notices_are_told_apart():
    assert Notice.FAILURE in notices_in("undelivered mail returned to sender")
    assert Notice.DELAY in notices_in("warning: could not send message for past 4 hours")
    assert Notice.REPLY in notices_in("automatische antwort: neuigkeiten")
    assert Notice.RECEIPT in notices_in("read: may news")
    assert notices_in("may news") == {}

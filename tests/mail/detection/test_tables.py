"""The tables of rules hold together, and every reason is proved by a sample."""

from __future__ import annotations

import pytest

from mail.detection.dialects import all_dialects, dialect_marks, recognize
from mail.detection.judging import Failure, judge
from mail.detection.notices import Notice, notices_in
from mail.detection.phrases import FOLDER, load_phrases, phrase_table, read_table
from mail.detection.reasons import REASONS
from mail.detection.status_codes import PERMANENT, REPLIES, SUBJECTS, reason_of_status

TABLES = sorted(path.name for path in FOLDER.glob("*.tsv"))


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
    for phrase in load_phrases():
        text = phrase.text.replace("@", "bob@shop.example").replace("%", "word").replace("*", "short gap")
        verdict = judge(Failure(f"550 {text}")).verdict
        assert verdict.rule != "undecided", phrase.text


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

"""Cells that spreadsheets would run, and files that are no CSV."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from pages.spreadsheets import FORMULA_STARTS, escape_formula, read_rows, unescape_formula


@given(st.text())
def test_an_escaped_text_starts_no_formula_and_comes_back_unchanged(text):
    escaped = escape_formula(text)
    assert not escaped.startswith(FORMULA_STARTS)
    if not text.startswith("'"):
        assert unescape_formula(escaped) == text


def test_numbers_stay_numbers():
    assert escape_formula(-5) == -5


def test_a_semicolon_file_of_a_european_spreadsheet_is_read():
    rows = read_rows("name;email\nA;a@b.example\n", ["name", "email"])
    assert rows.dict == [{"name": "A", "email": "a@b.example"}]


def test_a_cell_may_hold_commas_and_line_breaks():
    rows = read_rows('name,email\n"A, B\nC",x\n', ["name", "email"])
    assert rows.dict == [{"name": "A, B\nC", "email": "x"}]


def test_blank_lines_and_missing_cells_at_the_end_are_fine():
    rows = read_rows("name,email\n\nA\n\n", ["name", "email"])
    assert rows.dict == [{"name": "A", "email": ""}]


@pytest.mark.parametrize(
    "text", ["", "name\n", "other\nA\n", "name\nA,B\n", "na\0me\nA\n", "name,name\nA,B\n"]
)
def test_what_cannot_be_read_says_why(text):
    with pytest.raises(ValidationError) as refusal:
        read_rows(text, ["name"])
    assert refusal.value.messages[0]


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_in_words(text):
    with suppress(ValidationError):
        read_rows(text, ["name", "email"])

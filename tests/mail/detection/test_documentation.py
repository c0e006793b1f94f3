"""docs/bounce-detection.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from mail.detection import BounceType
from mail.detection.mime import MAX_BYTES, MAX_DEPTH, MAX_PARTS
from mail.detection.phrases import FOLDER, OTHER_TABLES
from mail.detection.reasons import REASONS

TEXT = (Path(__file__).parents[3] / "docs" / "bounce-detection.md").read_text(encoding="utf-8")


def test_it_lists_every_reason_with_its_rank_and_type():
    for reason in REASONS.values():
        assert f"| {reason.rank} | {reason.name} | {reason.type.value} | {reason.meaning} |" in TEXT


def test_it_lists_every_type_and_table():
    for kind in BounceType:
        assert f"| {kind.value} |" in TEXT
    for table in FOLDER.glob("*.tsv"):
        assert f"`{table.stem}`" in TEXT or table.stem in OTHER_TABLES


def test_it_names_the_limits():
    assert f"{MAX_BYTES // 1024 // 1024} MB of a mail" in TEXT
    assert f"{MAX_PARTS} parts, {MAX_DEPTH} levels" in TEXT

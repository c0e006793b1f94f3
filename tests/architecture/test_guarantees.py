"""docs/guarantees.md and docs/security.md: the tests named there exist, and no promise or threat is without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
_NAMED = re.compile(r"`(tests/[\w/]+\.py|…)::(test_\w+)`")


@pytest.mark.parametrize("page", [GUARANTEES, SECURITY], ids=["guarantees", "security"])
def test_every_test_that_is_named_exists(page):
    missing, path = [], ""
    for file, name in _NAMED.findall(page):
        path = path if file == "…" else file
        if f"def {name}(" not in (ROOT / path).read_text():
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_promise_names_its_tests():
    promises = re.split(r"^## ", GUARANTEES, flags=re.MULTILINE)[1:]
    numbered = [promise for promise in promises if promise[0].isdigit()]
    assert len(numbered) == 8
    assert all(_NAMED.search(promise) for promise in numbered)


def test_every_threat_names_its_tests():
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ")]
    threats = [line for line in rows if not line.startswith(("| threat", "| ---"))]
    assert len(threats) > 30
    assert [threat for threat in threats if not _NAMED.search(threat.rpartition(" | ")[2] or threat)] == []

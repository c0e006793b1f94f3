"""docs/guarantees.md: every test that is named there exists, and no promise stands without one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
_NAMED = re.compile(r"`(tests/[\w/]+\.py|…)::(test_\w+)`")


def test_every_test_that_is_named_exists():
    missing, path = [], ""
    for file, name in _NAMED.findall(PAGE):
        path = path if file == "…" else file
        if f"def {name}(" not in (ROOT / path).read_text():
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_promise_names_its_tests():
    promises = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    numbered = [promise for promise in promises if promise[0].isdigit()]
    assert len(numbered) == 8
    assert all(_NAMED.search(promise) for promise in numbered)

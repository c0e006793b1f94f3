"""The audit of the dependencies: a vulnerability fails it, no answer passes loudly, neither looks like the other."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
VULNERABLE = {
    "name": "old", "version": "1.0", "vulns": [{"id": "GHSA-xxxx", "fix_versions": ["1.1"], "aliases": []}]
}  # fmt: skip
UNASKED = {"name": "private", "skip_reason": "Dependency not found"}


@pytest.fixture
def audit() -> ModuleType:
    loader = SourceFileLoader("audit", str(ROOT / "scripts" / "audit"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("audit", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


def report(*packages: dict) -> str:
    return json.dumps({"dependencies": packages})


def test_a_vulnerability_fails_and_names_the_version_that_mends_it(audit, capsys):
    assert audit.judge(report(CLEAN, UNASKED, VULNERABLE), "") == 1
    assert "old 1.0: GHSA-xxxx, fixed in 1.1" in capsys.readouterr().err


def test_nothing_known_passes(audit, capsys):
    assert audit.judge(report(CLEAN), "") == 0
    assert "SKIPPED" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "errors"),
    [(report(CLEAN, UNASKED), ""), ("", "ConnectionError: no route to host"), ("half a rep", ""), ("{}", "")],
)
def test_what_could_not_be_asked_is_said_loudly(audit, capsys, output, errors):
    assert audit.judge(output, errors) == 0
    assert "SKIPPED" in capsys.readouterr().err


def test_a_service_that_hangs_holds_nothing_up(audit, capsys, monkeypatch):
    def hang(*_args, **options):
        raise subprocess.TimeoutExpired("pip-audit", options["timeout"])

    monkeypatch.setattr(audit.subprocess, "run", hang)
    assert audit.main([]) == 0
    assert "SKIPPED" in capsys.readouterr().err


def test_every_advisory_that_is_passed_over_has_its_reason(audit):
    assert all(reason.strip() for reason in audit.IGNORED.values())


def test_it_is_part_of_what_everybody_runs():
    assert "scripts/audit" in (ROOT / "scripts" / "lint").read_text()

"""`python -m mail.detection` speaks to people and to programs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mail.detection.__main__ import classify_lines, main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def mail_file(tmp_path, samples) -> Path:
    path = tmp_path / "bounce.eml"
    path.write_bytes(samples["standard_mtas/postfix-three-recipients"].raw)
    return path


def test_it_writes_one_json_line_a_path(mail_file, tmp_path):
    missing = tmp_path / "missing.eml"
    first, second = (json.loads(line) for line in classify_lines([f"{mail_file}\n", f"{missing}\n"]))
    assert first["path"] == str(mail_file)
    assert first["bounces"][0] == {
        "recipient": "b1@shop.example",
        "status": "5.1.1",
        "category": "hard",
        "message_id": "m3@sender.example",
        "rule": "dsn.words.no-mailbox",
    }
    assert second["bounces"] == []
    assert second["error"] == "No such file or directory"


def test_it_tells_people_what_decided(mail_file, capsys):
    assert main([str(mail_file)]) == 0
    told = capsys.readouterr().out
    assert "hard  b1@shop.example  5.1.1" in told
    assert "rule dsn.words.no-mailbox: unknown user" in told


def test_it_says_what_is_no_bounce(tmp_path, capsys):
    path = tmp_path / "letter.eml"
    path.write_bytes(b"From: bob@firm.example\n\nhello")
    assert main([str(path)]) == 0
    assert "not a bounce" in capsys.readouterr().out


def test_it_fails_on_a_file_that_is_not_there(tmp_path, capsys):
    assert main([str(tmp_path / "missing.eml")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_it_reads_paths_from_standard_input(mail_file, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{mail_file}\n"))
    assert main(["--jsonl"]) == 0
    assert len(json.loads(capsys.readouterr().out)["bounces"]) == 3


def test_it_needs_no_django():
    code = "import sys, mail.detection.__main__; print([name for name in sys.modules if name.startswith('django')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

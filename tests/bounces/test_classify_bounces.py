"""`manage.py classify_bounces`: for people, for programs, without a database."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.mailroom import human_reply

BOUNCE = b"""\
From: MAILER-DAEMON@mx.receiver.example
To: news@acme.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: text/plain

The mail system could not deliver your message.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.receiver.example

Final-Recipient: rfc822; ada@receiver.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--x
Content-Type: message/rfc822

Message-ID: <one@acme.example>
Subject: Hello

--x--
"""


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    bounce, letter = tmp_path / "bounce.eml", tmp_path / "letter.eml"
    bounce.write_bytes(BOUNCE)
    letter.write_bytes(human_reply("ada@receiver.example", "Hello"))
    return bounce, letter


def test_it_answers_one_json_line_a_path_in_order(files, monkeypatch, capsys):
    bounce, letter = files
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{bounce}\n/no/such.eml\n{letter}\n"))

    call_command("classify_bounces", "--jsonl")

    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["path"] == str(bounce)
    assert first["bounces"] == [
        {
            "recipient": "ada@receiver.example",
            "status": "5.1.1",
            "category": "hard",
            "message_id": "one@acme.example",
            "rule": first["bounces"][0]["rule"],
        }
    ]
    assert (second["bounces"], bool(second["error"])) == ([], True)
    assert third["bounces"] == []


def test_it_tells_people_what_it_found_and_fails_where_a_file_is_unreadable(files, capsys):
    bounce, letter = files
    with pytest.raises(CommandError, match="1 of 3 files"):
        call_command("classify_bounces", str(bounce), "/no/such.eml", str(letter))

    shown = capsys.readouterr().out
    assert "ada@receiver.example" in shown
    assert "550 5.1.1 User unknown" in shown
    assert f"{letter}: not a bounce" in shown


def test_it_says_what_it_wants_when_nothing_is_named():
    with pytest.raises(CommandError, match="--jsonl"):
        call_command("classify_bounces")


def test_it_answers_each_line_at_once_and_needs_no_database(files, tmp_path):
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    process = subprocess.Popen(
        [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "classify_bounces", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for path in files:
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["path"] == str(path)
    process.stdin.close()
    process.stdout.close()
    assert process.wait(10) == 0

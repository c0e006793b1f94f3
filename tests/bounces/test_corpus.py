"""Real bounce mail, put into a mailbox and read by one cycle (where the corpus lies beside the project)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

from bounces.models import Bounce
from mailboxes.models import ProcessedMessage

CORPUS = Path(settings.BASE_DIR).parent / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside the project")


def test_one_cycle_handles_every_mail_of_the_corpus(room):
    labels = json.loads((CORPUS / "labels.json").read_text())
    files = sorted(CORPUS.glob("*.eml"))
    for file in files:
        room.world.deliver(file.read_bytes(), room.email)
    room.add_bounce_server()

    report, _ = room.read()

    assert (report.error, report.handled, report.quarantined) == ("", len(files), 0)
    assert not ProcessedMessage.objects.exclude(state="done").exists()
    expected = Counter(entry["category"] for entries in labels.values() for entry in entries)
    found = Counter(Bounce.objects.values_list("type", flat=True))
    for category in ("hard", "soft", "internal", "complaint"):
        assert abs(found[category] - expected[category]) <= max(3, expected[category] * 0.15), category


def test_mail_that_is_no_bounce_stays_in_the_inbox(room):
    labels = json.loads((CORPUS / "labels.json").read_text())
    ordinary = [CORPUS / name for name, entries in labels.items() if not entries]
    kept = [room.world.deliver(file.read_bytes(), room.email) for file in ordinary]
    room.add_bounce_server()

    room.read()

    assert ordinary
    assert {room.place_of(message) for message in kept} == {"inbox"}
    assert not any(message.is_read for message in kept)

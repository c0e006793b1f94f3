"""The goals on a public collection of real bounce mail, where it is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mail.detection import Bounce, BounceType, detect

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
MIN_RECALL, MIN_CATEGORY, MIN_HARD_OR_NOT, MIN_STATUS, MIN_MESSAGE_ID = 0.993, 0.99, 0.98, 0.98, 0.98

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real bounce mail is not here")


@pytest.fixture(scope="module")
def labels() -> dict[str, list[dict[str, Any]]]:
    return json.loads((CORPUS / "labels.json").read_text())


@pytest.fixture(scope="module")
def found(labels) -> dict[str, list[Bounce]]:
    return {name: detect((CORPUS / name).read_bytes()) for name in labels}


def names_of(label: dict[str, Any]) -> set[str]:
    return {name.strip("<>").lower() for name in (label["recipient"], *label.get("alt", ())) if name}


def hit(label: dict[str, Any], bounces: list[Bounce]) -> Bounce | None:
    """The bounce that answers a label."""
    for bounce in bounces:
        if label["recipient"] is None or (bounce.recipient or "").lower() in names_of(label):
            return bounce
    return None


def right_types(label: dict[str, Any]) -> set[str]:
    return {label["category"], *label.get("accept", ())}


@pytest.fixture(scope="module")
def pairs(labels, found) -> list[tuple[dict[str, Any], Bounce | None]]:
    return [
        (label, hit(label, found[name]))
        for name, wanted in labels.items()
        for label in wanted
        if not label.get("optional")
    ]


def share(answers: list[bool]) -> float:
    return sum(answers) / len(answers)


def test_it_finds_the_failed_recipients(pairs):
    assert share([bounce is not None for label, bounce in pairs if label["recipient"]]) >= MIN_RECALL


def test_it_names_the_right_type(pairs):
    right = [bounce is not None and bounce.type in right_types(label) for label, bounce in pairs]
    assert share(right) >= MIN_CATEGORY


def test_it_tells_hard_from_not_hard(pairs):
    right = []
    for label, bounce in pairs:
        types = right_types(label)
        is_hard = bounce is not None and bounce.type == BounceType.HARD
        right.append(
            bounce is not None and (is_hard if types == {"hard"} else "hard" in types or not is_hard)
        )
    assert share(right) >= MIN_HARD_OR_NOT


def test_it_calls_no_living_recipient_hard(labels, found):
    wrong = [
        (name, label["recipient"])
        for name, wanted in labels.items()
        for label in wanted
        if (bounce := hit(label, found[name])) is not None
        and bounce.type == BounceType.HARD
        and "hard" not in right_types(label)
    ]
    assert wrong == []


def test_it_reports_no_mail_that_is_no_bounce(labels, found):
    assert [name for name, wanted in labels.items() if not wanted and found[name]] == []


def test_it_reads_status_codes(pairs):
    # x.0.9nn are codes that the collection's own tool invents where a mail has none.
    known = [
        (label, bounce) for label, bounce in pairs if bounce and label.get("status", "").find(".0.9") != 1
    ]
    right = [bounce.status == label["status"] for label, bounce in known if label["status"]]
    assert share(right) >= MIN_STATUS


def test_it_reads_original_message_ids(pairs):
    right = []
    for label, bounce in pairs:
        wanted = label.get("message_id")
        if wanted:
            ids = wanted if isinstance(wanted, list) else [wanted]
            right.append(bounce is not None and bounce.message_id in {one.strip("<>") for one in ids})
    assert share(right) >= MIN_MESSAGE_ID

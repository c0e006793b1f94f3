"""Every sample mail and every sample reply is judged as its line says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mail.detection import Bounce
from mail.detection.detecting import find_bounces
from mail.detection.judging import Failure, judge

if TYPE_CHECKING:
    from .conftest import Sample

LETTERS = {"hard": "h", "soft": "s", "internal": "i"}


def kind_of(bounce: Bounce) -> str:
    if bounce.is_delay:
        assert bounce.type == "soft"
        return "delay"
    return "fault" if bounce.sender_fault else bounce.type.value


def test_a_sample_is_detected_as_its_line_says(sample: Sample):
    bounces = find_bounces(sample.raw)
    assert [(kind_of(bounce), bounce.recipient) for bounce in bounces] == [
        (expected.kind, expected.recipient) for expected in sample.expected
    ]
    for bounce, expected in zip(bounces, sample.expected, strict=True):
        assert expected.status in ("", bounce.status)
        assert expected.message_id in ("", bounce.message_id)


def test_a_sample_is_detected_with_every_kind_of_line_end(sample: Sample):
    found = [(bounce.type, bounce.recipient) for bounce in find_bounces(sample.raw)]
    for line_end in (b"\r\n", b"\r"):
        again = find_bounces(sample.raw.replace(b"\n", line_end))
        assert [(bounce.type, bounce.recipient) for bounce in again] == found


def test_a_person_who_quotes_a_sample_is_not_a_bounce(sample: Sample):
    body = sample.raw.partition(b"\n\n")[2]
    quoted = b"\n".join(b"> " + line for line in body.split(b"\n"))
    head = b"From: Alice <alice@firm.example>\nTo: news@sender.example\nSubject: look at this\n\nHello,\n\n"
    assert find_bounces(head + quoted) == []


def test_a_person_who_forwards_a_sample_is_not_a_bounce(sample: Sample):
    if sample.name.endswith("jmrp"):
        pytest.skip("a complaint of this kind is nothing but a forwarded message")
    head = (
        b"From: Alice <alice@firm.example>\nTo: news@sender.example\nSubject: Fwd: look\n"
        b'Content-Type: multipart/mixed; boundary="outer"\n\n--outer\n\nsee below\n'
        b"--outer\nContent-Type: message/rfc822\n\n"
    )
    assert find_bounces(head + sample.raw + b"\n--outer--\n") == []


def test_a_reply_is_judged_as_its_line_says(reply: tuple[str, str]):
    kinds, text = reply
    verdict = judge(Failure(text)).verdict
    letter = "f" if verdict.sender_fault else LETTERS[verdict.type.value]
    assert letter in kinds, f"{verdict.rule}: {verdict.evidence}"


PEOPLE = {
    "pastes": b"Subject: question\n",
    "keeps the subject": b"Subject: Undelivered Mail Returned to Sender\n",
    "is away": b"Subject: Out of office: Re: news\nAuto-Submitted: auto-replied\nReturn-Path: <>\n",
    "writes a newsletter": b"Subject: news\nList-Unsubscribe: <mailto:u@firm.example>\nReturn-Path: <>\n",
}


@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_with_the_source_of_a_sample_is_not_a_bounce(sample: Sample, person: str):
    head = b"From: Alice <alice@firm.example>\nTo: news@sender.example\n" + PEOPLE[person]
    body = sample.raw.partition(b"\n\n")[2]
    assert find_bounces(head + b"\nHello, see below.\n\n" + body) == []

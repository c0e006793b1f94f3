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


def found_in(raw: bytes) -> list[tuple[str, str | None]]:
    return [(bounce.type.value, bounce.recipient) for bounce in find_bounces(raw)]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
def test_line_ends_make_no_difference(samples: dict[str, Sample], line_end: bytes):
    for name, sample in samples.items():
        assert found_in(sample.raw.replace(b"\n", line_end)) == found_in(sample.raw), name


PEOPLE = {
    "pastes": b"Subject: question\n",
    "keeps the subject": b"Subject: Undelivered Mail Returned to Sender\n",
    "is away": b"Subject: Out of office: Re: news\nAuto-Submitted: auto-replied\nReturn-Path: <>\n",
    "asks for help": b"Subject: Can you help?\nReturn-Path: <>\n",
    "is a ticket system": (
        b"Subject: [Ticket#7] Undelivered Mail Returned to Sender\n"
        b"Auto-Submitted: auto-generated\nReturn-Path: <>\n"
    ),
    "writes a newsletter": b"Subject: news\nList-Unsubscribe: <mailto:u@firm.example>\nReturn-Path: <>\n",
}


@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_with_the_source_of_a_sample_is_not_a_bounce(samples: dict[str, Sample], person: str):
    head = b"From: Alice <alice@firm.example>\nTo: news@sender.example\n" + PEOPLE[person]
    for name, sample in samples.items():
        body = sample.raw.partition(b"\n\n")[2]
        quoted = b"\n".join(b"> " + line for line in body.split(b"\n"))
        assert find_bounces(head + b"\nHello, see below.\n\n" + body) == [], name
        assert find_bounces(head + b"\nHello, see below.\n\n" + quoted) == [], name


MACHINE = (
    b"From: Relay <relay@shop.example>\nTo: news@sender.example\nSubject: %bUndelivered Mail Returned to Sender\n"
    b"Auto-Submitted: auto-generated\nReturn-Path: <>\n\n"
    b"Your message could not be delivered.\n\n<bob@shop.example>: 550 5.1.1 user unknown\n"
)


@pytest.mark.parametrize(
    ("prefix", "is_believed"),
    [
        (b"", True),
        (b"[SPAM] ", True),
        (b"[EXT] ", True),
        (b"[External]: ", True),
        (b"[EXT] [Suspected Spam] ", True),
        (b"***SPAM*** ", True),
        (b"[Ticket#7] ", False),
        (b"[EXT] [Ticket#7] ", False),
        (b"[EXT] Re: ", False),
        (b"[ops-list] ", False),
    ],
)
def test_a_filter_may_mark_the_subject_of_a_report(prefix: bytes, is_believed: bool):
    assert bool(find_bounces(MACHINE % prefix)) is is_believed


def test_a_person_who_forwards_a_sample_is_not_a_bounce(samples: dict[str, Sample]):
    head = (
        b"From: Alice <alice@firm.example>\nTo: news@sender.example\nSubject: Fwd: look\n"
        b'Content-Type: multipart/mixed; boundary="outer"\n\n--outer\n\nsee below\n'
        b"--outer\nContent-Type: message/rfc822\n\n"
    )
    for name, sample in samples.items():
        # A complaint of Microsoft's programme is nothing but a forwarded message.
        if name != "complaints/jmrp":
            assert find_bounces(head + sample.raw + b"\n--outer--\n") == [], name


def test_a_reply_is_judged_as_its_line_says(reply: tuple[str, str]):
    kinds, text = reply
    verdict = judge(Failure(text)).verdict
    letter = "f" if verdict.sender_fault else LETTERS[verdict.type.value]
    assert letter in kinds, f"{verdict.rule}: {verdict.evidence}"

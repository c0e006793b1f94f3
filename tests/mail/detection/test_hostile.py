"""No bytes make detection fail, and none keep it busy for long."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail.detection import Bounce, detect, explain
from mail.detection.advice import MAX_NOTICE, without_advice
from mail.detection.automatic import classify_automatic
from mail.detection.detecting import find_bounces

MAX_SECONDS = 2.0
HEAD = b"From: MAILER-DAEMON@x.example\nTo: a@b.example\nSubject: Undelivered Mail Returned to Sender\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n"
STATUS = HEAD + b"Content-Type: message/delivery-status\n\n"
MARKUP = HEAD + b"Content-Type: text/html\n\n"
FAILED = b"Final-Recipient: rfc822;a@x.example\nAction: failed\nStatus: 5.1.1\n\n"


def nested(depth: int) -> bytes:
    body = b"user unknown"
    for level in range(depth):
        body = b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n%b\n--B%d--\n" % (
            level,
            level,
            body,
            level,
        )
    return HEAD + body


HOSTILE = {
    "a 25 MB line": HEAD + b"\n" + b"x" * 25_000_000,
    "25 MB of lines": HEAD + b"\n" + b"abc def\r\n" * 2_700_000,
    "10,000 parts": MIXED
    + b"--B\nContent-Type: text/plain\n\na@x.example user unknown\n" * 10_000
    + b"--B--",
    "10,000 status parts": MIXED + (b"--B\nContent-Type: message/delivery-status\n\n" + FAILED) * 10_000,
    "100 levels": nested(100),
    "100 levels of one boundary": HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n--B\n" * 100,
    "a header of a megabyte": HEAD + b"X-Long: " + b"a" * 1_000_000 + b"\n\nbody",
    "a folded header of a megabyte": HEAD + b"X-Long: " + b"a\n " * 400_000 + b"\n\nbody",
    "100,000 fields": HEAD + b"X: y\n" * 100_000 + b"\nbody",
    "a million at signs": HEAD + b"\n" + b"@" * 1_000_000,
    "a million half addresses": HEAD + b"\n" + b"a@" * 1_000_000,
    "half a million quotes": HEAD + b"\n" + b'"@' * 500_000,
    "100,000 recipients": HEAD
    + b"\nThe following address(es) failed:\n"
    + b"".join(b"  u%d@x.example\n    user unknown\n" % number for number in range(100_000)),
    "100,000 status blocks": STATUS + FAILED * 100_000,
    "100,000 final recipients": STATUS + b"Final-Recipient: rfc822; a@b.example\n" * 100_000,
    "an endless diagnostic": STATUS + FAILED.strip() + b"\nDiagnostic-Code: smtp; " + b"550-5.1.1 " * 90_000,
    "open angle brackets": MARKUP + b"<" * 1_000_000,
    "open comments": MARKUP + b"<!--" * 300_000,
    "open styles": MARKUP + b"<style>" * 200_000,
    "dashes": HEAD + b"\n" + b"\n--" * 400_000,
    "undeclared boundaries": HEAD
    + b"\n"
    + b"".join(b"--abcdef%d\ncontent-type: text/plain\n\n" % number for number in range(20_000)),
    "open encoded words": HEAD + b"X: y\nSubject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nx",
    "deep JSON": HEAD + b'\n{"notificationType":"Bounce","Message":' + b"[" * 100_000 + b"}",
    "8 MB of base64": HEAD + b"Content-Transfer-Encoding: base64\n\n" + b"QUJD" * 2_000_000,
    "a megabyte of guesses": HEAD + b"X-Failed-Recipients: b@x.example\n\n" + b"may be\n\n" * 125_000,
    "zeros": b"\0" * 5_000_000,
    "noise": random.Random(1).randbytes(2_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_answers_in_time(name: str):
    started = time.process_time()
    find_bounces(HOSTILE[name])
    assert time.process_time() - started < MAX_SECONDS


def test_advice_is_looked_for_only_where_words_are_read():
    assert len(without_advice("may be\n\n" * 100_000 + "user unknown")) <= MAX_NOTICE
    assert "user unknown" in without_advice("may be\n\n" * 200 + "user unknown")


def test_it_limits_the_number_of_recipients():
    assert 0 < len(find_bounces(HOSTILE["100,000 status blocks"])) <= 201
    assert 0 < len(find_bounces(HOSTILE["100,000 recipients"])) <= 200


def test_it_limits_the_length_of_what_it_keeps():
    (bounce,) = find_bounces(HOSTILE["an endless diagnostic"])
    assert len(bounce.diagnostic) <= 2000


@pytest.mark.parametrize(
    "charset", ["rot13", "idna", "punycode", "undefined", "utf-7", "no-such", "hex", "\u00e4", "mbcs"]
)
def test_an_odd_charset_is_read_somehow(charset: str):
    head = HEAD + f"Content-Type: text/plain; charset={charset}\n\n".encode()
    (bounce,) = find_bounces(
        head + b"The following address(es) failed:\n\n  c@x.example\n    \xff\xfe user unknown\n"
    )
    assert bounce.recipient == "c@x.example"


def test_a_lost_boundary_hides_no_report():
    raw = HEAD + b"\n--lost-boundary\nContent-Type: text/plain\n\nsorry\n--lost-boundary\n"
    raw += b"Content-Type: message/delivery-status\n\n" + FAILED + b"--lost-boundary--\n"
    assert [bounce.status for bounce in find_bounces(raw)] == ["5.1.1"]


def test_a_wrong_boundary_hides_no_report():
    raw = MIXED + b"--other-one\nContent-Type: text/plain\n\nsorry\n--other-one\n"
    raw += b"Content-Type: message/delivery-status\n\n" + FAILED + b"--other-one--\n"
    assert [bounce.status for bounce in find_bounces(raw)] == ["5.1.1"]


def is_well_formed(bounces: list[Bounce]) -> bool:
    """Every field can be stored and shown: no control characters, no half of a surrogate pair."""
    for bounce in bounces:
        ids = (bounce.message_id, *bounce.message_ids, bounce.token, bounce.reporting_mta, bounce.action)
        texts = (bounce.recipient or "@", bounce.diagnostic, bounce.thread_topic, bounce.status, *ids)
        if not bounce.rule or "@" not in texts[0] or not all(text.isprintable() for text in texts):
            return False
    return True


WORDS = st.sampled_from(
    [
        *(
            b"From: MAILER-DAEMON@x.example\n",
            b"Subject: failure notice\n",
            b"To: a@b.example\n",
            b"\n",
            b"\r",
        ),
        *(b"Content-Type: multipart/report; boundary=B\n", b'Content-Type: multipart/mixed; boundary=""\n'),
        *(
            b"--B\n",
            b"--B--\n",
            b"Content-Type: message/delivery-status\n",
            b"Content-Type: message/feedback-report\n",
        ),
        *(
            b"Content-Type: message/rfc822\n",
            b"Content-Transfer-Encoding: base64\n",
            b"Content-Type: text/html\n",
        ),
        *(
            b"Final-Recipient: rfc822; ",
            b"Original-Recipient: utf-8; ",
            b"Action: failed\n",
            b"Status: 5.1.1\n",
        ),
        *(
            b"Diagnostic-Code: smtp; 550 ",
            b"user unknown",
            b"<u@x.example>",
            b"u@x.example:",
            b"Feedback-Type: abuse\n",
        ),
        *(
            b"Message-ID: <m@x>\n",
            b"--- Below this line is a copy of the message.\n",
            b"=?utf-8?B?",
            b"?=",
            b"\x1b$B",
        ),
        *(
            b'{"notificationType":"Bounce","bounce":',
            b"{}}",
            b"X-Failed-Recipients: ",
            b"\\x{110000}",
            b"@",
            b"<",
            b">",
        ),
    ]
)
PIECES = st.lists(st.one_of(WORDS, st.binary(max_size=40)), max_size=40).map(b"".join)
RELAXED = settings(
    max_examples=400, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@RELAXED
@given(st.one_of(st.binary(max_size=2000), PIECES))
def test_any_bytes_are_answered(raw: bytes):
    assert is_well_formed(find_bounces(raw))
    assert detect(raw) == find_bounces(raw)
    explain(raw)
    classify_automatic(raw)


@RELAXED
@given(st.data())
def test_a_torn_sample_is_answered(samples, data):
    raw = data.draw(st.sampled_from(sorted(samples.items())))[1].raw
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    noise = data.draw(st.binary(max_size=20))
    assert is_well_formed(find_bounces(raw[:start] + noise + raw[end:]))


def test_it_survives_its_own_mistakes(monkeypatch):
    monkeypatch.setattr("mail.detection.detecting.find_bounces", lambda *_: 1 / 0)
    assert detect(b"x") == []


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "utf-32", "cesu-8"])
def test_half_of_a_surrogate_pair_stops_nothing(charset: str):
    head = HEAD + f"Content-Type: text/plain; charset={charset}\n\n".encode()
    body = b"The following address(es) failed:\n\n  c@x.example\n    +2AA- +3AA- 550 user unknown\n"
    assert is_well_formed(find_bounces(head + body))


def test_half_of_a_surrogate_pair_in_json_stops_nothing():
    raw = HEAD + (
        b'\n{"notificationType":"Bounce","bounce":{"bounceType":"\\ud800","bounceSubType":"\\u0000","bouncedRecipients":'
        b'[{"emailAddress":"c@x.example","diagnosticCode":"smtp; 550 \\ud800 user unknown"}]},'
        b'"mail":{"headers":[{"name":"Message-ID","value":"<\\udc00@x>"}]}}'
    )
    (bounce,) = find_bounces(raw)
    assert bounce.type == "hard"
    assert is_well_formed([bounce])

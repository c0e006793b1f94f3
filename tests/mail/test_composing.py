import dataclasses
import email
import email.policy
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.composing import (
    TOKEN_HEADER,
    Attachment,
    ComposeError,
    OutgoingMail,
    compose,
    new_message_id,
    validate_headers,
)
from mail.parsing import parse

MAIL = OutgoingMail(
    from_email="news@acme.example",
    to_email="ada@receiver.example",
    subject="Hello",
    html="<p>Hello Ada. <a href='https://acme.example/u'>Unsubscribe</a></p>",
    message_id="1@acme.example",
    token="t0k3n",
    date=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
)


def change(**changes):
    return dataclasses.replace(MAIL, **changes)


def read(message):
    """The message as the standard library reads it: somebody else's opinion of what we wrote."""
    return email.message_from_bytes(compose(message), policy=email.policy.default)


def test_it_writes_both_alternatives_and_derives_the_plain_one():
    message = read(MAIL)
    assert message.get_content_type() == "multipart/alternative"
    assert message.get_body(["html"]).get_content().strip() == MAIL.html
    plain = message.get_body(["plain"]).get_content()
    assert plain.strip() == "Hello Ada. Unsubscribe (https://acme.example/u)"


def test_it_keeps_a_plain_text_that_was_written():
    assert read(change(plain="Grüße\n")).get_body(["plain"]).get_content() == "Grüße\r\n"
    assert read(change(plain="Only text", html="")).get_content_type() == "text/plain"


def test_it_writes_the_headers_campaign_mail_needs():
    message = read(
        change(
            from_name="Acme News",
            to_name="Lovelace, Ada",
            reply_to="help@acme.example",
            list_unsubscribe_url="https://acme.example/u/" + "x" * 300,
            headers={"X-Campaign": "november"},
        )
    )
    assert message["From"] == "Acme News <news@acme.example>"
    assert message["To"].addresses[0].display_name == "Lovelace, Ada"
    assert message["To"].addresses[0].addr_spec == "ada@receiver.example"
    assert message["Reply-To"] == "help@acme.example"
    assert message["Message-ID"] == "<1@acme.example>"
    assert message["Date"].datetime == MAIL.date
    assert message["List-Unsubscribe"] == f"<https://acme.example/u/{'x' * 300}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message[TOKEN_HEADER] == "t0k3n"
    assert message["X-Campaign"] == "november"
    assert message["MIME-Version"] == "1.0"


def test_a_long_unsubscribe_link_stays_in_one_piece():
    url = "https://acme.example/u/" + "x" * 500
    assert f"List-Unsubscribe: <{url}>\r\n".encode() in compose(change(list_unsubscribe_url=url))


def test_an_empty_from_name_leaves_the_bare_address():
    assert b"From: news@acme.example\r\n" in compose(MAIL)


@pytest.mark.parametrize(
    "name",
    [
        "Grüße",
        "日本語" * 30,
        'a "quoted" \\ name',
        "comma, semicolon; <angle> @",
        "👩‍🚀 Ada",
        "=?utf-8?q?x?=",
        "a" * 300,
    ],
)
def test_every_display_name_comes_out_as_it_went_in(name):
    for raw in (compose(change(from_name=name)), compose(change(to_name=name, subject=name))):
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        parsed = parse(raw)
        assert name in (parsed.sender_name, parsed.subject)
        assert parsed.sender == "news@acme.example"
        assert parsed.recipients == ("ada@receiver.example",)


def test_encoded_words_stay_within_the_75_characters_of_rfc_2047():
    raw = compose(change(subject="Grüße 日本 " * 40))
    header = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    assert all(len(line) <= 78 for line in header.split("\r\n"))


def test_a_word_longer_than_a_line_is_encoded_rather_than_refused():
    assert parse(compose(change(subject="x" * 3_000))).subject == "x" * 3_000


def test_international_addresses_get_an_ascii_domain():
    raw = compose(change(from_email="news@bücher.example", to_email="用户@例子.example"))
    assert b"From: news@xn--bcher-kva.example" in raw
    assert "To: 用户@xn--fsqu00a.example".encode() in raw


header_text = st.text(
    alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]) | st.just(" "),
    min_size=1,
    max_size=300,
).filter(lambda text: text == " ".join(text.split()))


@given(header_text)
def test_any_subject_comes_out_as_it_went_in(subject):
    raw = compose(change(subject=subject))
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert parse(raw).subject == subject


@given(st.text(min_size=1))
def test_any_text_comes_out_as_it_went_in(text):
    raw = compose(change(html="", plain=f"<{text}>"))
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.replace(b"\r\n", b"").count(b"\n") == raw.replace(b"\r\n", b"").count(b"\r") == 0
    expected = f"<{text}>".encode("utf-8", "replace").decode().replace("\0", "")
    lines = "\n".join(expected.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert parse(raw).plain == lines


def test_a_long_line_is_folded_by_its_encoding():
    raw = compose(change(html="<p>" + "x" * 5_000 + "</p>"))
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert "x" * 5_000 in parse(raw).html


def test_attachments_come_through_byte_for_byte():
    content = bytes(range(256)) * 100
    files = (
        Attachment('Übersicht, "2026" 日本.pdf', "application/pdf", content),
        Attachment("note.txt", "text/plain", b"a\r\nb\n" + b"x" * 2_000),
        Attachment("old.eml", "message/rfc822", b"Subject: x\n\nbody"),
    )
    message = read(change(attachments=files))
    assert message.get_content_type() == "multipart/mixed"
    assert next(message.iter_parts()).get_content_type() == "multipart/alternative"
    read_back = [(part.get_filename(), part.get_payload(decode=True)) for part in message.iter_attachments()]
    assert read_back == [(file.filename, file.content) for file in files]


@pytest.mark.parametrize(
    "evil", ["a\r\nBcc: x@evil.example", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x85b", "a\ud800b"]
)
@pytest.mark.parametrize(
    "field", ["subject", "from_name", "to_name", "token", "from_email", "to_email", "reply_to"]
)
def test_nothing_can_start_a_header_of_its_own(field, evil):
    with pytest.raises(ComposeError):
        compose(change(**{field: evil}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"to_email": "nobody"}, "To: .*no @"),
        ({"from_email": "a@b@c"}, "From: "),
        ({"html": " ", "plain": ""}, "no text"),
        ({"message_id": "<1@acme.example>"}, "no Message-ID"),
        ({"message_id": "1@acme.example>\r\nBcc: x@y.z"}, "no Message-ID"),
        ({"date": datetime(2026, 11, 20)}, "no time zone"),
        ({"list_unsubscribe_url": "https://x.example/>\r\nBcc: x@y.z"}, "unsubscribe link"),
        ({"list_unsubscribe_url": "/u/1"}, "unsubscribe link"),
        ({"headers": {"Bcc": "x@y.z"}}, "begins with X-"),
        ({"headers": {"X-A": "x\r\nBcc: x@y.z"}}, "line break"),
        ({"attachments": (Attachment("a\r\nb", "text/plain", b""),)}, "file name"),
        ({"attachments": (Attachment("a", "pdf", b""),)}, "content type"),
        ({"attachments": (Attachment("a", "text/plain\r\nX: y", b""),)}, "content type"),
    ],
)
def test_it_says_what_is_wrong_with_a_message(changes, why):
    with pytest.raises(ComposeError, match=why):
        compose(change(**changes))


def test_a_date_is_written_with_its_own_offset():
    berlin = timezone(timedelta(hours=1))
    assert b"Date: Fri, 20 Nov 2026 13:00:00 +0100" in compose(
        change(date=datetime(2026, 11, 20, 13, tzinfo=berlin))
    )


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Subject": "x"}, "begins with X-"),
        ({"X-": "x"}, "begins with X-"),
        ({"X-A B": "x"}, "begins with X-"),
        ({"X-Ä": "x"}, "begins with X-"),
        ({"X-Apiconnect-Token": "x"}, "reserved"),
        ({"X-MS-Exchange-Organization-SCL": "-1"}, "reserved"),
        ({"X-Google-DKIM-Signature": "x"}, "reserved"),
        ({"X-A": ""}, "no value"),
        ({"X-A": "x" * 801}, "too long"),
        ({"X-A": "x\ny"}, "line break"),
        ({"X-A": "1", "x-a": "2"}, "twice"),
        ({f"X-{number}": "x" for number in range(6)}, "at most 5"),
    ],
)
def test_it_says_what_is_wrong_with_custom_headers(headers, why):
    problems = validate_headers(headers, 5)
    assert len(problems) == 1
    assert why in problems[0]


def test_good_custom_headers_have_no_problem():
    assert validate_headers({f"X-{number}": "Grüße [FNAME]" for number in range(5)}, 5) == []
    assert validate_headers({f"X-{number}": "x" for number in range(50)}, None) == []


def test_message_ids_are_unique_and_of_the_sender_s_domain():
    ids = {new_message_id("Bücher.example") for _ in range(100)}
    assert len(ids) == 100
    assert all(message_id.endswith("@xn--bcher-kva.example") for message_id in ids)


def test_secret_links_and_bodies_stay_out_of_its_repr():
    shown = repr(change(list_unsubscribe_url="https://acme.example/u/secret"))
    assert "secret" not in shown
    assert "Hello Ada" not in shown

import base64
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail.composing import TOKEN_HEADER
from mail.parsing import MAX_MESSAGE_BYTES, UnreadableMail, parse
from mail.replies import reply_text
from mail.structure import MAX_TEXT_BYTES

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

HEAD = b"From: Ada <ada@receiver.example>\nTo: news@acme.example\nSubject: Re: News\n"


def body(data, charset, encoding="8bit", subtype="plain"):
    header = f"Content-Type: text/{subtype}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    return parse(HEAD + header.encode() + data)


def multipart(*parts, subtype="mixed", boundary="b"):
    inner = b"".join(b"--" + boundary.encode() + b"\n" + part + b"\n" for part in parts)
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n\n'.encode()
    return head + inner + b"--" + boundary.encode() + b"--\n"


def test_it_reads_what_a_message_says():
    mail = parse(
        b"Message-ID: <2@receiver.example>\r\nIn-Reply-To: <1@acme.example>\r\n"
        b"References: <0@acme.example>\r\n <1@acme.example>\r\n"
        b"From: =?utf-8?q?Ada_L=C3=B6velace?= <Ada@Receiver.example>\r\n"
        b'To: "News, Acme" <news@acme.example>, bob@acme.example\r\nCc: carol@acme.example\r\n'
        b"Date: Fri, 20 Nov 2026 13:00:00 +0100\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\nHello\r\nthere\r\n"
    )
    assert mail.message_id == "2@receiver.example"
    assert mail.in_reply_to == "1@acme.example"
    assert mail.references == ("0@acme.example", "1@acme.example")
    assert mail.answered_ids == ("1@acme.example", "0@acme.example")
    assert (mail.sender_name, mail.sender) == ("Ada Lövelace", "Ada@Receiver.example")
    assert mail.recipients == ("news@acme.example", "bob@acme.example", "carol@acme.example")
    assert mail.date == datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert mail.subject == "Grüße"
    assert mail.plain == "Hello\nthere"
    assert (mail.html, mail.links, mail.token) == ("", (), "")
    assert mail.headers.first("SUBJECT") == "Grüße"
    assert mail.headers.first("x-none", "?") == "?"
    assert mail.headers.all("received") == ()


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("配信停止をお願いします", "iso-2022-jp"),
        ("配信停止①", "shift_jis"),
        ("請取消訂閱", "big5"),
        ("请退订𠮷", "gb18030"),
        ("отпишите меня", "koi8-r"),
        ("отпишите меня", "windows-1251"),
        ("구독 취소", "euc-kr"),
        ("Grüße – “ciao” €", "windows-1252"),
        ("Žluťoučký kůň", "iso-8859-2"),
        ("ΔΙΑΓΡΑΦΗ", "iso-8859-7"),
        ("İPTAL ŞİFRE", "iso-8859-9"),
        ("ยกเลิก", "tis-620"),
        ("Grüße 日本", "utf-16"),
        ("Grüße", "utf-7"),
    ],
)
def test_it_reads_every_charset(text, charset):
    data = text.encode({"shift_jis": "cp932"}.get(charset, charset))
    assert body(base64.encodebytes(data), charset, "base64").plain == text
    word = f"=?{charset}?B?{base64.b64encode(data).decode()}?="
    assert parse(f"Subject: {word}\n\n".encode()).subject == text


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("don’t – “stop” €".encode("cp1252"), "iso-8859-1", "don’t – “stop” €"),
        ("don’t".encode("cp1252"), "us-ascii", "don’t"),
        ("don’t".encode("cp1252"), "utf-8", "don’t"),
        ("Grüße".encode(), "iso-8859-1", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), "x-unknown", "Grüße"),
        ("退订".encode("gbk"), "gb2312", "退订"),
        ("停止".encode("iso-2022-jp"), "us-ascii", "停止"),
        (b"abc\xff", "koi8-r", "abcЪ"),
        (b"abc", "zlib", "abc"),
        (b"abc", "punycode", "abc"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"a\0b", "utf-8", "ab"),
        (b"\xff\xfe\xfd", "utf-8", "ÿþý"),
    ],
)
def test_it_reads_what_is_labelled_wrongly(data, charset, text):
    assert body(data, charset).plain == text


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (b"Gr=C3=BC=\n=C3=9Fe=20", "quoted-printable", "Grüße "),
        (b"a=zz=3D=", "Quoted-Printable", "a=zz="),
        (b"SGVsbG8", "base64", "Hello"),
        (b"SGVs bG8=\n!!", "BASE64", "Hello"),
        (b"SGVsbG8gdGhlcmUx", "base64", "Hello there1"),
        (b"plain", "x-unknown", "plain"),
    ],
)
def test_it_undoes_every_transfer_encoding_however_broken(data, encoding, text):
    assert body(data, "utf-8", encoding).plain == text


def test_split_encoded_words_are_joined_before_they_are_decoded():
    mail = parse(
        b"Subject: =?utf-8?b?5pel5pw=?=\r\n =?utf-8?b?rOiqng==?= and =?iso-8859-1?q?=FCber_all?= x\r\n\r\n"
    )
    assert mail.subject == "日本語 and über all x"


def test_the_plain_part_goes_before_the_html_part():
    alternative = multipart(
        b"Content-Type: text/plain\n\nplain", b"Content-Type: text/html\n\n<p>html</p>", subtype="alternative"
    )
    mail = parse(HEAD + alternative)
    assert (mail.plain, mail.html) == ("plain", "<p>html</p>")


def test_a_reply_in_html_alone_is_read_as_text():
    mail = body(
        b"<style>p{}</style><p>Please&nbsp;<b>stop</b></p><blockquote>old</blockquote>",
        "utf-8",
        subtype="html",
    )
    assert mail.plain == "Please stop\n\n> old"
    assert reply_text(mail.plain) == "Please stop"


def test_attachments_and_enclosed_messages_are_not_the_text():
    enclosed = b"Content-Type: message/rfc822\n\nSubject: inner\nX-Mark: a\n\nforwarded words"
    attached = b"Content-Type: text/plain\nContent-Disposition: attachment\n\nattached"
    mail = parse(HEAD + multipart(b"Content-Type: text/plain\n\nmine", enclosed, attached))
    assert mail.plain == "mine"
    assert mail.subject == "Re: News"


def nested_forward(token, depth):
    message = f"{TOKEN_HEADER}: {token}\nSubject: original\n\ntext".encode()
    for level in range(depth):
        part = b"Content-Type: message/rfc822\n\n" + message
        message = b"Subject: Fwd\n" + multipart(b"\nforward", part, boundary=f"b{level}")
    return message


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_it_finds_our_token_in_forwards_of_forwards(depth):
    mail = parse(nested_forward("t0-k3_n=", depth))
    assert mail.token == "t0-k3_n="
    assert mail.plain == "forward"


@pytest.mark.parametrize(
    "message",
    [
        f"{TOKEN_HEADER}: t0k3n\n\nx".encode(),
        HEAD
        + multipart(
            b"Content-Type: text/rfc822-headers\n\n" + TOKEN_HEADER.lower().encode() + b":\n t0k3n\n"
        ),
        HEAD + b"\n> Subject: x\n> x-apiconnect-TOKEN: t0k3n\n> To: y",
        HEAD
        + multipart(
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(TOKEN_HEADER.encode() + b": t0k3n\n\nx")
        ),
        HEAD
        + b"Content-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(b"--- below\r\n" + TOKEN_HEADER.encode() + b": t0k3n\r\n"),
    ],
)
def test_it_finds_our_token_wherever_a_server_puts_it(message):
    assert parse(message).token == "t0k3n"


def test_it_finds_the_links_of_both_parts_quotes_included():
    mail = parse(
        HEAD
        + multipart(
            b"Content-Type: text/plain\n\nstop\n> https://acme.example/t/1.",
            b"Content-Type: text/html\n\n<a href='https://acme.example/t/2?a=1&amp;b=2'>x</a>"
            b"<a href='https://acme.example/t/1'>y</a>",
        )
    )
    assert mail.links == ("https://acme.example/t/1", "https://acme.example/t/2?a=1&b=2")


@pytest.mark.parametrize(
    ("header", "is_automatic", "list_mail"),
    [
        ("Auto-Submitted: auto-replied (vacation)", True, False),
        ("Auto-Submitted: auto-generated; x=y", True, False),
        ("Auto-Submitted: no", False, False),
        ("Precedence: Bulk", True, True),
        ("Precedence: first-class", False, False),
        ("X-Auto-Response-Suppress: All", True, False),
        ("X-Autoreply: yes", True, False),
        ("Return-Path: <>", True, False),
        ("Return-Path: <ada@receiver.example>", False, False),
        ("Subject: Automatische Antwort: News", True, False),
        ("Subject: Re: Automatic reply: News", False, False),
        ("List-Id: <list.example>", False, True),
        ("List-Unsubscribe: <https://x.example>", False, True),
        ("X-Nothing: x", False, False),
    ],
)
def test_it_tells_people_from_machines(header, is_automatic, list_mail):
    mail = parse(header.encode() + b"\n\ntext")
    assert (mail.is_automatic, mail.list_mail) == (is_automatic, list_mail)


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("ada@receiver.example", "", "ada@receiver.example"),
        ("<ada@receiver.example>", "", "ada@receiver.example"),
        ("ada@receiver.example (Ada)", "Ada", "ada@receiver.example"),
        ('"ada@evil.example" <bob@receiver.example>', "ada@evil.example", "bob@receiver.example"),
        ("ada@evil.example <bob@receiver.example>", "ada@evil.example", "bob@receiver.example"),
        (
            "=?utf-8?q?ada=40evil=2Eexample=3E=2C?= <bob@receiver.example>",
            "ada@evil.example>,",
            "bob@receiver.example",
        ),
        ('"Lovelace, \\"Ada\\"" <ada@receiver.example>', 'Lovelace, "Ada"', "ada@receiver.example"),
        ('"ada lovelace"@receiver.example', "", ""),
        ("a..b.@carrier.example", "", "a..b.@carrier.example"),
        ("=?utf-8?q?Ada_=3Cada=40receiver=2Eexample=3E?=", "Ada", "ada@receiver.example"),
        ("undisclosed-recipients:;", "", ""),
        ("group: ada@receiver.example, bob@x.example;", "", "ada@receiver.example"),
        ("MAILER-DAEMON", "", ""),
        ("", "", ""),
    ],
)
def test_it_reads_the_sender_where_it_really_stands(value, name, address):
    mail = parse(f"From: {value}\n\n".encode())
    assert (mail.sender_name, mail.sender) == (name, address)


@pytest.mark.parametrize(
    "date",
    ["", "yesterday", "Fri, 99 Nov 2026 13:00:00 +0100", "Fri, 20 Nov 99999 1:1:1 +9999", "1 " * 5_000],
)
def test_a_date_that_is_none_is_none(date):
    assert parse(f"Date: {date}\n\n".encode()).date is None


def test_a_header_that_lost_its_folds_or_its_blank_line_is_still_read():
    assert body(b"text", "utf-8").plain == "text"
    mail = parse(
        b'Content-Type: multipart/mixed;\nboundary="b"\n\n--b\nContent-Type: text/plain\n\ntext\n--b--'
    )
    assert mail.plain == "text"
    assert parse(b"Subject: x\nno header here\nsecond").plain == "no header here\nsecond"


def test_a_truncated_message_gives_what_is_there():
    whole = HEAD + multipart(
        b"Content-Type: text/plain\n\nfirst", b"Content-Type: text/html\n\n<p>second</p>"
    )
    for length in range(len(HEAD), len(whole)):
        assert parse(whole[:length]).sender == "ada@receiver.example"
    assert parse(whole[: whole.index(b"first") + 5]).plain == "first"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" \r\n\t\n\0", "empty"),
        (b"no header at all", "header field"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "header field"),
        (b"From x\n", "header field"),
        (b"A: b\n\n" + bytes(MAX_MESSAGE_BYTES), "at most"),
    ],
)
def test_it_says_why_something_is_no_mail(raw, why):
    with pytest.raises(UnreadableMail, match=why):
        parse(raw)


def test_it_skips_the_line_between_messages_of_an_mbox():
    assert parse(b"\xef\xbb\xbf\nFrom ada Fri Nov 20\nSubject: x\n\ntext").subject == "x"


def parses_or_refuses(raw):
    try:
        mail = parse(raw)
    except UnreadableMail:
        return
    assert len(mail.plain) <= MAX_TEXT_BYTES
    for text in (mail.subject, mail.sender, mail.sender_name, mail.plain, mail.html, mail.token, *mail.links):
        assert "\0" not in text
        text.encode()


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(raw):
    parses_or_refuses(raw)
    parses_or_refuses(b"Subject: " + raw)


FRAGMENTS = [
    b"\n", b"\n\n", b"\r", b"--b\n", b"--b--\n", b"=?utf-8?b?", b"=?utf-8?q?", b"?=", b"<", b">", b'"', b"(", b",",
    b":", b" ", b"=", b"From: ", b"Date: ", b"Subject: ", b"Content-Type: multipart/mixed; boundary=b\n",
    b"Content-Type: message/rfc822\n", b"Content-Type: text/html; charset=", b"utf-7", b"idna", b"\xff", b"+AGE",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"References: ",
    b"a@b.c", b"X-Apiconnect-Token: x\n",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=4), max_size=40).map(b"".join))
def test_any_pieces_of_mail_are_parsed_or_refused(raw):
    parses_or_refuses(raw)


MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"

# What a message begins with, and what is then repeated until it is as large as a message may be.
HOSTILE = {
    "deep messages": (b"", b"Content-Type: message/rfc822\n\n"),
    "one boundary for all": (MIXED, b"--b\n" + MIXED),
    "many parts": (MIXED, b"--b\n\nx\n"),
    "almost boundaries": (MIXED, b"--bx\n"),
    "long boundary": (b"Content-Type: multipart/mixed; boundary=" + b"-" * 4_000 + b"\n\n", b"-"),
    "many fields": (b"", b"A: b\n"),
    "one field": (b"Subject: ", b"x"),
    "many folds": (b"Subject: x", b"\n y"),
    "lost folds": (b"Subject: x;", b"\ny;"),
    "encoded words": (b"Subject: ", b"=?a?q?"),
    "many words": (b"Subject: ", b"=?utf-8?q?x?= "),
    "many charsets": (b"Subject: ", b"=?utf-8?q?x?= =?ascii?q?x?= "),
    "no words": (b"Subject: ", b"=?"),
    "addresses": (b"To: ", b"a@b.c,"),
    "comments": (b"From: ", b"("),
    "quotes": (b"From: ", b'"\\'),
    "angles": (b"From: ", b"<"),
    "words": (b"From: ", b"a "),
    "parameters": (b"Content-Type: text/plain", b'; a="'),
    "references": (b"References: ", b"<a@b>"),
    "unclosed ids": (b"References: ", b"<a"),
    "base64": (b"Content-Transfer-Encoding: base64\n\n", b"QUFB\n"),
    "bad base64": (b"Content-Transfer-Encoding: base64\n\n", b"="),
    "soft breaks": (b"Content-Transfer-Encoding: quoted-printable\n\n", b"=\n"),
    "html": (b"Content-Type: text/html\n\n", b"<div><a href='"),
    "links": (b"A: b\n\n", b"https://x.example/ "),
    "blank lines": (b"A: b\n\n", b"\n"),
    "carriage returns": (b"A: b", b"\r"),
    "utf-7": (b"Content-Type: text/plain; charset=utf-7\n\n", b"+AGE"),
    "tokens": (b"A: b\n\n", b"X-Apiconnect-Token:\n"),
    "parts with fields": (MIXED, b"--b\n" + b"A: b\n" * 2_000 + b"\nx\n"),
    "html parts": (MIXED, b"--b\nContent-Type: text/html\n\n" + b"<p>" * 10_000 + b"\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_message_takes_long(name):
    prefix, unit = HOSTILE[name]
    raw = prefix + unit * ((MAX_MESSAGE_BYTES - len(prefix)) // len(unit))
    started = time.monotonic()
    parses_or_refuses(raw)
    assert time.monotonic() - started < 5


def test_parts_within_parts_are_read_only_so_deep():
    opened = "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(50_000))
    raw = f"Content-Type: multipart/mixed; boundary=b0\n\n{opened}deep".encode()
    started = time.monotonic()
    parses_or_refuses(raw)
    assert time.monotonic() - started < 5


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real mail is not there")
def test_real_mail_is_read():
    files = sorted(CORPUS.glob("*.eml"))
    mails = [parse(file.read_bytes()) for file in files]
    assert len(mails) > 200
    assert all(mail.plain.strip() for mail in mails)
    assert sum(mail.is_automatic for mail in mails) > len(mails) * 0.5

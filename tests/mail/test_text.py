import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello&nbsp;<b>Ada</b>,</p><p>news &amp; more</p>", "Hello Ada,\n\nnews & more"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div><div><div>two</div></div>three", "one\ntwo\nthree"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<script>alert('x')</script><style>p{}</style><title>t</title>text", "text"),
        ("<!-- comment --><!--[if mso]>outlook<![endif]-->text", "text"),
        ("<div style='DISPLAY: none'>preheader<br><b>x</b></div>text", "text"),
        ("un&shy;sub\u200bscribe", "unsubscribe"),
        ("a  \n\t b", "a b"),
        ("<pre>a\nb</pre>", "a\nb"),
        ("<blockquote>said<blockquote>before</blockquote></blockquote>mine", "> said\n\n>> before\n\nmine"),
        ("a<hr>b", "a\n________________________________\nb"),
        ("5 < 6 && 7 > 2", "5 < 6 && 7 > 2"),
        ("&#x1F600; &euro; &unknown;", "\U0001f600 € &unknown;"),
        ("<p>broken <b>nesting</p></b> and <a href='x", "broken nesting\n\nand"),
        ("", ""),
        ("\0<p>\ud800x\0</p>", "?x"),
    ],
)
def test_it_reads_as_a_person_would(html, text):
    assert html_to_text(html) == text


def test_it_writes_links_out_where_they_are_asked_for():
    html = (
        "<a href='https://x.example/?a=1&amp;b=2'>Read <i>on</i></a>, <a href='[UNSUBSCRIBE_URL]'>leave</a>"
    )
    assert html_to_text(html) == "Read on, leave"
    assert (
        html_to_text(html, with_links=True)
        == "Read on (https://x.example/?a=1&b=2), leave ([UNSUBSCRIBE_URL])"
    )
    assert (
        html_to_text("<a href='https://x.example'>https://x.example</a>", with_links=True)
        == "https://x.example"
    )
    assert html_to_text("<a href='#top'>up</a>", with_links=True) == "up"


def test_it_reads_the_text_in_its_own_charset_whatever_the_document_declares():
    assert html_to_text('<meta charset="iso-8859-1"><p>Grüße 日本') == "Grüße 日本"


def test_a_deeply_nested_document_keeps_its_text():
    assert html_to_text("<div>" * 5_000 + "deep" + "</div>" * 5_000 + "after") == "deep\nafter"


@given(st.text())
def test_it_has_an_answer_for_any_text(text):
    assert "\0" not in html_to_text(text)


@pytest.mark.parametrize(
    "html",
    [
        pattern * (2_000_000 // len(pattern))
        for pattern in [
            "<div>",
            "<p>",
            "<",
            "&",
            "<!--",
            "</p>",
            "<b><i>",
            "<a '",
            "<table>",
            "<blockquote>",
            "<td>",
        ]
        + [
            "<script>",
            "<![CDATA[",
            "<?",
            "<select><option>",
            "<a href='https://x'>y",
            "<br>",
            "x ",
            "<pre>\n",
        ]
    ]
    + ["<a " + " ".join(f"a{number}=1" for number in range(200_000)) + ">", "&#" + "9" * 1_000_000 + ";"],
    ids=lambda html: html[:12],
)
def test_no_document_takes_long_or_grows(html):
    started = time.monotonic()
    text = html_to_text(html, with_links=True)
    assert time.monotonic() - started < 8
    assert len(text) <= 4_000_000

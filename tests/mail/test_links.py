import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.links import find_links, find_text_links, rewrite, rewrite_text


def track(url):
    return f"https://t.example/?u={len(url)}&x=1"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="https://x.example/">x</a>', '<a href="https://t.example/?u=18&amp;x=1">x</a>'),
        (
            "<A class=b HREF='http://x.example'>x</A>",
            '<A class=b href="https://t.example/?u=16&amp;x=1">x</A>',
        ),
        ("<a href=https://x.example/a>x</a>", '<a href="https://t.example/?u=19&amp;x=1">x</a>'),
        ("<a\n href = 'https://x.example/?a=1&amp;b=2'>", '<a\n href="https://t.example/?u=26&amp;x=1">'),
        (
            '<a title="a>b" href="https://x.example/">',
            '<a title="a>b" href="https://t.example/?u=18&amp;x=1">',
        ),
        ("<area href='https://x.example/' />", '<area href="https://t.example/?u=18&amp;x=1" />'),
        (
            '<!--[if mso]><v:roundrect href="https://x.example/"><![endif]-->',
            '<!--[if mso]><v:roundrect href="https://t.example/?u=18&amp;x=1"><![endif]-->',
        ),
    ],
)
def test_it_rewrites_links_of_every_spelling(html, expected):
    assert rewrite(html, track).replace("HREF=", "href=") == expected


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:ada@example.com">',
        '<a href="#top">',
        '<a href="[UNSUBSCRIBE_URL]">',
        '<a href="tel:123">',
        '<a href="javascript:alert(1)">',
        '<a href="/relative">',
        '<a name="x">',
        '<a data-href="https://x.example/">',
        "<a title=\"href='https://x.example/'\">",
        '<link href="https://x.example/style.css">',
        '<img src="https://x.example/a.png">',
        '<abbr href="https://x.example/">',
        "a < b and <a href='https://x.example/ unclosed",
        "<P ALIGN=center>odd &nbsp; <b><i>nesting</b></i> & entities <br/>",
    ],
)
def test_it_leaves_everything_else_as_it_was(html):
    assert rewrite(html, track) == html


def test_it_leaves_the_links_it_is_told_to_skip():
    html = '<a href="https://x.example/u?a=1&amp;b=2">'
    assert rewrite(html, track, skip={"https://x.example/u?a=1&b=2"}) == html


def test_it_hands_over_the_address_as_a_browser_would_follow_it():
    seen = []
    rewrite('<a href=" https://x.example/?a=1&amp;b=&quot;2&quot; ">', lambda url: seen.append(url) or url)
    assert seen == ['https://x.example/?a=1&b="2"']


def test_it_rewrites_plain_text_without_the_sentence_s_punctuation():
    text = "See https://x.example/a, (https://x.example/b_(c)) or <https://x.example/d>. https://x.example/e!"
    assert find_text_links(text) == [
        "https://x.example/a",
        "https://x.example/b_(c)",
        "https://x.example/d",
        "https://x.example/e",
    ]
    assert rewrite_text(text, lambda _: "T") == "See T, (T) or <T>. T!"
    assert (
        rewrite_text("a https://x.example/a", lambda _: "T", skip={"https://x.example/a"})
        == "a https://x.example/a"
    )


def test_it_finds_each_link_once_in_order():
    html = (
        "<a href='https://b.example'>1</a><a href='https://a.example'>2</a><a href='https://b.example'>3</a>"
    )
    assert find_links(html) == ["https://b.example", "https://a.example"]


@given(st.text(alphabet=st.sampled_from(list("<a href='\"https://x>/= &#;"))))
def test_a_rewrite_that_changes_no_address_changes_nothing(html):
    assert rewrite(html, lambda url: url) == html
    find_links(html)


@pytest.mark.parametrize(
    "html",
    [
        "<a " * 300_000,
        "<a '" * 300_000,
        "<a \"'" * 300_000,
        "<a '>' " * 150_000 + '"',
        "<a " + "x " * 500_000 + ">",
        "<a " + "x = " * 300_000 + ">",
        "<a " + " " * 1_000_000 + ">",
        "<a href=" + "'" * 1_000_001 + ">",
        "<a href='https://x/&#" + "9" * 5_000 + ";'>",
        "<a href='https://x'>" * 50_000,
        "https://" * 100_000,
        "https://x" + ")" * 100_000,
        "https://x" + "()" * 500_000,
    ],
)
def test_no_document_takes_long(html):
    started = time.monotonic()
    rewrite(html, track)
    find_links(html)
    find_text_links(html)
    rewrite_text(html, track)
    assert time.monotonic() - started < 3

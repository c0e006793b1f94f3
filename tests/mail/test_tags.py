import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.tags import STANDARD_TAGS, Template, find_tags, render, unknown_tags


def test_it_fills_tags_with_the_subscriber_s_values():
    text = "Hello [FNAME] [LNAME], from [DS_FROM_NAME]"
    values = {"FNAME": "Ada", "LNAME": "Lovelace", "DS_FROM_NAME": "Acme"}
    assert render(text, values, html=False) == "Hello Ada Lovelace, from Acme"


@pytest.mark.parametrize("values", [{}, {"FNAME": ""}, {"FNAME": "  "}])
def test_it_falls_back_to_the_default_or_to_nothing(values):
    assert render("Hello [FNAME|there]![FNAME]", values, html=False) == "Hello there!"


def test_it_escapes_values_in_html_and_nowhere_else():
    values = {"FNAME": "<b>\"A\" & 'B'</b>", "UNSUBSCRIBE_URL": "https://x.example/u?a=1&b=2"}
    assert render("[FNAME]", values, html=True) == "&lt;b&gt;&quot;A&quot; &amp; &#x27;B&#x27;&lt;/b&gt;"
    assert render("[FNAME]", values, html=False) == values["FNAME"]
    assert (
        render("<a href='[UNSUBSCRIBE_URL]'>", values, html=True)
        == "<a href='https://x.example/u?a=1&amp;b=2'>"
    )


def test_a_tag_inside_a_value_stays_text():
    values = {"FNAME": "[EMAIL]", "EMAIL": "[FNAME]"}
    assert render("[FNAME][EMAIL]", values, html=False) == "[EMAIL][FNAME]"


def test_a_line_stays_one_line_whatever_the_values_hold():
    values = {"FNAME": "Ada\r\nBcc: all@example.com\u2028x"}
    assert Template.parse("Hello [FNAME]!").render_line(values) == "Hello Ada Bcc: all@example.com x!"


def test_it_finds_the_names_of_tags():
    assert find_tags("[FNAME|x] [FNAME] [LIST_NAME] [1] [a] [not a tag]") == {"FNAME", "LIST_NAME"}


def test_it_reports_what_would_reach_the_reader_as_it_stands():
    text = "[FNAME] [FNMAE] [FNAME:there] [ EMAIL ] [FNAME |x] [CITY|Paris] [FNMAE]"
    assert unknown_tags(text, {"FNAME"}) == ["FNMAE", "FNAME:there", " EMAIL ", "FNAME |x"]
    assert render("[CITY|Paris]", {}, html=False) == "Paris"


@pytest.mark.parametrize(
    "text", ["[1]", "[see below]", "a[i]", "<!--[if mso]>x<![endif]-->", "<![CDATA[x]]>", "[]"]
)
def test_it_does_not_take_every_bracket_for_a_tag(text):
    assert unknown_tags(text, ()) == []
    assert render(text, {}, html=True) == text


def test_standard_tags_are_always_known():
    assert unknown_tags("".join(f"[{name}]" for name in STANDARD_TAGS), ()) == []


@given(st.text())
def test_text_without_tags_comes_out_as_it_went_in(text):
    if not find_tags(text):
        assert render(text, {}, html=True) == text


@pytest.mark.parametrize(
    "text", ["[" * 1_000_000, "[A|" * 300_000, "[ A" * 300_000, "[A" * 500_000, "[A:" * 300_000]
)
def test_no_text_takes_long(text):
    started = time.monotonic()
    unknown_tags(text, ())
    render(text, {}, html=True)
    assert time.monotonic() - started < 3


def test_a_parsed_template_renders_fast_enough_for_millions():
    template = Template.parse("<p>Hello [FNAME|there], [EMAIL]</p>" * 10 + "<p>Body text</p>" * 1_000)
    values = {"FNAME": "Ada & Co", "EMAIL": "ada@example.com"}
    started = time.monotonic()
    for _ in range(1_000):
        template.render(values, html=True)
    assert time.monotonic() - started < 1

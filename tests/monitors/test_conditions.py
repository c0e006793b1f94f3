import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions import Match, MessageText, Rule, Where, explain, first_match, is_met, validate_rule

MESSAGE = MessageText(
    subject="Re: November news",
    body="Hello,\nplease take  me off\nyour list. Thank you!",
    sender="ada@receiver.example",
)


def rule(value, match=Match.CONTAINS, where=Where.ANY, *, match_case=False, position=1):
    return Rule(position=position, value=value, match=match, where=where, match_case=match_case)


def body_meets(text, value, match=Match.CONTAINS, **more):
    return is_met(rule(value, match, Where.BODY, **more), MessageText(body=text))


@pytest.mark.parametrize(
    ("match", "value", "met"),
    [
        (Match.CONTAINS, "take me off your list", True),
        (Match.CONTAINS, "take you off", False),
        (Match.NOT_CONTAINS, "take you off", True),
        (Match.NOT_CONTAINS, "take me off", False),
        (Match.STARTS_WITH, "hello, please", True),
        (Match.STARTS_WITH, "please", False),
        (Match.ENDS_WITH, "thank you!", True),
        (Match.ENDS_WITH, "list.", False),
        (Match.EQUALS, "hello, please take me off your list. thank you!", True),
        (Match.EQUALS, "hello", False),
        (Match.REGEX, r"take\s+me\s+(off|out)", True),
        (Match.REGEX, r"^take", False),
        (Match.REGEX, r"(?m)^please", True),
    ],
)
def test_it_compares_as_the_operator_says(match, value, met):
    assert is_met(rule(value, match, Where.BODY), MESSAGE) is met


@pytest.mark.parametrize(
    ("match", "value", "text", "met"),
    [
        (Match.CONTAINS, "unsubscribe*", "please unsubscribe me", True),
        (Match.CONTAINS, "take*off", "take my address off it", True),
        (Match.CONTAINS, "off*take", "take my address off it", False),
        (Match.EQUALS, "stop*", "Stop it now", True),
        (Match.EQUALS, "stop*", "do stop", False),
        (Match.EQUALS, "*stop", "do stop", True),
        (Match.EQUALS, "a*b*c", "a-b-b-c", True),
        (Match.EQUALS, "ab*ba", "aba", False),
        (Match.STARTS_WITH, "*me", "take me off", True),
        (Match.STARTS_WITH, "t*me", "take me off", True),
        (Match.ENDS_WITH, "me*", "take me off", True),
        (Match.ENDS_WITH, "t*off", "take me off", True),
        (Match.NOT_CONTAINS, "take*off", "take me off", False),
        (Match.CONTAINS, r"5 \* 5", "what is 5 * 5?", True),
        (Match.CONTAINS, r"5 \* 5", "what is 5 and 5?", False),
        (Match.CONTAINS, "a.c", "abc", False),
        (Match.CONTAINS, "**", "", True),
    ],
)
def test_a_star_stands_for_any_run_of_characters(match, value, text, met):
    assert body_meets(text, value, match) is met


@pytest.mark.parametrize("match", [match for match in Match if match is not Match.NOT_CONTAINS])
def test_a_star_alone_matches_anything_even_an_empty_message(match):
    assert is_met(rule("*", match), MessageText())
    assert is_met(rule(" * ", match), MESSAGE)


def test_it_looks_only_where_it_is_told():
    assert is_met(rule("november", where=Where.SUBJECT), MESSAGE)
    assert not is_met(rule("november", where=Where.BODY), MESSAGE)
    assert is_met(rule("receiver.example", Match.ENDS_WITH, Where.SENDER), MESSAGE)
    assert is_met(rule("receiver.example"), MESSAGE)


def test_anywhere_means_one_part_or_another_but_never_two_of_them_together():
    assert not is_met(rule("news*hello"), MESSAGE)
    assert is_met(rule("re: november news", Match.EQUALS), MESSAGE)


def test_does_not_contain_means_that_no_part_contains_it():
    assert not is_met(rule("november", Match.NOT_CONTAINS), MESSAGE)
    assert is_met(rule("december", Match.NOT_CONTAINS), MESSAGE)


def test_letter_case_counts_only_when_it_is_asked_for():
    assert body_meets("stop", "STOP", Match.EQUALS)
    assert not body_meets("stop", "STOP", Match.EQUALS, match_case=True)
    assert body_meets("STOP", "STOP", Match.EQUALS, match_case=True)
    assert body_meets("stop", "ST.P", Match.REGEX)
    assert not body_meets("stop", "ST.P", Match.REGEX, match_case=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("İPTAL", "iptal"),
        ("iptal", "İPTAL"),
        ("AYRIL", "ayrıl"),
        ("ABMELDEN GROSS", "groß"),
        ("ΟΧΙ ΑΛΛΟΣ", "αλλος"),
        ("ＳＴＯＰ", "stop"),
        ("cafe\u0301", "CAFÉ"),
        ("don’t write", "don't write"),
        ("un\u00adsub\u200bscribe", "unsubscribe"),
        ("take\u00a0me\r\n\toff", "take me off"),
        ("退订", "退订"),
    ],
)
def test_it_sees_through_spelling_that_a_reader_would_not_notice(text, value):
    assert body_meets(f"- {text} -", value)


def test_the_first_by_position_wins_whatever_order_they_come_in():
    rules = [rule("*", position=3), rule("list", position=2), rule("nothing of it", position=1)]
    assert first_match(rules, MESSAGE) is rules[1]


def test_nothing_wins_where_nothing_is_met():
    assert first_match([rule("december")], MESSAGE) is None
    assert first_match([], MESSAGE) is None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (rule(""), "empty"),
        (rule(" \u200b\n"), "empty"),
        (rule("x" * 501), "at most 500"),
        (rule("(", Match.REGEX), r"missing \)"),
        (rule(r"(?=x)", Match.REGEX), "Look-arounds"),
        (rule(r"(a)\1", Match.REGEX), "back-references"),
        (rule("((a{1000}){1000}){1000}", Match.REGEX), "cannot be used"),
        (rule("(?:[^x]{900}){9}" * 30, Match.REGEX), "cannot be used"),
        (rule("x", "resembles"), "resembles"),
        (rule("x", where="footer"), "footer"),
    ],
)
def test_an_unusable_condition_is_refused_in_words_and_met_by_nothing(wrong, why):
    with pytest.raises(ValueError, match=why):
        validate_rule(wrong)
    assert not is_met(wrong, MESSAGE)
    assert "cannot be used" in explain(wrong, MESSAGE)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (rule("november"), "subject contains “november”"),
        (rule("take me*off"), "body contains “take me*off”"),
        (rule("december"), "no match: subject, body or sender contains “december”"),
        (rule("x-y", Match.NOT_CONTAINS), "subject, body or sender does not contain “x-y”"),
        (rule("november", Match.NOT_CONTAINS), "subject contains “november”"),
        (rule("*"), "any message matches *"),
        (rule(r"m\w+ off", Match.REGEX, Where.BODY), r"body matches regular expression “m\w+ off”"),
    ],
)
def test_it_explains_its_answer_in_words(condition, words):
    assert explain(condition, MESSAGE) == words


def test_every_choice_has_a_name_to_choose_it_by():
    assert [where.label for where in Where] == ["Anywhere", "Subject", "Body", "Sender"]
    assert [match.label for match in Match] == [
        "contains",
        "does not contain",
        "equals",
        "starts with",
        "ends with",
        "matches regular expression",
    ]


@given(st.text(), st.text(max_size=40), st.sampled_from(Match), st.booleans())
def test_it_has_an_answer_for_any_value_and_any_text(text, value, match, match_case):
    assert body_meets(text, value, match, match_case=match_case) in (True, False)


@given(st.text(alphabet=st.characters(blacklist_characters="\\", blacklist_categories=["Cs"]), max_size=40))
def test_a_text_equals_itself_when_its_stars_are_escaped(text):
    text = f"<{text}>"
    assert body_meets(text, text.replace("*", r"\*"), Match.EQUALS, match_case=True)
    assert body_meets(text, text.replace("*", r"\*"), Match.EQUALS)


@pytest.mark.parametrize(
    ("match", "value", "text"),
    [
        (Match.CONTAINS, "a*" * 249 + "b", "a" * 1_000_000),
        (Match.EQUALS, "*a" * 249, "a" * 1_000_000 + "b"),
        (Match.CONTAINS, "a" * 499 + "b", "a" * 1_000_000),
        (Match.REGEX, "(a*)*b", "a" * 1_000_000),
        (Match.REGEX, "(a|aa)+$", "a" * 1_000_000 + "b"),
        (Match.REGEX, "(.*)(.*)(.*)(.*)(.*)x", "y" * 1_000_000),
        (Match.CONTAINS, "x", "\ufdfa" * 1_000_000),
        (Match.CONTAINS, "x y", " \n" * 1_000_000),
    ],
)
def test_no_value_takes_long_on_any_text(match, value, text):
    started = time.monotonic()
    body_meets(text, value, match)
    assert time.monotonic() - started < 2

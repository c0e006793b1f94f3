"""A verdict explains itself, tier by tier."""

from __future__ import annotations

import pytest

from mail.detection import describe_rule, explain


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("complaints/arf-opt-out", "feedback loop"),
        ("standard_mtas/postfix-null-mx", "delivery report"),
        ("standard_mtas/qmail-loop", "body rules"),
    ],
)
def test_it_names_the_tier_that_spoke(samples, name: str, tier: str):
    explanation = explain(samples[name].raw)
    assert explanation.bounces
    assert [one.name for one in explanation.tiers if one.applies] == [tier]


def test_it_explains_mail_that_is_no_bounce(samples):
    explanation = explain(samples["not_bounces/vacation-german"].raw)
    assert explanation.bounces == []
    assert not any(tier.applies for tier in explanation.tiers)
    assert explanation.automatic == "auto-reply: Auto-Submitted: auto-replied"


def test_every_rule_of_the_samples_has_words(samples):
    for sample in samples.values():
        for bounce in explain(sample.raw).bounces:
            assert describe_rule(bounce.rule) not in ("", bounce.rule), bounce.rule


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("dsn.status.5.1.1", "RFC 3463: bad destination mailbox address"),
        ("dsn.reply.556", "RFC 7504: domain does not accept mail"),
        ("custom.7", "A phrase of an administrator"),
        ("undecided", "Neither words nor codes say why"),
        (
            "dsn.words.no-mailbox-transient",
            "Words say: there is no such mailbox; the code says that it may pass",
        ),
    ],
)
def test_a_rule_is_put_into_words(rule: str, words: str):
    assert describe_rule(rule) == words

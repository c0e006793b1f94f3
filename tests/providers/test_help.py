"""The help catalogue: complete, distinct, and the same in the documentation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from providers.gmail import errors as gmail_errors
from providers.graph import errors as graph_errors
from providers.help import SECTIONS, general_help, help_for, render_markdown

DOCUMENT = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
ALL = [topic for _, topics in SECTIONS for topic in topics]


@pytest.mark.parametrize(
    ("provider", "code", "message"),
    [
        ("microsoft", "AADSTS700016", ""),
        ("microsoft", "AADSTS7000215", ""),
        ("microsoft", "AADSTS7000222", ""),
        ("microsoft", "AADSTS700024", ""),
        ("microsoft", "AADSTS700027", ""),
        ("microsoft", "AADSTS90002", ""),
        ("microsoft", "AADSTS9001023", ""),
        ("microsoft", "AADSTS53003", ""),
        ("microsoft", "MailboxNotEnabledForRESTAPI", ""),
        ("microsoft", "ErrorInvalidUser", ""),
        ("microsoft", "ResourceNotFound", ""),
        ("microsoft", "Authorization_RequestDenied", ""),
        ("microsoft", "ErrorAccessDenied", ""),
        ("microsoft", "ApplicationThrottled", ""),
        ("google", "unauthorized_client", ""),
        ("google", "accessNotConfigured", ""),
        ("google", "insufficientPermissions", ""),
        ("google", "failedPrecondition", ""),
        ("google", "key-file", ""),
        ("google", "gmail-trash-only", ""),
        ("google", "rateLimitExceeded", ""),
        ("google", "not-connected", ""),
        ("microsoft", "bounces-not-processed", ""),
        ("microsoft", "no-campaign-match", ""),
        ("microsoft", "conditions-not-matching", ""),
        ("microsoft", "server-type-missing", ""),
        ("microsoft", "idle-run", ""),
        ("microsoft", "switched-off", ""),
        ("microsoft", "provider-off", ""),
        ("microsoft", "token-stuck", ""),
    ],
)
def test_every_known_trouble_has_its_own_entry(provider, code, message):
    assert help_for(provider, code, message).code == code


def test_another_code_for_the_same_leads_to_the_same_entry():
    assert help_for("microsoft", "MailboxNotFound") == help_for("microsoft", "MailboxNotEnabledForRESTAPI")
    assert help_for("google", "userRateLimitExceeded") == help_for("google", "rateLimitExceeded")


@pytest.mark.parametrize("code", ["AADSTS700024", "AADSTS700027"])
def test_both_numbers_of_an_assertion_name_clock_and_certificate(code):
    entry = help_for("microsoft", code)
    assert "clock" in entry.cause
    assert "clock" in entry.fix
    assert "certificate" in entry.cause
    assert "certificate" in entry.fix


def test_an_unknown_code_falls_to_its_status():
    assert help_for("microsoft", "New", status=403).code == "http-403"
    assert help_for("google", "New", status=418).code == "http-4xx"
    assert help_for("google", "New", status=599).code == "http-5xx"


def test_a_provider_does_not_get_the_others_words():
    assert help_for("google", "ErrorAccessDenied", status=403).code == "http-403"


def test_codes_are_unique_and_entries_whole():
    codes = Counter(code for topic in ALL for code in topic.codes)
    assert [code for code, count in codes.items() if count > 1] == []
    assert all(topic.help.title and topic.help.cause and topic.help.fix for topic in ALL)
    assert all(phrase == phrase.lower() for topic in ALL for phrase in topic.phrases)


@pytest.mark.parametrize(
    ("provider", "codes"),
    [
        ("microsoft", graph_errors._GRAPH_CLASSES),
        ("microsoft", graph_errors._ENTRA_CODES),
        ("google", gmail_errors._TOKEN_CLASSES),
        ("google", gmail_errors._REASON_CLASSES),
    ],
)
def test_every_code_a_dialect_tells_apart_can_be_looked_up(provider, codes):
    assert all(help_for(provider, code, status=500).fix for code in codes)


def test_an_unknown_general_entry_is_an_error():
    with pytest.raises(KeyError):
        general_help("no-such-entry")


def test_the_document_is_the_catalogue():
    assert DOCUMENT.read_text() == render_markdown(), (
        "run: python -m providers.help > docs/troubleshooting.md"
    )

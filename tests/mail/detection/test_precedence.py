"""Which of words, codes and commands wins (docs/bounce-detection.md, "Precedence")."""

from __future__ import annotations

import pytest

from mail.detection import BounceType, CustomPhrase, detect
from mail.detection.judging import Failure, judge


def rule_of(text: str, status: str = "", context: str = "") -> str:
    return judge(Failure(text, status, context=context)).verdict.rule


@pytest.mark.parametrize(
    ("text", "status", "rule"),
    [
        ("550 5.1.1 mailbox is full", "5.1.1", "dsn.words.full"),
        ("550 5.2.2 no such user", "5.2.2", "dsn.words.no-mailbox"),
        ("550 5.1.1 blocked using zen.spamhaus.org", "5.1.1", "dsn.words.blocklist"),
        ("550 5.0.0 no such user", "5.0.0", "dsn.words.no-mailbox"),
        ("550 5.7.1 user unknown", "5.7.1", "dsn.words.no-mailbox"),
        ("550 5.1.1 go away", "5.0.0", "dsn.status.5.1.1"),
        ("550 go away", "5.1.1", "dsn.status.5.1.1"),
        ("550 5.1.1 go away", "5.7.1", "dsn.status.5.1.1"),
        ("550 5.0.0 go away", "5.1.1", "dsn.status.5.1.1"),
        ("550 5.7.1 mailbox unavailable", "", "dsn.status.5.7.1"),
        ("550 mailbox unavailable", "", "dsn.words.no-mailbox"),
        ("554 mailbox unavailable", "", "dsn.words.unavailable"),
        ("556 go away", "", "dsn.reply.556"),
        ("5.1.0 - Unknown address error 550-'go away'", "5.1.0", "undecided"),
        ("550 go away", "", "undecided"),
        ("550 5.0.350 Remote server returned an error -> 550 5.7.1 go away", "5.0.350", "dsn.status.5.7.1"),
        ("450 4.1.1 user unknown", "4.1.1", "dsn.words.no-mailbox-transient"),
    ],
)
def test_it_decides_by(text: str, status: str, rule: str):
    assert rule_of(text, status) == rule


def test_a_refused_sender_never_makes_a_recipient_hard():
    context = "<bob@shop.example>: host mx said: 550 5.1.1 user unknown (in reply to mail from command)"
    assert rule_of("550 5.1.1 user unknown", context=context) == "dsn.words.no-mailbox-of-sender"
    assert judge(Failure("550 5.1.1 user unknown", context=context)).verdict.type == BounceType.INTERNAL


def test_a_refused_recipient_stays_hard_beside_another_refused_sender():
    context = "refused to talk to me: 421 busy; then: 550 user unknown (in reply to rcpt to command)"
    assert rule_of("550 5.1.1 user unknown", context=context) == "dsn.words.no-mailbox"


@pytest.mark.parametrize(
    ("text", "context", "rule"),
    [
        ("550 The mailbox 'bob' has been removed", "", "dsn.words.disabled"),
        ("550 5.1.1 The mailbox 'bob' has been removed", "", "dsn.words.disabled"),
        ("554 5.7.1 The mailbox 'bob' has been removed", "", "dsn.status.5.7.1"),
        ("554 5.6.0 The mailbox 'bob' has been removed", "", "dsn.status.5.6.0"),
        ("554 The mailbox 'bob' has been removed", "in reply to end of data command", "dsn.reply.554"),
        ("550 The mailbox 'bob' has been removed", "after end of data", "undecided"),
        ("550 5.7.1 user unknown, mailbox 'bob' has been removed", "", "dsn.words.no-mailbox"),
    ],
)
def test_a_family_of_wordings_proves_no_recipient_dead_against_code_or_phase(
    text: str, context: str, rule: str
):
    assert rule_of(text, context=context) == rule


def bounce_of(text: str, **options):
    raw = (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n"
        "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; bob@shop.example\n"
        f"Action: failed\nDiagnostic-Code: smtp; {text}\n\n--B--\n"
    )
    (bounce,) = detect(raw.encode(), **options)
    return bounce


def test_a_custom_phrase_goes_before_the_built_in_ones():
    phrase = CustomPhrase("Mailbox   IS full", BounceType.INTERNAL, id="7")
    bounce = bounce_of("550 mailbox is full", phrases=[phrase])
    assert (bounce.type, bounce.rule, bounce.evidence) == ("internal", "custom.7", "Mailbox   IS full")


def test_the_first_custom_phrase_wins():
    phrases = [
        CustomPhrase("full", BounceType.HARD, id="a"),
        CustomPhrase("mailbox", BounceType.INTERNAL, id="b"),
    ]
    assert bounce_of("550 mailbox is full", phrases=phrases).rule == "custom.a"


def test_a_custom_phrase_of_another_provider_is_left_out():
    phrases = [CustomPhrase("full", BounceType.HARD, provider="google", id="g")]
    assert bounce_of("550 mailbox is full", phrases=phrases, provider="microsoft").type == "soft"
    assert bounce_of("550 mailbox is full", phrases=phrases, provider="google").rule == "custom.g"


def test_an_empty_custom_phrase_matches_nothing():
    assert bounce_of("550 mailbox is full", phrases=[CustomPhrase("  ", BounceType.HARD)]).type == "soft"


def test_a_custom_phrase_makes_no_bounce_of_other_mail():
    raw = b"From: Alice <alice@firm.example>\nSubject: hello\n\nmagic word, write to bob@shop.example\n"
    assert detect(raw, phrases=[CustomPhrase("magic word", BounceType.HARD)]) == []


@pytest.mark.parametrize("name", ["standard_mtas/postfix-mail-from-phase", "standard_mtas/qmail-vpopmail"])
def test_a_custom_phrase_is_looked_for_in_the_notice_too(samples, name: str):
    text = "This is the mail system at host" if "postfix" in name else "I'm afraid I wasn't able to deliver"
    (bounce,) = detect(samples[name].raw, phrases=[CustomPhrase(text, BounceType.COMPLAINT, id="n")])
    assert (bounce.type, bounce.rule) == ("complaint", "custom.n")


def test_a_custom_phrase_about_one_recipient_spares_the_others(samples):
    raw = samples["standard_mtas/exim-two-with-own-reasons"].raw
    first, second = detect(raw, phrases=[CustomPhrase("unrouteable", BounceType.SOFT, id="u")])
    assert (first.rule, second.type) == ("custom.u", "soft")
    assert second.rule.startswith("body.exim.")


def test_a_virus_that_was_deleted_blacklists_nobody():
    raw = (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\n"
        "<bob@shop.example>: host mx.shop.example said: 554 5.7.1 The email was deleted\n"
        "    because it contained a virus (in reply to end of DATA command)\n\n--B\n"
        "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; bob@shop.example\n"
        "Action: failed\nStatus: 5.7.1\n"
        "Diagnostic-Code: smtp; 554 5.7.1 The email was deleted because it contained a virus\n\n--B--\n"
    )
    (bounce,) = detect(raw.encode())
    assert bounce.type == BounceType.INTERNAL


def noticed(notice: str, status: str = "") -> str:
    """The type of a report on bob@shop.example that gives its reason in the notice only."""
    head = (
        "From: MAILER-DAEMON@mx.example\nTo: news@sender.example\n"
        "Subject: Undelivered Mail Returned to Sender\n"
    )
    if not status:
        (bounce,) = detect(f"{head}X-Failed-Recipients: bob@shop.example\n\n{notice}\n".encode())
        return bounce.type.value
    raw = (
        f"{head}Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\n{notice}\n\n"
        "--B\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; bob@shop.example\n"
        f"Action: failed\nStatus: {status}\n\n--B--\n"
    )
    (bounce,) = detect(raw.encode())
    return bounce.type.value


@pytest.mark.parametrize("status", ["5.0.0", ""], ids=["a status", "a notice alone"])
@pytest.mark.parametrize(
    ("notice", "is_hard"),
    [
        ("The account news@sender.example has been closed", False),
        ("The account news@sender.example\nhas been closed.", False),
        ("Delivery failed.\n\nThe address <news@sender.example> does not exist. It was refused.", False),
        ("bob@shop.example\n\nDelivery failed. The user news@sender.example is unknown.", False),
        ("The account bob@shop.example has been closed", True),
        ("bob@shop.example\n  From: news@sender.example\n  Reason: the account has been closed", True),
        ("Your message from news@sender.example was returned. The account has been closed.", True),
        ("What news@sender.example wrote to bob@shop.example failed: the account was closed", True),
    ],
)
def test_a_notice_that_speaks_of_us_makes_no_recipient_hard(notice: str, is_hard: bool, status: str):
    assert (noticed(notice, status) == "hard") is is_hard


def test_a_reason_before_the_recipients_may_speak_of_us():
    notice = "The account news@sender.example has been closed.\n\n<bob@shop.example>\n<bo@shop.example>\n"
    raw = (
        "From: MAILER-DAEMON@mx.example\nTo: news@sender.example\n"
        f"Subject: Undelivered Mail Returned to Sender\n\n{notice}"
    )
    assert [bounce.type.value for bounce in detect(raw.encode())] == ["internal", "internal"]

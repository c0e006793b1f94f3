"""What becomes of sent mail: arrival, bounces in the sender's own style, complaints, answers."""

from email import message_from_bytes
from email.message import Message

import pytest

from sandbox import mime
from tests.sandbox.requesting import GOOGLE, MICROSOFT, as_mime, as_raw


def parts(raw: bytes, kind: str) -> list[Message]:
    return [part for part in message_from_bytes(raw).walk() if part.get_content_type() == kind]


def inbox(world, email):
    box = world.mailbox(email)
    return [message for message in box.all_messages() if box.place_of(message) == "inbox"]


def send_from(provider, graph, gmail, raw):
    if provider == "microsoft":
        return graph("POST", "sendMail", **as_mime(mime.without(raw, "From")))
    return gmail("POST", "messages/send", json=as_raw(raw))


SENDERS = {"microsoft": MICROSOFT, "google": GOOGLE}
both_providers = pytest.mark.parametrize("provider", ["microsoft", "google"])


def test_it_carries_mail_from_one_provider_to_the_other(world, graph, mail):
    assert graph("POST", "sendMail", **as_mime(mime.without(mail(to=GOOGLE), "From"))).status_code == 202
    [arrived] = inbox(world, GOOGLE)
    assert arrived.digest.subject == "November news"
    assert arrived.digest.sender == ("Acme News", MICROSOFT)
    assert b"Return-Path: <news@acme.example>" in arrived.raw
    assert not arrived.is_read


@both_providers
@pytest.mark.parametrize(
    ("name", "status", "action"),
    [
        ("unknown-user+7", "5.1.1", "failed"),
        ("mailbox-full", "5.2.2", "failed"),
        ("blocked", "5.7.1", "failed"),
        ("no-such-domain", "5.1.2", "failed"),
        ("delayed", "4.4.1", "delayed"),
    ],
)
def test_it_bounces_as_the_address_says(world, graph, gmail, mail, provider, name, status, action):
    recipient = f"{name}@receiver.example"
    assert send_from(provider, graph, gmail, mail(to=recipient)).ok
    [report] = inbox(world, SENDERS[provider])
    [delivery_status] = parts(report.raw, "message/delivery-status")
    reporting, failing = delivery_status.get_payload()
    assert reporting["Reporting-MTA"]
    assert failing["Final-Recipient"].replace(" ", "") == f"rfc822;{recipient}"
    assert (failing["Action"], failing["Status"]) == (action, status)
    [returned] = parts(report.raw, "message/rfc822")
    assert returned.get_payload(0)["X-Apiconnect-Token"] == "token-1"


@both_providers
def test_a_bounce_quotes_the_message_id_that_was_really_sent(world, graph, gmail, mail, provider):
    send_from(provider, graph, gmail, mail(to="unknown-user@receiver.example"))
    [copy] = world.ledger.copies
    assert copy.submitted_message_id == "<ours-1@apiconnect.example>"
    [report] = inbox(world, SENDERS[provider])
    assert copy.sent_message_id.encode() in report.raw
    assert b"ours-1@apiconnect.example" not in report.raw


def test_a_google_bounce_joins_the_thread_of_its_message(world, gmail, mail):
    sent = gmail("POST", "messages/send", json=as_raw(mail(to="unknown-user@receiver.example"))).json()
    [report] = inbox(world, GOOGLE)
    assert report.thread_id == sent["threadId"]
    assert mime.header(report.raw, "X-Failed-Recipients") == "unknown-user@receiver.example"
    assert mime.header(report.raw, "From") == "Mail Delivery Subsystem <mailer-daemon@googlemail.com>"


def test_a_microsoft_bounce_is_marked_as_an_ndr(world, graph, mail):
    send_from("microsoft", graph, None, mail(to="unknown-user@receiver.example"))
    [report] = inbox(world, MICROSOFT)
    headers = mime.read_headers(report.raw)
    assert "X-MS-Exchange-Message-Is-Ndr" in headers
    assert headers["Auto-Submitted"] == "auto-replied"
    assert parts(report.raw, "text/html")


@both_providers
def test_a_complaint_comes_as_a_feedback_report(world, graph, gmail, mail, provider):
    send_from(provider, graph, gmail, mail(to="complaint@receiver.example"))
    [report] = inbox(world, SENDERS[provider])
    assert message_from_bytes(report.raw).get_param("report-type") == "feedback-report"
    [feedback] = parts(report.raw, "message/feedback-report")
    assert b"Feedback-Type: abuse" in feedback.as_bytes()
    assert b"Original-Rcpt-To: <complaint@receiver.example>" in feedback.as_bytes()


@both_providers
def test_a_person_answers_with_the_original_quoted(world, graph, gmail, mail, provider):
    send_from(provider, graph, gmail, mail(to="reply-unsubscribe@receiver.example"))
    [reply] = inbox(world, SENDERS[provider])
    [copy] = world.ledger.copies
    assert mime.header(reply.raw, "In-Reply-To") == copy.sent_message_id
    assert mime.header(reply.raw, "Subject") == "Re: November news"
    assert reply.digest.text.startswith("Please unsubscribe me")
    assert "> Hello, read https://acme.example/r/sub-0001 please." in reply.digest.text
    assert "https://acme.example/r/sub-0001" in reply.digest.html


def test_an_absence_note_says_that_it_is_automatic(world, graph, mail):
    send_from("microsoft", graph, None, mail(to="vacation@receiver.example"))
    [note] = inbox(world, MICROSOFT)
    assert mime.header(note.raw, "Auto-Submitted") == "auto-replied"


def test_an_answer_goes_to_reply_to(world, graph, mail):
    send_from("microsoft", graph, None, mail(to="reply-stop@receiver.example", Reply_To=GOOGLE))
    assert inbox(world, MICROSOFT) == []
    assert inbox(world, GOOGLE)[0].digest.text.startswith("STOP")


@both_providers
@pytest.mark.parametrize(("fault", "status"), [("tenant-limit", "5.7.233"), ("daily-limit", "5.4.5")])
def test_a_fault_of_the_sender_bounces_after_acceptance(world, graph, gmail, mail, provider, fault, status):
    world.configure(SENDERS[provider], sender_fault=fault)
    assert send_from(provider, graph, gmail, mail()).ok
    [report] = inbox(world, SENDERS[provider])
    [delivery_status] = parts(report.raw, "message/delivery-status")
    assert delivery_status.get_payload(1)["Status"] == status
    assert world.ledger.copies[0].outcome == f"sender-fault:{fault}"


def test_a_tenant_over_its_limit_still_gets_202_and_then_a_bounce(world, graph, mail):
    world.tenants["11111111-2222-3333-4444-555555555555"].external_recipients_per_day = 1
    for number in (1, 2):
        answer = send_from("microsoft", graph, None, mail(to=f"ada+{number}@receiver.example"))
        assert answer.status_code == 202
    assert b"5.7.233" in inbox(world, MICROSOFT)[0].raw


def test_reports_can_land_in_junk_and_come_late(world, graph, mail):
    world.configure(MICROSOFT, junk_reports=True)
    world.configure(report_delay_seconds=90)
    send_from("microsoft", graph, None, mail(to="unknown-user@receiver.example"))
    box = world.mailbox(MICROSOFT)
    assert [box.place_of(message) for message in box.all_messages()] == ["sent"]
    world.advance(90)
    assert [box.place_of(message) for message in box.all_messages()] == ["sent", "junk"]


@both_providers
def test_blind_copies_arrive_and_are_not_seen(world, graph, gmail, mail, provider):
    other = GOOGLE if provider == "microsoft" else MICROSOFT
    send_from(provider, graph, gmail, mail(Bcc=other))
    [arrived] = inbox(world, other)
    assert b"Bcc" not in arrived.raw


def test_the_ledger_counts_what_was_sent_twice(world, graph, mail):
    for _ in range(2):
        send_from("microsoft", graph, None, mail(token="t-9"))
    send_from("microsoft", graph, None, mail(token="t-8"))
    assert world.ledger.sent_twice() == {("t-9", "ada@receiver.example"): 2}
    assert world.ledger.missing(["t-7", "t-8"]) == {"t-7"}

"""What a bounce carries so that it can be matched to the message that was sent."""

from __future__ import annotations

from mail.detection import detect


def test_it_returns_our_token_and_every_known_id(samples):
    (bounce,) = detect(samples["providers/m365-not-found"].raw)
    assert bounce.token == "tok-o1"
    assert bounce.message_id == "o1@sender.example"
    assert bounce.message_ids == ("o1@sender.example", "ours1@sender.example")
    assert bounce.thread_topic == "May news"
    assert bounce.reporting_mta == "DB7PR01MB0001.eurprd01.prod.exchangelabs.com"


def test_a_complaint_carries_the_token(samples):
    (bounce,) = detect(samples["complaints/arf-redacted"].raw)
    assert (bounce.recipient, bounce.token) == (None, "tok-f3")


def test_it_keeps_original_and_final_recipient_apart(samples):
    (bounce,) = detect(samples["standard_mtas/sendmail-expanded"].raw)
    assert bounce.recipient == bounce.final_recipient == "g1@list.example"


def test_it_prefers_the_original_recipient():
    raw = (
        b"From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; boundary=B\n\n--B\n"
        b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; new@shop.example\n"
        b"Original-Recipient: rfc822; old@shop.example\nAction: failed\nStatus: 5.1.1\n\n--B--\n"
    )
    (bounce,) = detect(raw)
    assert (bounce.recipient, bounce.final_recipient) == ("old@shop.example", "new@shop.example")


def test_it_takes_ids_of_the_thread_where_nothing_is_returned():
    raw = (
        b"From: mailer-daemon@googlemail.com\nIn-Reply-To: <a@sender.example>\n"
        b"References: <a@sender.example> <b@sender.example>\nX-Failed-Recipients: bob@shop.example\n\n"
        b"** Address not found **\n"
    )
    (bounce,) = detect(raw)
    assert bounce.message_ids == ("a@sender.example", "b@sender.example")


def test_a_report_part_names_the_original_id():
    raw = (
        b"From: mailer-daemon@googlemail.com\nContent-Type: multipart/report; boundary=B\n\n--B\n"
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; googlemail.com\n"
        b"X-Original-Message-ID: <c@sender.example>\n\n"
        b"Final-Recipient: rfc822; bob@shop.example\nAction: failed\nStatus: 5.1.1\n\n--B--\n"
    )
    (bounce,) = detect(raw)
    assert (bounce.message_id, bounce.message_ids) == ("c@sender.example", ("c@sender.example",))

"""Automatic mail is told from mail that a person wrote, with the reason."""

from __future__ import annotations

import pytest

from mail.detection.automatic import Automatic, classify_automatic


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", Automatic.REPLY),
        ("Auto-Submitted: auto-replied (vacation)", Automatic.REPLY),
        ("Auto-Submitted: auto-generated", Automatic.GENERATED),
        ("Precedence: auto_reply", Automatic.REPLY),
        ("Precedence: bulk", Automatic.BULK),
        ("Precedence: list", Automatic.LIST),
        ("List-Id: <news.example>", Automatic.LIST),
        ("List-Unsubscribe: <mailto:u@news.example>", Automatic.LIST),
        ("X-Autoreply: yes", Automatic.REPLY),
        ("X-MS-Exchange-Inbox-Rules-Loop: bob@firm.example", Automatic.REPLY),
        ("X-Failed-Recipients: bob@shop.example", Automatic.REPORT),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", Automatic.REPORT),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
            Automatic.RECEIPT,
        ),
        ("Subject: Out of Office: May news", Automatic.REPLY),
        ("Subject: Automatische Antwort: Neuigkeiten", Automatic.REPLY),
        ("Subject: =?utf-8?B?6Ieq5YuV5b+c562U?=", Automatic.REPLY),
        ("Subject: OOO: May news", Automatic.REPLY),
        ("Subject: On annual leave", Automatic.REPLY),
        ("Subject: Vacation reply", Automatic.REPLY),
        ("Subject: Reponse automatique : mai", Automatic.REPLY),
        ("Subject: Ausente do escritorio", Automatic.REPLY),
        ("Subject: Frånvaro: maj", Automatic.REPLY),
        ("Subject: Αυτόματη απάντηση: Μάιος", Automatic.REPLY),
        ("Subject: 부재중", Automatic.REPLY),
        ("Subject: Read: May news", Automatic.RECEIPT),
    ],
)
def test_it_tells_automatic_mail_by(header: str, kind: Automatic):
    raw = f"From: Bob <bob@firm.example>\nTo: news@sender.example\n{header}\n\nhello\n"
    classified = classify_automatic(raw.encode())
    assert classified is not None
    assert classified.kind is kind
    assert classified.evidence


@pytest.mark.parametrize(
    "header",
    [
        "Subject: Re: May news",
        "Auto-Submitted: no",
        "In-Reply-To: <a@sender.example>",
        "X-Autoreply: no",
        "Subject: Which vacation rental?",
        "X: y",
    ],
)
def test_a_person_is_no_machine(header: str):
    raw = f"From: Bob <bob@firm.example>\nTo: news@sender.example\n{header}\n\nPlease stop.\n"
    assert classify_automatic(raw.encode()) is None


def test_a_mailer_daemon_is_a_report():
    classified = classify_automatic(
        b"From: MAILER-DAEMON@mx.example\nAuto-Submitted: auto-replied\n\nsorry\n"
    )
    assert classified is not None
    assert classified.kind is Automatic.REPORT

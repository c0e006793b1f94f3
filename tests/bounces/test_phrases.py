"""The backend's own phrases decide before the built-in ones, count their matches, and can be tried out."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from bounces.models import Bounce, BouncePhrase
from bounces.phrases import phrases_in_force
from mail.detection import detect
from operations.cycle import run_cycle
from servers.connecting import connect
from tests.factories import make_admin, make_bounce_server, make_customer

pytestmark = pytest.mark.django_db

REPORT = (
    b"From: MAILER-DAEMON@mx.receiver.example\r\nTo: news@acme.example\r\nSubject: Undelivered Mail\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\nMIME-Version: 1.0\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.receiver.example\r\n\r\nFinal-Recipient: rfc822; ada@receiver.example\r\n"
    b"Action: failed\r\nStatus: 5.0.0\r\n"
    b"Diagnostic-Code: smtp; 550 the flux capacitor is empty today\r\n\r\n--b--\r\n"
)


def make_phrase(**fields) -> BouncePhrase:
    return BouncePhrase.objects.create(**{"text": "flux capacitor is empty", "type": "soft", **fields})


def verdict(provider="microsoft"):
    return detect(REPORT, phrases=phrases_in_force(), provider=provider)[0]


def test_a_phrase_decides_before_the_built_in_ones():
    assert not verdict().rule.startswith("custom.")
    phrase = make_phrase()
    assert (verdict().type, verdict().rule) == ("soft", f"custom.{phrase.pk}")


def test_the_first_in_order_wins():
    make_phrase(position=2)
    make_phrase(position=1, type="internal", text="flux   CAPACITOR")
    assert verdict().type == "internal"


def test_one_that_is_off_or_of_another_provider_is_passed_over():
    make_phrase(enabled=False)
    make_phrase(provider="google")
    assert not verdict("microsoft").rule.startswith("custom.")
    assert verdict("google").rule.startswith("custom.")


def test_what_it_matched_is_counted(sandbox_world):
    phrase = make_phrase(type="internal")
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    server = make_bounce_server(make_customer(), email="news@acme.example", connected_at=None)
    assert connect(server, timezone.now())
    sandbox_world.deliver(REPORT, "news@acme.example")
    run_cycle(timezone.now(), side_by_side=False)
    assert Bounce.objects.get().type == "internal"
    phrase.refresh_from_db()
    assert phrase.matched == 1
    assert phrase.last_matched_at


def test_a_phrase_of_two_letters_is_refused():
    with pytest.raises(ValidationError, match="Too short"):
        BouncePhrase(text="a b", type="hard").full_clean()


def test_the_test_box_explains_a_pasted_mail_and_changes_nothing(client):
    make_phrase()
    client.force_login(make_admin())
    page = client.post(reverse("admin:bounces_bouncephrase_explain"), {"mail": REPORT.decode()})
    text = page.content.decode()
    assert "1 failed recipient" in text
    assert "ada@receiver.example" in text
    assert "flux capacitor is empty" in text
    assert Bounce.objects.count() == 0


def test_the_test_box_says_what_is_missing_and_shows_nothing_raw(client):
    client.force_login(make_admin())
    address = reverse("admin:bounces_bouncephrase_explain")
    assert "Paste a mail" in client.post(address, {}).content.decode()
    hostile = client.post(address, {"mail": "Subject: x\r\n\r\n<script>alert(1)</script>"}).content.decode()
    assert "<script>alert(1)" not in hostile
    assert "No bounce" in hostile


def test_the_test_box_is_for_the_backend_alone(client):
    assert client.get(reverse("admin:bounces_bouncephrase_explain")).status_code == 302

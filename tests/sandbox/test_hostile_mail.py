"""Real and broken mail in a mailbox: every way to read it must answer."""

from pathlib import Path

import pytest

from tests.sandbox.requesting import GOOGLE, IMMUTABLE, MICROSOFT, as_mime, as_raw

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
BROKEN = [
    b"",
    b"\r\n\r\n",
    b"no headers at all",
    b"Subject: =?utf-8?B?!!!?=\r\nFrom: \xff\xfe<broken@\r\nTo: ,,,<>\r\n\r\n\xff\xfe",
    b"Content-Type: text/plain; charset=nonsense\r\n\r\nhello",
    b"Content-Type: multipart/mixed; boundary=aaaaaaaaaa\r\n\r\n--aaaaaaaaaa\r\nContent-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;x\r\n\r\nFinal-Recipient: rfc822;a@b\r\n",
    b"Subject: a\r\n b\r\n\tc\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
    b"X: " + b"y" * 100_000 + b"\r\n\r\n" + b"z" * 100_000,
]


def read_everything(graph, gmail, raw, world):
    on_graph = world.deliver(raw, MICROSOFT)
    on_gmail = world.deliver(raw, GOOGLE)
    item = f"messages/{on_graph.immutable_id}"
    yield graph("GET", item, headers=IMMUTABLE)
    yield graph("GET", f"{item}?$select=internetMessageHeaders", headers=IMMUTABLE)
    yield graph("GET", f"{item}/$value", headers=IMMUTABLE)
    yield graph("GET", f"{item}/attachments", headers=IMMUTABLE)
    for form in ("full", "raw", "metadata", "minimal"):
        yield gmail("GET", f"messages/{on_gmail.id}?format={form}")


@pytest.mark.parametrize("raw", BROKEN, ids=range(len(BROKEN)))
def test_broken_mail_can_be_read(world, graph, gmail, raw):
    assert {answer.status_code for answer in read_everything(graph, gmail, raw, world)} == {200}
    assert graph("GET", "messages", params={"$search": '"hello"'}).status_code == 200
    assert gmail("GET", "messages", params={"q": "hello"}).status_code == 200


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real bounce mail is not here")
def test_real_bounces_can_be_read(world, graph, gmail):
    world.configure(gmail_units_per_minute=None)
    for path in sorted(CORPUS.glob("*.eml")):
        statuses = {answer.status_code for answer in read_everything(graph, gmail, path.read_bytes(), world)}
        assert statuses == {200}, path.name
    assert len(graph("GET", "mailFolders/inbox/messages?$top=1000").json()["value"]) == len(
        world.mailbox(MICROSOFT).all_messages()
    )
    graph("GET", "mailFolders/inbox/messages/delta").raise_for_status()
    gmail("GET", "messages?q=subject:delivery&maxResults=500").raise_for_status()


@pytest.mark.parametrize("subject", ["Grüße aus Köln ✓ " * 12, "=?utf-8?q?already?=", "a" * 900])
@pytest.mark.parametrize("name", ["unknown-user", "complaint", "reply-stop", "vacation"])
def test_odd_subjects_survive_their_reports(world, graph, gmail, mail, subject, name):
    raw = mail(to=f"{name}@receiver.example", subject=subject, sender=MICROSOFT)
    assert graph("POST", "sendMail", **as_mime(raw)).status_code == 202
    assert gmail("POST", "messages/send", json=as_raw(raw)).status_code == 200
    for email in (MICROSOFT, GOOGLE):
        box = world.mailbox(email)
        [report] = [one for one in box.all_messages() if box.place_of(one) == "inbox"]
        assert "\n" not in report.digest.subject


def test_eight_bit_mail_comes_back_in_its_report(world, graph):
    raw = "To: unknown-user@receiver.example\r\nSubject: Grüße\r\n\r\nKöln\r\n".encode()
    assert graph("POST", "sendMail", **as_mime(raw)).status_code == 202
    [report] = world.mailbox(MICROSOFT).in_folder("inbox")
    assert "Köln".encode() in report.raw

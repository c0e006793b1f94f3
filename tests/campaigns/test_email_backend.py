"""The system's own mail leaves through a delivery server, once, or says why not."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection, send_mail

from campaigns import direct
from campaigns.direct import DirectSendFailed
from campaigns.models import Attempt
from mailboxes.leases import claim
from mailboxes.models import Mailbox
from providers.microsoft import MicrosoftGraph

BACKEND = "campaigns.email_backend.DeliveryServerBackend"


@pytest.fixture(params=["microsoft", "google"])
def server(request, stage, settings):
    server = stage.add_server(request.param)
    settings.EMAIL_BACKEND = BACKEND
    settings.SYSTEM_DELIVERY_SERVER = server.uid
    return server


def send(**options) -> int:
    return send_mail("Grüße", "Your password …", "somebody@else.example", ["ada@receiver.example"], **options)


def test_a_mail_is_sent_as_the_servers_own_mailbox(stage, server):
    assert send() == 1

    (copy,) = stage.world.ledger.copies
    assert (copy.sender, copy.recipient) == (server.email, "ada@receiver.example")
    assert not Mailbox.objects.get().sending_until


def test_html_and_several_recipients_work(stage, server):
    mail = EmailMultiAlternatives("Hi", "plain", to=["ada@receiver.example"], cc=["bob@receiver.example"])
    mail.attach_alternative("<p>html</p>", "text/html")

    assert mail.send() == 1
    assert stage.recipients() == ["ada@receiver.example", "bob@receiver.example"]


def test_a_lost_answer_is_told_and_never_repeated(stage, server):
    call = {"microsoft": "graph.messages.send", "google": "gmail.messages.send"}[server.provider]
    stage.world.fault("reset", call, when="after")

    with pytest.raises(DirectSendFailed, match="Sent folder"):
        send()
    assert len(stage.world.ledger.copies) == 1


def test_a_refused_mail_leaves_no_draft_behind(stage, settings):
    server = stage.add_server("microsoft")
    settings.EMAIL_BACKEND, settings.SYSTEM_DELIVERY_SERVER = BACKEND, server.uid
    stage.world.fault("status", "graph.messages.send", status=400, code="ErrorInvalidRecipients")

    with pytest.raises(DirectSendFailed, match="It was not sent"):
        send()
    assert stage.world.mailbox(server.email).in_folder("drafts") == []


def test_throttling_is_obeyed_by_everybody(stage, server):
    stage.world.fault("throttle", retry_after=50, call="*.messages.*")

    with pytest.raises(DirectSendFailed, match="Try again later"):
        send()
    assert Mailbox.objects.get().is_blocked(stage.now)
    with pytest.raises(DirectSendFailed, match="asked this mailbox to wait"):
        send()


def test_it_keeps_to_the_quota_and_uses_none_where_nothing_was_sent(stage, server):
    server.hourly_quota = 2
    server.save()
    call = {"microsoft": "graph.messages.send", "google": "gmail.messages.send"}[server.provider]
    stage.world.fault("status", call, status=400, code="invalidArgument")

    with pytest.raises(DirectSendFailed, match="It was not sent"):
        send()
    assert (send(), send()) == (1, 1)
    with pytest.raises(DirectSendFailed, match="quota is used up"):
        send()
    assert len(stage.world.ledger.copies) == 2


def test_it_keeps_to_the_mailboxs_pace_and_counts_for_it(stage, server):
    server.sends_per_minute = 3
    server.save()

    assert (send(), send()) == (1, 1)
    assert stage.run(stage.make_campaign(server, subscribers=2)).sent == 1
    with pytest.raises(DirectSendFailed, match="as fast as"):
        send()
    assert [attempt.outcome for attempt in Attempt.objects.filter(delivery=None)] == ["accepted"] * 2


def test_a_token_refused_between_draft_and_submission_makes_no_second_draft(stage, settings):
    server = stage.add_server("microsoft")
    settings.EMAIL_BACKEND, settings.SYSTEM_DELIVERY_SERVER = BACKEND, server.uid
    stage.world.fault("status", "graph.messages.send", status=401, code="InvalidAuthenticationToken")

    assert send() == 1
    assert stage.world.calls["graph.messages.create"] == 1
    assert stage.world.mailbox(server.email).in_folder("drafts") == []
    assert len(stage.world.ledger.copies) == 1


def test_a_sender_that_lost_its_lease_submits_nothing(stage, settings, monkeypatch):
    server = stage.add_server("microsoft")
    settings.EMAIL_BACKEND, settings.SYSTEM_DELIVERY_SERVER = BACKEND, server.uid
    prepare = MicrosoftGraph.prepare

    def oversleep(*args):
        draft = prepare(*args)
        stage.expire_leases()
        assert claim(Mailbox.objects.get(), "sending")
        return draft

    monkeypatch.setattr(MicrosoftGraph, "prepare", oversleep)
    with pytest.raises(DirectSendFailed, match="It was not sent"):
        send()
    assert stage.world.ledger.copies == []
    assert stage.world.mailbox(server.email).in_folder("drafts") == []


def test_a_mailbox_that_sends_a_campaign_right_now_is_waited_for_then_named(server, monkeypatch):
    monkeypatch.setattr(direct, "WAIT_SECONDS", 0)
    claim(Mailbox.objects.get(), "sending")

    with pytest.raises(DirectSendFailed, match="busy"):
        direct.send_directly(server, b"", server.created_at, wait_seconds=0)


def test_an_unknown_server_is_named(db, settings):
    settings.SYSTEM_DELIVERY_SERVER = "nope"

    with pytest.raises(DirectSendFailed, match="“nope”"):
        get_connection(BACKEND).send_messages([EmailMultiAlternatives("a", "b", to=["c@d.example"])])
    assert get_connection(BACKEND, fail_silently=True).send_messages([EmailMultiAlternatives()]) == 0

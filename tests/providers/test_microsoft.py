"""What only Microsoft Graph does: drafts, uploads, chained batches, delta links, roles."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from providers.errors import (
    CredentialRefused,
    MessageRejected,
    OutcomeUnknown,
    Unavailable,
)
from providers.graph.uploads import split_attachments
from providers.messages import (
    CannotTell,
    Folder,
    Found,
    Markers,
    StartKind,
    StepState,
    StillDraft,
)
from providers.registry import provider_for
from sandbox.world import World
from tests.providers.boxes import CLIENT, CREDENTIALS, TENANT, Box, look_up, message_with, outgoing

BOB = "bob@outside.example"
GRAPH = "https://graph.microsoft.com/v1.0"


def app_of(world: World):
    return world.tenants[TENANT].apps[CLIENT]


def drafts_in(box: Box) -> list:
    return [m for m in box.store().all_messages() if box.store().place_of(m) == "drafts"]


def find(box: Box, markers: Markers, recipient: str = BOB):
    since = box.now() - timedelta(minutes=1)
    return box.client.find_sent(box.token(), since=since, recipient=recipient, markers=markers)


class TestDrafts:
    def test_a_message_lies_as_a_draft_until_it_is_submitted(self, graph):
        token = graph.token()
        draft = graph.client.prepare(token, outgoing(graph.email))
        assert find(graph, Markers("token-1", draft_id=draft.id)) == StillDraft(draft)
        graph.client.submit(token, draft, deadline=graph.now() + timedelta(minutes=1))
        assert isinstance(find(graph, Markers("token-1", draft_id=draft.id)), Found)

    def test_a_draft_whose_id_was_never_noted_is_found_by_its_token(self, graph):
        draft = graph.client.prepare(graph.token(), outgoing(graph.email))
        found = find(graph, Markers("token-1"))
        assert isinstance(found, StillDraft)
        assert found.draft.id == draft.id

    def test_submitting_a_draft_twice_is_an_unknown_outcome_not_a_second_message(self, graph):
        draft, _ = graph.submit(outgoing(graph.email))
        with pytest.raises(OutcomeUnknown):
            graph.client.submit(graph.token(), draft, deadline=graph.now() + timedelta(minutes=1))
        assert isinstance(find(graph, Markers("token-1", draft_id=draft.id)), Found)
        assert not graph.world.ledger.sent_twice()

    def test_a_draft_that_a_person_threw_away_is_neither_submitted_nor_absent(self, graph):
        draft = graph.client.prepare(graph.token(), outgoing(graph.email))
        graph.store().move(graph.store().find(draft.id), "trash")
        assert isinstance(find(graph, Markers("token-1", draft_id=draft.id)), CannotTell)

    def test_a_discarded_draft_is_gone_and_may_be_discarded_again(self, graph):
        token = graph.token()
        draft = graph.client.prepare(token, outgoing(graph.email))
        graph.client.discard_draft(token, draft)
        graph.client.discard_draft(token, draft)
        assert not drafts_in(graph)

    def test_a_copy_that_moves_from_sent_is_found_by_its_draft(self, graph):
        draft, receipt = graph.submit(outgoing(graph.email))
        graph.store().move(graph.store().find(receipt.provider_message_id), "trash")
        assert isinstance(find(graph, Markers("token-1", draft_id=draft.id)), Found)

    def test_without_the_right_to_make_drafts_the_message_goes_in_one_call(self, graph):
        app_of(graph.world).roles = {"Mail.Send", "Mail.Read"}
        token = graph.client.acquire_token(graph.email)
        assert graph.client.prepare(token, outgoing(graph.email)) is None
        receipt = graph.client.submit(
            token, outgoing(graph.email), deadline=graph.now() + timedelta(minutes=1)
        )
        known = look_up(graph, token, receipt)
        assert known.provider_message_id
        assert known.message_id != "<token-1@ours.example>"

    def test_with_the_right_to_send_alone_nothing_can_be_found_out(self, graph):
        app_of(graph.world).roles = {"Mail.Send"}
        token = graph.client.acquire_token(graph.email)
        receipt = graph.client.submit(
            token, outgoing(graph.email), deadline=graph.now() + timedelta(minutes=1)
        )
        state = graph.client.find_sent(token, since=graph.now(), recipient=BOB, markers=Markers("token-1"))
        assert isinstance(state, CannotTell)
        assert look_up(graph, token, receipt) == receipt

    def test_a_copy_still_on_its_way_is_not_looked_up_yet(self, graph):
        graph.world.configure(graph.email, sent_lag_seconds=30)
        _, receipt = graph.submit(outgoing(graph.email))
        token = graph.token()
        assert look_up(graph, token, receipt) is None
        graph.world.advance(31)
        assert look_up(graph, token, receipt).message_id

    def test_a_header_name_that_exchange_does_not_know_is_made_known(self, graph):
        graph.world.configure(graph.email, drops_new_headers=True)
        token = graph.token()
        graph.client.prepare_mailbox(token)
        assert not drafts_in(graph)
        graph.submit(outgoing(graph.email))
        assert isinstance(find(graph, Markers("token-1")), Found)

    def test_a_marker_only_in_the_raw_copy_is_found(self, graph, monkeypatch):
        graph.submit(outgoing(graph.email))
        monkeypatch.setattr("providers.graph.finding._token_in", lambda row: "")
        assert isinstance(find(graph, Markers("token-1")), Found)
        assert graph.world.calls["graph.messages.value"] == 1

    def test_a_look_at_more_than_it_may_read_cannot_tell(self, graph, monkeypatch):
        monkeypatch.setattr("providers.graph.finding.PAGE_SIZE", 2)
        monkeypatch.setattr("providers.graph.finding.MAX_PAGES", 2)
        for number in range(6):
            graph.submit(outgoing(graph.email, f"other-{number}"))
        assert isinstance(find(graph, Markers("token-1")), CannotTell)


class TestLargeMessages:
    def test_large_attachments_are_uploaded_and_arrive_whole(self, graph):
        draft, receipt = graph.submit(message_with(7_000_000, 2_500_000, 1000))
        raw = graph.store().find(receipt.provider_message_id).raw
        assert base64.b64encode(b"A" * 57) in raw
        assert graph.world.calls["graph.upload"] == 3
        assert graph.world.calls["graph.attachments.create"] == 1
        assert len(raw) > 12_000_000

    def test_an_upload_that_breaks_leaves_no_draft(self, graph):
        graph.world.fault("status", "graph.upload", status=500, times=None)
        with pytest.raises(Unavailable):
            graph.client.prepare(graph.token(), message_with(7_000_000))
        assert not drafts_in(graph)

    def test_a_large_message_without_the_right_to_make_drafts_is_refused_with_a_fix(self, graph):
        token = replace(graph.token(), scopes=frozenset({"Mail.Send"}))
        with pytest.raises(MessageRejected, match="draft") as caught:
            graph.client.prepare(token, message_with(3_000_000))
        assert "Mail.ReadWrite" in caught.value.help.fix

    def test_taking_files_out_keeps_the_rest_as_it_was(self):
        small, (taken,) = split_attachments(message_with(90_000), 5_000)
        assert taken.name == "Größe 0.pdf"
        assert taken.content == b"A" * 90_000
        assert b"<p>See the files.</p>" in small
        assert b"X-Apiconnect-Token: token-1" in small

    def test_pictures_inside_the_html_are_taken_out_under_their_name(self):
        message = EmailMessage(policy=SMTP)
        message.set_content("text")
        message.add_alternative("<img src='cid:logo'>", subtype="html")
        html = message.get_payload()[1]
        html.add_related(b"P" * 50_000, maintype="image", subtype="png", cid="<logo>")
        _, (taken,) = split_attachments(message.as_bytes(), 4_000)
        assert (taken.content_id, taken.content_type) == ("logo", "image/png")

    def test_a_text_that_is_too_large_by_itself_is_refused(self):
        with pytest.raises(MessageRejected):
            split_attachments(outgoing("a@acme.example", text="x" * 9000), 5_000)

    def test_an_upload_address_outside_microsoft_gets_nothing(self, graph, monkeypatch):
        monkeypatch.setattr("sandbox.graph.attachments.origin", lambda request: "https://evil.example")
        with pytest.raises(Exception, match="not its own"):
            graph.client.prepare(graph.token(), message_with(7_000_000))
        assert not drafts_in(graph)


class TestChecking:
    def test_an_application_without_rights_fails_with_the_fix(self, graph):
        app_of(graph.world).roles = set()
        found = graph.client.check(graph.email)
        assert found.send is False
        mailbox = next(step for step in found.steps if step.name == "mailbox")
        assert "Grant admin consent" in mailbox.help.fix

    def test_rights_given_in_exchange_alone_are_found_by_trying(self, graph):
        app = app_of(graph.world)
        app.roles, app.rbac_roles = set(), {"Mail.Send", "Mail.Read", "Mail.ReadWrite"}
        found = graph.client.check(graph.email)
        assert found.scopes == graph.client.scopes
        token = graph.client.acquire_token(graph.email, found.scopes)
        assert graph.client.prepare(token, outgoing(graph.email))

    def test_an_access_policy_that_excludes_the_mailbox_is_noticed(self, graph):
        app_of(graph.world).mailboxes = {"other@acme.example"}
        found = graph.client.check(graph.email)
        assert found.send is False
        assert found.scopes == frozenset()

    def test_a_mailbox_that_may_only_be_sent_from_is_connected_for_sending(self, graph):
        app_of(graph.world).roles = {"Mail.Send"}
        found = graph.client.check(graph.email)
        assert (found.send, found.read, found.modify, found.delete) == (True, False, False, False)
        states = {step.name: step.state for step in found.steps}
        assert states["mailbox"] is StepState.PASSED
        assert states["read"] is StepState.FAILED
        assert states["delete"] is StepState.SKIPPED

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"client_secret": "wrong~secret"}, "AADSTS7000215"),
            ({"tenant_id": "99999999-0000-0000-0000-000000000009"}, "AADSTS90002"),
            ({"client_id": "99999999-0000-0000-0000-000000000009"}, "AADSTS700016"),
        ],
    )
    def test_a_wrong_key_fails_at_the_credential_and_says_what_is_wrong(self, graph, change, code):
        client = provider_for(
            "microsoft", graph.client.urls, {**CREDENTIALS["microsoft"], **change}, graph.client.http
        )
        with pytest.raises(CredentialRefused) as caught:
            client.acquire_token(graph.email)
        assert caught.value.code == code
        assert caught.value.help.code == code
        assert caught.value.request_id
        found = client.check(graph.email)
        assert (found.steps[0].state, found.steps[0].help.code) == (StepState.FAILED, code)

    def test_an_expired_secret_is_told_from_a_wrong_one(self, graph):
        app_of(graph.world).secrets[CREDENTIALS["microsoft"]["client_secret"]] = graph.world.clock.now() - 1
        with pytest.raises(CredentialRefused) as caught:
            graph.token()
        assert caught.value.help.code == "AADSTS7000222"

    def test_an_unknown_address_is_the_mailboxs_fault(self, graph):
        found = graph.client.check("nobody@acme.example")
        assert next(step for step in found.steps if step.name == "mailbox").help.code == "ErrorInvalidUser"

    def test_rights_granted_later_count_at_once(self, graph):
        app_of(graph.world).roles = {"Mail.Read"}
        assert graph.client.check(graph.email).send is False
        app_of(graph.world).roles |= {"Mail.Send"}
        assert graph.client.check(graph.email).send is True


class TestNews:
    def test_a_round_that_reaches_the_cap_is_completed_by_a_listing(self, graph, monkeypatch):
        monkeypatch.setattr("providers.graph.listing.ROUND_CAP", 10)
        cursor = graph.news().cursor
        for number in range(12):
            graph.deliver(number)
        news = graph.news(cursor, since=graph.now() - timedelta(minutes=5))
        assert news.relisted
        assert len({ref.id for ref in news.refs}) == 12

    def test_a_listing_gets_past_many_mails_of_one_second(self, graph, monkeypatch):
        monkeypatch.setattr("providers.graph.listing.SMALLEST_PAGE", 3)
        moment = int(graph.world.clock.now()) - 7200
        for number in range(20):
            graph.deliver(number, at=moment)
        news = graph.news(kind=StartKind.DATE, date=graph.now() - timedelta(hours=3), budget=2)
        seen = {ref.id for ref in news.refs}
        for _ in range(30):
            if news.complete:
                break
            news = graph.news(news.cursor, budget=2)
            seen |= {ref.id for ref in news.refs}
        assert news.complete
        assert len(seen) == 20

    def test_a_cursor_of_another_address_counts_as_lost(self, graph):
        cursor = dict(graph.news().cursor)
        cursor["inbox"] = "https://evil.example/v1.0/users/x/messages/delta?$deltatoken=1"
        graph.deliver(1)
        news = graph.news(cursor)
        assert news.relisted
        assert graph.subjects(news.refs) == ["in 0001"]

    def test_a_folder_left_out_keeps_its_place(self, graph):
        cursor = graph.news().cursor
        graph.deliver(1, "junk")
        later = graph.news(cursor, folders=(Folder.INBOX,))
        assert later.cursor["junk"] == cursor["junk"]
        assert graph.subjects(graph.news(later.cursor).refs) == ["in 0001"]

    def test_every_reference_is_the_immutable_one(self, graph):
        cursor = graph.news().cursor
        message = graph.deliver(1)
        (ref,) = graph.news(cursor).refs
        graph.store().move(message, "junk")
        (fetched,) = graph.client.fetch(graph.token(), [ref])
        assert fetched.raw

"""What only Gmail does: scopes one by one, uploads, multipart batches, Trash where nothing may be deleted."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
import responses

from providers.clock import utc_now
from providers.errors import (
    CredentialRefused,
    MailboxUnavailable,
    OutcomeUnknown,
    PermissionDenied,
    Throttled,
    Unavailable,
    Unsupported,
)
from providers.gmail import finding, listing
from providers.messages import (
    AccessToken,
    BaseUrls,
    CannotTell,
    Disposal,
    Draft,
    Folder,
    Markers,
    MessageRef,
    Start,
    StartKind,
    StepState,
)
from providers.registry import provider_for
from providers.session import Http
from sandbox.credentials import make_service_account
from tests.providers.boxes import ACCOUNT, CREDENTIALS, GMAIL, Box, look_up, outgoing

FULL = "https://mail.google.com/"
API = "https://gmail.googleapis.com"
BOB = "bob@outside.example"


def grant(box: Box, *scopes: str) -> None:
    box.world.service_accounts[ACCOUNT.client_email].delegations["rival.example"] = set(scopes)


class TestScopes:
    def test_only_proven_scopes_are_kept_since_one_too_many_fails_a_token(self, gmail):
        grant(gmail, f"{GMAIL}send", f"{GMAIL}modify")
        found = gmail.client.check(gmail.email)
        assert found.scopes == {f"{GMAIL}send", f"{GMAIL}modify"}
        assert gmail.client.acquire_token(gmail.email, found.scopes)
        with pytest.raises(PermissionDenied):
            gmail.client.acquire_token(gmail.email)

    def test_without_the_full_scope_mail_goes_to_trash_and_it_says_so(self, gmail):
        grant(gmail, f"{GMAIL}send", f"{GMAIL}modify")
        found = gmail.client.check(gmail.email)
        step = next(step for step in found.steps if step.name == "delete")
        assert (found.delete, step.state) == (False, StepState.SKIPPED)
        assert "Trash" in step.detail
        assert FULL in step.help.fix
        token = gmail.client.acquire_token(gmail.email, found.scopes)
        cursor = gmail.news(token=token).cursor
        message = gmail.deliver(1)
        (result,) = gmail.client.dispose(token, gmail.news(cursor, token=token).refs, Disposal.DELETE)
        assert result.how is Disposal.TRASH
        assert gmail.store().place_of(message) == "trash"

    def test_the_send_scope_alone_connects_for_sending(self, gmail):
        grant(gmail, f"{GMAIL}send")
        found = gmail.client.check(gmail.email)
        assert (found.send, found.read, found.modify, found.delete) == (True, False, False, False)
        states = {step.name: step.state for step in found.steps}
        assert states["mailbox"] is StepState.PASSED
        assert states["read"] is StepState.FAILED
        assert not gmail.world.ledger.copies

    def test_reading_by_the_readonly_scope_is_taken_where_nothing_better_is(self, gmail):
        grant(gmail, f"{GMAIL}send", f"{GMAIL}readonly")
        found = gmail.client.check(gmail.email)
        assert (found.send, found.read, found.modify) == (True, True, False)
        assert f"{GMAIL}readonly" in found.scopes

    def test_no_delegation_at_all_fails_at_the_token_with_the_fix(self, gmail):
        grant(gmail)
        found = gmail.client.check(gmail.email)
        by_name = {step.name: step for step in found.steps}
        assert by_name["credential"].state is StepState.PASSED
        assert by_name["token"].help.code == "unauthorized_client"
        assert "numeric" in by_name["token"].help.fix

    def test_a_project_without_the_gmail_api_is_told(self, gmail):
        gmail.world.service_accounts[ACCOUNT.client_email].api_enabled = False
        found = gmail.client.check(gmail.email)
        mailbox = next(step for step in found.steps if step.name == "mailbox")
        assert (mailbox.state, mailbox.help.code) == (StepState.FAILED, "accessNotConfigured")

    @pytest.mark.parametrize("scopes", [(f"{GMAIL}send",), (f"{GMAIL}send", f"{GMAIL}modify")])
    def test_a_user_without_gmail_is_told_whatever_is_granted(self, gmail, scopes):
        grant(gmail, *scopes)
        gmail.store().licensed = False
        found = gmail.client.check(gmail.email)
        mailbox = next(step for step in found.steps if step.name == "mailbox")
        assert mailbox.help.code in {"mail-service-not-enabled", "failedPrecondition"}
        assert found.send is False

    def test_a_suspended_user_is_told_at_the_token(self, gmail):
        gmail.store().suspended = True
        found = gmail.client.check(gmail.email)
        assert next(step for step in found.steps if step.name == "token").help.code == "user-not-found"

    def test_verified_senders_are_told(self, gmail):
        gmail.store().send_as |= {"hello@rival.example"}
        assert gmail.client.check(gmail.email).send_as == {gmail.email, "hello@rival.example"}

    def test_send_only_cannot_look_for_what_it_sent(self, gmail):
        grant(gmail, f"{GMAIL}send")
        token = gmail.client.acquire_token(gmail.email, frozenset({f"{GMAIL}send"}))
        receipt = gmail.client.submit(
            token, outgoing(gmail.email), deadline=gmail.now() + timedelta(minutes=1)
        )
        found = gmail.client.find_sent(token, since=gmail.now(), recipient=BOB, markers=Markers("token-1"))
        assert isinstance(found, CannotTell)
        assert look_up(gmail, token, receipt) == receipt


class TestKeys:
    def test_a_key_that_is_not_the_accounts_own_is_refused(self, gmail):
        other = make_service_account(ACCOUNT.client_email, fresh=True)
        fields = {**CREDENTIALS["google"], "private_key": other.private_key}
        client = provider_for("google", gmail.client.urls, fields, gmail.client.http)
        with pytest.raises(CredentialRefused) as caught:
            client.acquire_token(gmail.email)
        assert caught.value.help.code == "invalid-jwt-signature"
        assert client.check(gmail.email).steps[0].state is StepState.FAILED

    def test_an_unknown_account_is_told_from_an_unknown_user(self, gmail):
        fields = {**CREDENTIALS["google"], "client_email": "nobody@project.iam.gserviceaccount.com"}
        client = provider_for("google", gmail.client.urls, fields, gmail.client.http)
        with pytest.raises(CredentialRefused) as caught:
            client.acquire_token(gmail.email)
        assert caught.value.help.code == "account-not-found"
        with pytest.raises(MailboxUnavailable) as caught:
            gmail.client.acquire_token("nobody@rival.example")
        assert caught.value.help.code == "user-not-found"

    def test_a_stored_key_that_cannot_sign_is_refused_without_a_call(self, gmail):
        fields = {**CREDENTIALS["google"], "private_key": "damaged"}
        client = provider_for("google", gmail.client.urls, fields, gmail.client.http)
        with pytest.raises(CredentialRefused) as caught:
            client.acquire_token(gmail.email)
        assert "damaged" not in str(caught.value)
        assert not gmail.world.calls["google.token"]

    @responses.activate
    def test_a_token_is_asked_for_as_google_wants_it(self):
        urls = BaseUrls(google_token="https://oauth2.googleapis.com/token")
        client = provider_for("google", urls, CREDENTIALS["google"], Http())
        responses.post("https://oauth2.googleapis.com/token", json={"access_token": "t", "expires_in": 3599})
        token = client.acquire_token("a@rival.example", frozenset({f"{GMAIL}send"}))
        assert token.scopes == {f"{GMAIL}send"}
        form = dict(pair.split("=", 1) for pair in responses.calls[0].request.body.decode().split("&"))
        claims = jwt.decode(
            form["assertion"], ACCOUNT.public_key, ["RS256"], audience="https://oauth2.googleapis.com/token"
        )
        assert claims["sub"] == "a@rival.example"
        assert claims["iss"] == ACCOUNT.client_email
        assert claims["exp"] - claims["iat"] == 3600
        assert jwt.get_unverified_header(form["assertion"])["kid"] == ACCOUNT.private_key_id

    def test_the_audience_stays_googles_wherever_a_token_is_asked_for(self, gmail):
        assertion = gmail.client._assertion(gmail.email, frozenset({FULL}))
        claims = jwt.decode(assertion, options={"verify_signature": False})
        assert claims["aud"] == "https://oauth2.googleapis.com/token"


class TestSending:
    def test_a_large_message_goes_as_an_upload(self, gmail):
        mime = outgoing(gmail.email, text="line\r\n" * 400_000)
        _, receipt = gmail.submit(mime)
        assert len(gmail.store().find(receipt.provider_message_id).raw) >= len(mime)

    def test_a_draft_is_not_what_gmail_submits(self, gmail):
        with pytest.raises(Unsupported):
            gmail.client.submit(gmail.token(), Draft("x"), deadline=gmail.now() + timedelta(minutes=1))

    @pytest.mark.parametrize("effect", ["truncate", "cut-json"])
    def test_half_an_answer_is_an_unknown_outcome(self, gmail, effect):
        token = gmail.token()
        gmail.world.fault(effect, "gmail.messages.send")
        with pytest.raises(OutcomeUnknown):
            gmail.client.submit(token, outgoing(gmail.email), deadline=gmail.now() + timedelta(minutes=1))
        assert len(gmail.world.ledger.copies) == 1

    def test_rate_limiting_that_comes_as_403_is_no_missing_right(self, gmail):
        token = gmail.token()
        gmail.world.fault("rate-limit-403", "gmail.messages.send")
        with pytest.raises(Throttled):
            gmail.client.submit(token, outgoing(gmail.email), deadline=gmail.now() + timedelta(minutes=1))

    def test_a_message_without_recipient_is_refused_for_good(self, gmail):
        mime = outgoing(gmail.email).replace(b"To: bob@outside.example\r\n", b"")
        with pytest.raises(Exception, match="Recipient address required") as caught:
            gmail.submit(mime)
        assert caught.value.help.code == "recipient-required"


class TestNews:
    def test_our_own_mail_is_no_news(self, gmail):
        cursor = gmail.news().cursor
        gmail.submit(outgoing(gmail.email))
        gmail.deliver(3)
        assert gmail.subjects(gmail.news(cursor).refs) == ["in 0003"]

    def test_deleting_many_takes_one_call(self, gmail):
        cursor = gmail.news().cursor
        for number in range(120):
            gmail.deliver(number)
        results = list(gmail.client.dispose(gmail.token(), gmail.news(cursor).refs, Disposal.DELETE))
        assert len(results) == 120
        assert gmail.world.calls["gmail.messages.batchDelete"] == 1
        assert not gmail.store().all_messages()


class TestOddAnswers:
    """Without the sandbox."""

    @pytest.fixture
    def client(self):
        return provider_for("google", BaseUrls(), CREDENTIALS["google"], Http(sleep=lambda seconds: None))

    @pytest.fixture
    def token(self):
        return AccessToken(
            "a@rival.example", "secret-token", utc_now() + timedelta(hours=1), frozenset({FULL})
        )

    def answer_batch(self, *parts: tuple[str, int, object], boundary: str = "batch_x") -> None:
        body = b"".join(
            (
                f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <response-{name}>\r\n\r\n"
                f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\n\r\n{json.dumps(value)}\r\n"
            ).encode()
            for name, status, value in parts
        )
        responses.post(
            f"{API}/batch/gmail/v1",
            body=body + f"--{boundary}--\r\n".encode(),
            content_type=f'multipart/mixed; boundary="{boundary}"',
        )

    @responses.activate
    def test_parts_are_matched_by_name_in_any_order(self, client, token):
        def raw(text: bytes) -> dict[str, str]:
            return {"id": "x", "raw": base64.urlsafe_b64encode(text).decode().rstrip("=")}

        self.answer_batch(("part-1", 200, raw(b"second~?")), ("part-0", 200, raw(b"first")))
        fetched = {m.ref.id: m.raw for m in client.fetch(token, [MessageRef("a"), MessageRef("b")])}
        assert fetched == {"a": b"first", "b": b"second~?"}
        sent = responses.calls[0].request.body
        assert b"Content-ID: <part-0>" in sent
        assert b"GET /gmail/v1/users/me/messages/a?format=raw HTTP/1.1" in sent

    @responses.activate
    def test_an_inner_404_is_gone_and_an_inner_403_of_a_limit_is_throttled(self, client, token):
        def error(code: int, reason: str) -> dict[str, object]:
            return {"error": {"code": code, "message": reason, "errors": [{"reason": reason}]}}

        self.answer_batch(
            ("part-0", 404, error(404, "notFound")), ("part-1", 403, error(403, "userRateLimitExceeded"))
        )
        fetched = {m.ref.id: m for m in client.fetch(token, [MessageRef("a"), MessageRef("b")])}
        assert fetched["a"].gone
        assert isinstance(fetched["b"].error, Throttled)

    @responses.activate
    @pytest.mark.parametrize("body", [b"", b"--batch_x--", b"\x00" * 100, b"--batch_x\r\n\r\nHTTP/1.1"])
    def test_a_batch_answer_of_nonsense_ends_as_each_messages_error(self, client, token, body):
        responses.post(f"{API}/batch/gmail/v1", body=body, content_type="multipart/mixed; boundary=batch_x")
        (message,) = client.fetch(token, [MessageRef("a")])
        assert isinstance(message.error, Unavailable)

    @responses.activate
    def test_the_time_to_come_back_is_read_from_the_message(self, client, token):
        until = (utc_now() + timedelta(hours=2)).replace(microsecond=0)
        text = f"User-rate limit exceeded.  Retry after {until:%Y-%m-%dT%H:%M:%S}.000Z (Mail sending)"
        responses.post(
            f"{API}/gmail/v1/users/me/messages/send",
            status=429,
            headers={"Retry-After": "5"},
            json={
                "error": {
                    "code": 429,
                    "message": text,
                    "errors": [{"reason": "rateLimitExceeded", "domain": "usageLimits"}],
                }
            },
        )
        with pytest.raises(Throttled) as caught:
            client.submit(token, b"To: x@y.example\r\n\r\n", deadline=utc_now() + timedelta(minutes=1))
        assert caught.value.retry_at == until
        assert caught.value.help.code == "mail-sending-limit"

    @responses.activate
    def test_a_message_too_large_to_fetch_keeps_its_headers(self, token):
        client = provider_for("google", BaseUrls(), CREDENTIALS["google"], Http(max_answer_bytes=50_000))
        self.answer_batch(("part-0", 200, {"raw": "x" * 80_000}))
        responses.get(
            f"{API}/gmail/v1/users/me/messages/a",
            json={"id": "a", "payload": {"headers": [{"name": "Subject", "value": "Big"}]}},
        )
        (message,) = client.fetch(token, [MessageRef("a")])
        assert message.error.code == "message-too-large"
        assert message.raw == b"Subject: Big\r\n\r\n"

    @responses.activate
    def test_labels_decide_what_of_history_is_news(self, client, token):
        labels = {
            "in": ["INBOX"],
            "spam": ["SPAM"],
            "own": ["INBOX", "SENT"],
            "old": ["TRASH"],
            "filed": ["Label_1"],
        }
        messages = [{"message": {"id": name, "labelIds": names}} for name, names in labels.items()]
        history = [{"id": "7", "messagesAdded": [*messages, {"message": {"id": "bare"}}]}]
        responses.get(f"{API}/gmail/v1/users/me/history", json={"history": history, "historyId": "9"})
        start = Start(StartKind.NOW)
        news = client.new_messages(token, tuple(Folder), {"history": "5"}, start=start, since=None, budget=10)
        assert {ref.id: ref.folder for ref in news.refs} == {
            "in": Folder.INBOX,
            "spam": Folder.JUNK,
            "bare": Folder.INBOX,
        }
        assert news.cursor["history"] == "9"

    @responses.activate
    def test_a_looking_that_loses_a_message_cannot_tell(self, client, token):
        responses.get(f"{API}/gmail/v1/users/me/messages", json={"messages": [{"id": "a"}]})
        self.answer_batch(("part-0", 404, {"error": {"code": 404, "errors": [{"reason": "notFound"}]}}))
        found = client.find_sent(token, since=utc_now(), recipient=BOB, markers=Markers("t"))
        assert isinstance(found, CannotTell)

    @responses.activate
    def test_page_tokens_that_lead_in_a_circle_end_a_look_and_a_listing(self, client, token):
        answer = responses.get(f"{API}/gmail/v1/users/me/messages", json={"nextPageToken": "again"})
        responses.get(f"{API}/gmail/v1/users/me/history", json={"historyId": "5"})
        responses.get(f"{API}/gmail/v1/users/me/profile", json={"historyId": "5"})

        found = client.find_sent(token, since=utc_now(), recipient=BOB, markers=Markers("t"))
        news = client.new_messages(
            token, (Folder.INBOX,), None, start=Start(StartKind.UNREAD), since=None, budget=10
        )

        assert isinstance(found, CannotTell)
        assert not news.refs
        assert not news.complete
        assert answer.call_count == finding.MAX_PAGES + listing.MAX_PAGES

    def test_a_token_shows_nothing_of_its_value(self, token):
        assert "secret-token" not in repr(replace(token))

"""Odd answers of Microsoft, at its real addresses and without the sandbox."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
import responses

from providers.clock import utc_now
from providers.errors import (
    MailboxUnavailable,
    OutcomeUnknown,
    PermanentError,
    PermissionDenied,
    Unavailable,
)
from providers.messages import (
    AccessToken,
    BaseUrls,
    Disposal,
    Draft,
    Folder,
    Markers,
    MessageRef,
    Receipt,
    Start,
    StartKind,
    Submitted,
)
from providers.registry import provider_for
from providers.session import Http
from tests.providers.boxes import CREDENTIALS, TENANT, message_with, outgoing

BOB = "bob@outside.example"
GRAPH = "https://graph.microsoft.com/v1.0"


class TestAnswersOfTheRealAddresses:
    """Odd answers, without the sandbox."""

    @pytest.fixture
    def client(self):
        return provider_for(
            "microsoft", BaseUrls(), CREDENTIALS["microsoft"], Http(sleep=lambda seconds: None)
        )

    @pytest.fixture
    def token(self, client):

        return AccessToken(
            "a@acme.example", "secret-token", utc_now() + timedelta(hours=1), frozenset(client.scopes)
        )

    @responses.activate
    def test_a_next_link_elsewhere_is_not_followed(self, client, token):
        responses.get(
            f"{GRAPH}/users/a@acme.example/mailFolders/sentitems/messages",
            json={"value": [], "@odata.nextLink": "https://evil.example/steal"},
        )
        responses.get(f"{GRAPH}/users/a@acme.example/mailFolders/drafts/messages", json={"value": []})

        with pytest.raises(PermanentError, match="another place"):
            client.find_sent(token, since=utc_now(), recipient=BOB, markers=Markers("t"))
        assert not [call for call in responses.calls if "evil" in call.request.url]

    @responses.activate
    def test_a_redirect_is_not_followed(self, client, token):
        responses.post(f"{GRAPH}/$batch", status=302, headers={"Location": "https://evil.example/"})
        with pytest.raises(Unavailable):
            client.look_up(token, [Submitted(Receipt("x"), Markers("t"))])
        assert len(responses.calls) == 1

    @responses.activate
    def test_an_upload_on_an_outlook_host_gets_no_token(self, client, token):
        base = f"{GRAPH}/users/a@acme.example/messages"
        responses.post(base, status=201, json={"id": "d", "internetMessageId": "<m>"})
        responses.post(
            f"{base}/d/attachments/createUploadSession",
            status=201,
            json={"uploadUrl": "https://outlook.office.com/api/upload?authtoken=x"},
        )
        responses.put("https://outlook.office.com/api/upload", status=200, json={"nextExpectedRanges": ["1"]})
        responses.put("https://outlook.office.com/api/upload", status=201)
        assert client.prepare(token, message_with(5_000_000)) == Draft("d", "<m>")
        uploads = [call.request for call in responses.calls if call.request.method == "PUT"]
        assert len(uploads) == 2
        assert not [request for request in uploads if "Authorization" in request.headers]
        assert uploads[1].headers["Content-Range"] == "bytes 3276800-4999999/5000000"

    @responses.activate
    def test_a_draft_answered_with_200_is_removed_and_not_trusted(self, client, token):
        base = f"{GRAPH}/users/a@acme.example/messages"
        responses.post(base, status=200, json={"id": "d"})
        removed = responses.delete(f"{base}/d", status=204)
        with pytest.raises(Unavailable):
            client.prepare(token, outgoing("a@acme.example"))
        assert removed.call_count == 1

    @responses.activate
    def test_batch_parts_run_in_two_chains(self, client, token):
        sent: list[dict] = []

        def answer(request):
            parts = json.loads(request.body)["requests"]
            sent.extend(parts)
            body = base64.b64encode(b"Subject: x\r\n\r\n").decode()
            rows = [{"id": part["id"], "status": 200, "body": body} for part in reversed(parts)]
            return 200, {}, json.dumps({"responses": rows})

        responses.add_callback(responses.POST, f"{GRAPH}/$batch", callback=answer)
        refs = [MessageRef(f"id/{number}=") for number in range(25)]
        assert len(list(client.fetch(token, refs))) == 25
        first = sent[:20]
        assert [part.get("dependsOn") for part in first[:4]] == [None, None, ["0"], ["1"]]
        assert all(part["headers"]["Prefer"] == 'IdType="ImmutableId"' for part in first)
        assert first[0]["url"] == "/users/a@acme.example/messages/id%2F0%3D/$value"

    @responses.activate
    def test_an_answer_beyond_the_limit_halves_the_batch_and_keeps_the_head(self, token):
        client = provider_for(
            "microsoft", BaseUrls(), CREDENTIALS["microsoft"], Http(max_answer_bytes=2_000_000)
        )
        sizes = {"small": 500, "huge": 3_000_000}

        def answer(request):
            rows = []
            for part in json.loads(request.body)["requests"]:
                name = part["url"].split("/")[4]
                raw = b"Subject: " + name.encode() + b"\r\n\r\n" + b"x" * sizes[name]
                rows.append({"id": part["id"], "status": 200, "body": base64.b64encode(raw).decode()})
            return 200, {}, json.dumps({"responses": rows})

        responses.add_callback(responses.POST, f"{GRAPH}/$batch", callback=answer)
        responses.get(
            f"{GRAPH}/users/a@acme.example/messages/huge/$value",
            body=b"Subject: huge\r\n\r\n" + b"x" * 3_000_000,
        )
        fetched = {m.ref.id: m for m in client.fetch(token, [MessageRef("small"), MessageRef("huge")])}
        assert fetched["small"].error is None
        assert fetched["huge"].error.code == "message-too-large"
        assert fetched["huge"].raw.startswith(b"Subject: huge")
        assert len(fetched["huge"].raw) < 300_000

    @responses.activate
    def test_a_batch_answer_that_leaves_parts_out_ends(self, client, token):
        responses.post(f"{GRAPH}/$batch", json={"responses": "nonsense"})
        (message,) = client.fetch(token, [MessageRef("x")])
        assert isinstance(message.error, Unavailable)

    @responses.activate
    def test_a_throttled_part_keeps_to_its_own_time(self, client, token):
        row = {
            "id": "0",
            "status": 429,
            "headers": {"Retry-After": "600"},
            "body": {"error": {"code": "ApplicationThrottled", "message": "MailboxConcurrency"}},
        }
        responses.post(f"{GRAPH}/$batch", json={"responses": [row]})
        (message,) = client.fetch(token, [MessageRef("x")])
        assert message.error.retry_at > utc_now() + timedelta(minutes=9)

    @responses.activate
    def test_a_forbidden_disposal_is_each_messages_own_error(self, client, token):
        row = {"id": "0", "status": 403, "body": {"error": {"code": "ErrorAccessDenied", "message": "no"}}}
        responses.post(f"{GRAPH}/$batch", json={"responses": [row]})
        (result,) = client.dispose(token, [MessageRef("x")], Disposal.DELETE)
        assert isinstance(result.error, PermissionDenied)

    @responses.activate
    def test_the_scope_is_of_the_same_cloud(self):
        urls = BaseUrls(
            microsoft_login="https://login.microsoftonline.us",
            microsoft_graph="https://dod-graph.microsoft.us/v1.0",
        )
        client = provider_for("microsoft", urls, CREDENTIALS["microsoft"], Http())
        responses.post(
            f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token",
            json={"access_token": "opaque", "expires_in": 3000},
        )
        assert client.acquire_token("a@acme.example").scopes == frozenset()
        body = responses.calls[0].request.body.decode()
        assert "scope=https%3A%2F%2Fdod-graph.microsoft.us%2F.default" in body
        assert "client_secret=abc8Q~it.has%2Bodd~characters%2Finside" in body

    @responses.activate
    def test_a_full_mailbox_on_sending_with_5xx_stays_unknown(self, client, token):
        responses.post(
            f"{GRAPH}/users/a@acme.example/messages/d/send",
            status=507,
            json={"error": {"code": "ErrorQuotaExceeded", "message": "full"}},
        )
        with pytest.raises(OutcomeUnknown) as caught:
            client.submit(token, Draft("d"), deadline=utc_now() + timedelta(minutes=1))
        assert caught.value.help.code == "ErrorQuotaExceeded"

    @responses.activate
    def test_a_mailbox_error_while_listing_is_no_lost_cursor(self, client, token):
        responses.get(
            f"{GRAPH}/users/a@acme.example/mailFolders/inbox/messages/delta",
            status=404,
            json={"error": {"code": "MailboxNotEnabledForRESTAPI", "message": "inactive"}},
        )
        with pytest.raises(MailboxUnavailable):
            client.new_messages(
                token, [Folder.INBOX], None, start=Start(StartKind.NOW), since=None, budget=10
            )

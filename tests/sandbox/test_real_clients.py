"""Clients that nobody here wrote, over loopback: token, send, list, raw, delete."""

# ruff: noqa: PLC0415 - these clients take seconds to import, which every collection of tests would pay

import asyncio
import base64
import gc
import json
import ssl
import threading
from pathlib import Path

import httpx
import pytest
import requests

from sandbox.credentials import make_service_account
from sandbox.server import running
from sandbox.world import World
from tests.sandbox.requesting import CLIENT, FULL, GOOGLE, MICROSOFT, SECRET, TENANT

pytestmark = [
    # Google's client opens a second connection for its token and never closes it; the asyncio ones likewise.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    # kiota and msgraph-sdk warn of classes that their own generated code still uses.
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _closed_sockets():
    """What the clients forgot to close is collected here, under this module's filters."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One world over http and https, with the Google key's token_uri at the sandbox."""
    world = World()
    with running(world, https=True, folder=tmp_path_factory.mktemp("tls")) as sandbox:
        yield world, sandbox


@pytest.fixture
def world(served):
    world, _ = served
    world.reset()
    world.add_microsoft_tenant(TENANT, domains=["acme.example"])
    world.add_microsoft_app(TENANT, CLIENT, SECRET)
    world.add_mailbox("microsoft", MICROSOFT, "Acme News")
    world.add_mailbox("google", GOOGLE, "Globex News")
    return world


@pytest.fixture
def sandbox(served, monkeypatch):
    # An inherited bundle would silently replace the authority that a client was told to trust.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    return served[1]


@pytest.fixture
def gmail_service(world, sandbox):
    """google-api-python-client on its own static discovery document, with our origin as its root."""
    from google.oauth2 import service_account
    from googleapiclient import discovery

    key = make_service_account(token_uri=sandbox.urls.google_token)
    world.add_google_service_account(key.client_email, key.public_key, delegations={"globex.example": [FULL]})
    credentials = service_account.Credentials.from_service_account_info(
        json.loads(key.json), scopes=[FULL], subject=GOOGLE
    )
    folder = Path(discovery.__file__).parent / "discovery_cache" / "documents"
    document = json.loads((folder / "gmail.v1.json").read_text())
    document["rootUrl"] = document["baseUrl"] = f"{sandbox.urls.gmail}/"
    with discovery.build_from_document(document, credentials=credentials) as service:
        yield service


def test_googles_client_sends_lists_reads_and_deletes(world, gmail_service, mail):
    messages = gmail_service.users().messages()
    raw = base64.urlsafe_b64encode(mail(to="unknown-user@receiver.example")).decode()
    sent = messages.send(userId="me", body={"raw": raw}).execute()
    assert world.ledger.copies[0].token == "token-1"
    [bounce] = messages.list(userId="me", q="in:inbox is:unread").execute()["messages"]
    assert bounce["threadId"] == sent["threadId"]
    shown = messages.get(userId="me", id=bounce["id"], format="raw").execute()
    assert b"X-Failed-Recipients: unknown-user@receiver.example" in base64.urlsafe_b64decode(shown["raw"])
    messages.delete(userId="me", id=bounce["id"]).execute()
    assert "messages" not in messages.list(userId="me", q="in:inbox").execute()


def test_googles_client_uploads_batches_and_follows_history(world, gmail_service, mail):
    from googleapiclient.http import MediaInMemoryUpload

    users = gmail_service.users()
    start = users.getProfile(userId="me").execute()["historyId"]
    media = MediaInMemoryUpload(mail(), mimetype="message/rfc822")
    sent = users.messages().send(userId="me", body={}, media_body=media).execute()
    large = MediaInMemoryUpload(mail(), mimetype="message/rfc822", resumable=True)
    again = users.messages().send(userId="me", body={}, media_body=large).execute()
    answers = {}
    batch = gmail_service.new_batch_http_request(
        callback=lambda name, answer, error: answers.update({name: error or answer})
    )
    batch.add(users.messages().get(userId="me", id=sent["id"], format="minimal"), request_id="one")
    batch.add(users.messages().get(userId="me", id="deadbeefdeadbeef"), request_id="two")
    batch.execute()
    assert not isinstance(answers["one"], Exception), answers["one"]
    assert answers["one"]["id"] == sent["id"]
    assert answers["two"].resp.status == 404
    assert answers["two"].error_details[0]["reason"] == "notFound"
    history = users.history().list(userId="me", startHistoryId=start, historyTypes="messageAdded").execute()
    added = [row["messagesAdded"][0]["message"]["id"] for row in history["history"]]
    assert added == [sent["id"], again["id"]]
    draft = (
        users.drafts()
        .create(userId="me", body={"message": {"raw": base64.urlsafe_b64encode(mail()).decode()}})
        .execute()
    )
    assert users.drafts().send(userId="me", body={"id": draft["id"]}).execute()["labelIds"] == ["SENT"]


def test_googles_client_sees_errors_as_it_knows_them(world, gmail_service):
    from googleapiclient.errors import HttpError

    world.fault("rate-limit-403", "gmail.getProfile", code="userRateLimitExceeded")
    with pytest.raises(HttpError) as caught:
        gmail_service.users().getProfile(userId="me").execute(num_retries=0)
    assert caught.value.error_details[0]["reason"] == "userRateLimitExceeded"


def test_googles_auth_refuses_a_foreign_key(world, sandbox):
    import google.auth.exceptions
    import google.auth.transport.requests
    from google.oauth2 import service_account

    key = make_service_account(token_uri=sandbox.urls.google_token)
    world.add_google_service_account(key.client_email, make_service_account(fresh=True).public_key)
    credentials = service_account.Credentials.from_service_account_info(
        json.loads(key.json), scopes=[FULL], subject=GOOGLE
    )
    with (
        requests.Session() as session,
        pytest.raises(google.auth.exceptions.RefreshError, match="Invalid JWT Signature"),
    ):
        credentials.refresh(google.auth.transport.requests.Request(session))


@pytest.fixture
def msal_app(world, sandbox):
    import msal

    def build(secret=SECRET):
        with requests.Session() as session:
            session.verify = str(sandbox.authority)
            return msal.ConfidentialClientApplication(
                CLIENT,
                authority=f"{sandbox.https_origin}/{TENANT}",
                client_credential=secret,
                instance_discovery=False,
                http_client=session,
            )

    return build


def test_msal_gets_a_token_and_the_documented_error(msal_app):
    scopes = ["https://graph.microsoft.com/.default"]
    assert msal_app().acquire_token_for_client(scopes)["token_type"] == "Bearer"
    refused = msal_app("wrong").acquire_token_for_client(scopes)
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])


async def with_graph(sandbox, use):
    """Run `use(client)` with azure-identity and msgraph-sdk over https and our private authority."""
    from azure.identity.aio import ClientSecretCredential
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph_core import GraphClientFactory

    context = ssl.create_default_context(cafile=str(sandbox.authority))
    credential = ClientSecretCredential(
        TENANT,
        CLIENT,
        SECRET,
        authority=sandbox.https_origin,
        disable_instance_discovery=True,
        connection_verify=str(sandbox.authority),
    )
    scope = "https://graph.microsoft.com/.default"
    authentication = AzureIdentityAuthenticationProvider(
        credential, scopes=[scope], allowed_hosts=["localhost"]
    )
    async with credential, httpx.AsyncClient(verify=context) as http:
        client = GraphClientFactory.create_with_default_middleware(client=http)
        adapter = GraphRequestAdapter(authentication, client)
        adapter.base_url = sandbox.https_urls.graph
        await use(GraphServiceClient(request_adapter=adapter))


def test_microsofts_client_sends_lists_reads_and_deletes(world, sandbox):
    from msgraph.generated.models.body_type import BodyType
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.recipient import Recipient
    from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

    async def use(client):
        user = client.users.by_user_id(MICROSOFT)
        to = Recipient(email_address=EmailAddress(address="unknown-user@receiver.example"))
        body = ItemBody(content_type=BodyType.Html, content="<p>Hello</p>")
        message = Message(subject="From the SDK", body=body, to_recipients=[to])
        await user.send_mail.post(SendMailPostRequestBody(message=message, save_to_sent_items=True))
        inbox = user.mail_folders.by_mail_folder_id("inbox").messages
        [bounce] = (await inbox.get()).value
        assert bounce.subject == "Undeliverable: From the SDK"
        assert not bounce.is_read
        raw = await user.messages.by_message_id(bounce.id).content.get()
        assert b"Final-Recipient: rfc822;unknown-user@receiver.example" in raw
        rounds = await inbox.delta.get()
        assert [row.id for row in rounds.value] == [bounce.id]
        assert rounds.odata_delta_link.startswith(sandbox.https_urls.graph)
        await user.messages.by_message_id(bounce.id).delete()
        assert (await inbox.get()).value == []

    asyncio.run(with_graph(sandbox, use))
    assert [copy.recipient for copy in world.ledger.copies] == ["unknown-user@receiver.example"]


def test_microsofts_client_drafts_and_sees_errors_as_it_knows_them(world, sandbox):
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.recipient import Recipient

    async def use(client):
        user = client.users.by_user_id(MICROSOFT)
        to = Recipient(email_address=EmailAddress(address=GOOGLE))
        draft = await user.messages.post(Message(subject="Draft", to_recipients=[to]))
        assert draft.is_draft
        await user.messages.by_message_id(draft.id).send.post()
        with pytest.raises(ODataError) as caught:
            await user.messages.by_message_id(draft.id).get()
        assert caught.value.error.code == "ErrorItemNotFound"

    asyncio.run(with_graph(sandbox, use))
    assert world.mailbox(GOOGLE).all_messages()[0].digest.subject == "Draft"


def test_calls_at_the_same_time_are_four_for_a_mailbox(world, sandbox, microsoft_calls):
    world.configure(latency_ms=200)
    statuses = microsoft_calls(8)
    assert sorted(statuses) == [200] * 4 + [429] * 4
    assert world.counters()["mailboxes"][MICROSOFT]["most_in_flight"] == 4


@pytest.fixture
def microsoft_calls(world, sandbox):
    """So many listings at the same moment, over real sockets; their statuses."""
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": "https://graph.microsoft.com/.default",
    }
    token = requests.post(f"{sandbox.urls.login}/{TENANT}/oauth2/v2.0/token", data=form, timeout=5).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def run(count):
        statuses: list[int] = []

        def one():
            url = f"{sandbox.urls.graph}/users/{MICROSOFT}/messages"
            statuses.append(requests.get(url, headers=headers, timeout=10).status_code)

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    return run

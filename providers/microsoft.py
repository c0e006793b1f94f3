"""Microsoft 365 through Microsoft Graph, as an application of its own (client credentials).

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/graph/api/resources/mail-api-overview
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

import jwt

from providers.answers import as_text
from providers.api import Api
from providers.base import MailProvider, Permission
from providers.checking import Checklist
from providers.credentials import CredentialField, MicrosoftCredential, check_microsoft_input
from providers.errors import AnswerTooLarge, MessageRejected, ProviderError
from providers.graph import finding, moving, reading, sending
from providers.graph.batch import Batch
from providers.graph.checking import MailboxCheck
from providers.graph.errors import entra_error, graph_error
from providers.graph.listing import Listing
from providers.help import general_help
from providers.messages import (
    AccessToken,
    BaseUrls,
    Capabilities,
    Cursor,
    Disposal,
    Disposed,
    Draft,
    Folder,
    Limits,
    Markers,
    MessageRef,
    News,
    RawMessage,
    Receipt,
    SentState,
    Start,
    Submitted,
)
from providers.session import MIB, Call, Http

# The hosts of Graph, whose own name a token's scope must carry. Any other base address is a stand-in.
GRAPH_HOSTS = frozenset(
    {
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    }
)


class MicrosoftGraph(MailProvider):
    """Mailboxes of one Microsoft 365 organization."""

    name = "microsoft"
    label = "Microsoft"
    server_type = "microsoft-graph-api"
    server_type_label = "Microsoft Graph API"
    email_label = "Microsoft Email"
    token_serves_key = True
    limits = Limits(
        concurrent_calls=4,
        sends_per_minute=30,
        recipients_per_day=10_000,
        message_bytes=35 * MIB,
        custom_headers=5,
        batch_size=20,
        # 10,000 requests in 10 minutes.
        units_per_minute=1_000,
    )
    scopes = frozenset({"Mail.Send", "Mail.Read", "Mail.ReadWrite"})
    credential_fields = (
        CredentialField(
            "client_id", "Client ID", "Application (client) ID of the app registration's overview."
        ),
        CredentialField(
            "client_secret",
            "Client Secret",
            "The Value of the client secret, shown once when it is made. Not its Secret ID.",
            is_secret=True,
        ),
        CredentialField(
            "tenant_id", "Tenant ID", "Directory (tenant) ID of the app registration's overview."
        ),
    )
    permissions = (
        Permission("Mail.Send", "send mail"),
        Permission("Mail.Read", "read bounces and replies"),
        Permission(
            "Mail.ReadWrite", "make sure of each message's outcome, and delete or move processed mail"
        ),
    )
    renewal_steps = (
        "Sign in at portal.azure.com and open Microsoft Entra ID → App registrations → your app.",
        "Under Certificates & secrets → Client secrets → New client secret choose when it expires and click Add.",
        "Copy its Value at once (not the Secret ID): it is shown this one time. The old secret goes on until it ends.",
        "Put the Value into the key as Client Secret, with the new expiry date, and verify the key.",
        "Remove the old secret in Azure.",
    )
    delete_note = (
        "A processed message is deleted. Microsoft keeps it in Deleted Items, as the organization has set."
    )

    credential: MicrosoftCredential

    def __init__(self, urls: BaseUrls, credential: MicrosoftCredential, http: Http | None = None) -> None:
        super().__init__(urls, credential, http)
        self._api = Api(urls.microsoft_graph, self.http, graph_error)

    @classmethod
    def read_credential(cls, fields: Mapping[str, str]) -> MicrosoftCredential:
        """As `MailProvider.read_credential`."""
        return check_microsoft_input(fields)

    @classmethod
    def load_credential(cls, fields: Mapping[str, str]) -> MicrosoftCredential:
        """As `MailProvider.load_credential`."""
        return MicrosoftCredential.from_dict(fields)

    @classmethod
    def identity_of(cls, fields: Mapping[str, str]) -> str:
        """As `MailProvider.identity_of`: the application's client id."""
        return fields.get("client_id", "")

    def acquire_token(self, email: str, scopes: frozenset[str] | None = None) -> AccessToken:
        """As `MailProvider`. Granted roles come unasked; `scopes` are those a check has proved besides."""
        answer = self.http.read(self._token_call())
        now = self.http.clock()
        body = answer.fields()
        value, lifetime = as_text(body.get("access_token")), body.get("expires_in")
        if answer.status != 200 or not value or not isinstance(lifetime, int):
            raise entra_error(answer, now)
        granted = _roles(value) & self.scopes
        return AccessToken(email, value, now + timedelta(seconds=lifetime), granted | (scopes or frozenset()))

    def check(self, email: str) -> Capabilities:
        """As `MailProvider.check`."""
        steps = Checklist()
        token = steps.take_token(lambda: self.acquire_token(email))
        if token is None:
            return steps.to_refusal()
        return MailboxCheck(self._api, token, steps).run()

    def prepare(self, token: AccessToken, mime: bytes) -> Draft | None:
        """A draft where Mail.ReadWrite is proven; None where the message must go in one call."""
        self._check_size(token, mime)
        return sending.create_draft(self._api, token, mime) if _has_drafts(token) else None

    def submit(self, token: AccessToken, message: Draft | bytes, *, deadline: datetime) -> Receipt:
        """As `MailProvider.submit`."""
        if isinstance(message, Draft):
            return sending.submit_draft(self._api, token, message, deadline)
        if len(message) > sending.MIME_BYTES:
            raise _too_large_for_one_call(len(message))
        return sending.send_mime(self._api, token, message, deadline)

    def find_sent(
        self, token: AccessToken, *, since: datetime, recipient: str, markers: Markers
    ) -> SentState:
        """As `MailProvider.find_sent`."""
        return finding.find_sent(self._api, token, since, recipient, markers, has_drafts=_has_drafts(token))

    def look_up(
        self, token: AccessToken, submitted: Sequence[Submitted]
    ) -> list[Receipt | ProviderError | None]:
        """As `MailProvider.look_up`."""
        return finding.look_up(self._api, token, self._batch(token), submitted)

    def discard_draft(self, token: AccessToken, draft: Draft) -> None:
        """As `MailProvider.discard_draft`."""
        sending.delete_message(self._api, token, draft.id)

    def prepare_mailbox(self, token: AccessToken) -> None:
        """Let Exchange know our token header's name, where drafts may be made."""
        if _has_drafts(token):
            sending.register_token_header(self._api, token)

    def new_messages(
        self,
        token: AccessToken,
        folders: Sequence[Folder],
        cursor: Cursor | None,
        *,
        start: Start,
        since: datetime | None,
        budget: int,
    ) -> News:
        """As `MailProvider.new_messages`."""
        return Listing(self._api, token, start, since, budget).run(folders, cursor)

    def fetch(self, token: AccessToken, refs: Sequence[MessageRef]) -> Iterator[RawMessage]:
        """As `MailProvider.fetch`."""
        for ref, outcome in self._batch(token).run(refs, lambda ref: reading.fetch_part(token, ref)):
            if isinstance(outcome, AnswerTooLarge):
                yield reading.read_head(self._api, token, ref)
            else:
                yield reading.read_raw(ref, outcome, self.limits.message_bytes)

    def dispose(
        self, token: AccessToken, refs: Sequence[MessageRef], how: Disposal, folder: str = ""
    ) -> Iterable[Disposed]:
        """As `MailProvider.dispose`. Deleting is what Graph calls so: the message is in Deleted Items."""
        if how is Disposal.LEAVE:
            return [Disposed(ref, how) for ref in refs]
        if how is Disposal.MOVE:
            return moving.move(self._api, token, self._batch(token), refs, folder)
        results = self._batch(token).run(refs, lambda ref: reading.dispose_part(token, ref, how))
        return (reading.read_disposed(ref, outcome, how) for ref, outcome in results)

    def _batch(self, token: AccessToken) -> Batch:
        # Sending has its own lease on the mailbox: a batch leaves it half of what may run at once.
        return Batch(self._api, token, self.limits.batch_size, self.limits.concurrent_calls // 2)

    def _token_call(self) -> Call:
        credential = self.credential
        form = {
            "grant_type": "client_credentials",
            "client_id": credential.client_id,
            "client_secret": credential.client_secret,
            "scope": _scope_for(self.urls.microsoft_graph),
        }
        base = self.urls.microsoft_login.rstrip("/")
        return Call(
            "POST",
            f"{base}/{quote(credential.tenant_id, safe='')}/oauth2/v2.0/token",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode(),
        )

    def _check_size(self, token: AccessToken, mime: bytes) -> None:
        if len(mime) > self.limits.message_bytes:
            code = "message-too-large"
            text = f"The message has {len(mime)} bytes; Microsoft takes {self.limits.message_bytes}."
            raise MessageRejected(text, code=code, help=general_help(code))
        if len(mime) > sending.MIME_BYTES and not _has_drafts(token):
            raise _too_large_for_one_call(len(mime))


def _has_drafts(token: AccessToken) -> bool:
    return "Mail.ReadWrite" in token.scopes


def _too_large_for_one_call(size: int) -> MessageRejected:
    code = "large-needs-draft"
    return MessageRejected(
        f"A message of {size} bytes needs the right to make drafts.", code=code, help=general_help(code)
    )


def _scope_for(graph_url: str) -> str:
    host = urlsplit(graph_url).hostname or ""
    return f"https://{host if host in GRAPH_HOSTS else 'graph.microsoft.com'}/.default"


def _roles(token: str) -> frozenset[str]:
    """The roles a token carries. Tokens are meant to be opaque: this hints, and decides nothing."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    except jwt.InvalidTokenError:
        return frozenset()
    roles = claims.get("roles")
    return (
        frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else frozenset()
    )

"""Google Workspace through the Gmail API, as a service account with domain-wide delegation.

https://developers.google.com/identity/protocols/oauth2/service-account
https://developers.google.com/workspace/gmail/api/reference/rest
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

import jwt

from providers.answers import as_text
from providers.api import Api, Content
from providers.base import MailProvider, Permission
from providers.credentials import CredentialField, GoogleCredential, parse_google_key
from providers.errors import CredentialRefused, MessageRejected, OutcomeUnknown, ProviderError, Unsupported
from providers.gmail import finding, moving, reading
from providers.gmail.batch import Batch
from providers.gmail.checking import MailboxCheck
from providers.gmail.errors import gmail_error, token_error
from providers.gmail.listing import Listing
from providers.gmail.mailbox import ROOT, UPLOAD_ROOT
from providers.gmail.scopes import FULL, MODIFY, PROBED, SEND
from providers.help import general_help, help_for
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

# Google checks this audience whatever address a token is asked for at.
TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"  # noqa: S105  an address, not a secret
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_LIFETIME = timedelta(hours=1)
# Beyond this a message goes as itself instead of inside JSON, which needs a third more.
UPLOAD_BYTES = MIB


class Gmail(MailProvider):
    """Mailboxes of one Google Workspace, opened in their users' names."""

    name = "google"
    label = "Google"
    server_type = "gmail-api"
    server_type_label = "Gmail API"
    email_label = "Google Email"
    token_serves_key = False
    limits = Limits(
        concurrent_calls=4,
        # 6,000 units a minute; a send with its look-up costs 120.
        sends_per_minute=50,
        recipients_per_day=2_000,
        message_bytes=35 * MIB,
        custom_headers=None,
        batch_size=50,
        units_per_minute=6_000,
    )
    scopes = frozenset(PROBED)
    credential_fields = (
        CredentialField(
            "client_email",
            "Service Account Email",
            "The client_email of the JSON key file. Leave it empty when you paste the whole file below.",
            is_required=False,
        ),
        CredentialField(
            "private_key",
            "Private Key",
            "Paste the whole JSON key file, or its private key from -----BEGIN to END-----.",
            is_secret=True,
            is_multiline=True,
        ),
    )
    permissions = (
        Permission(SEND, "send mail"),
        Permission(MODIFY, "read bounces and replies, and move processed mail to a folder or to Trash"),
        Permission(FULL, "delete processed mail for good", is_optional=True),
    )
    renewal_steps = (
        "Sign in at console.cloud.google.com and open IAM & Admin → Service Accounts → the key's service account.",
        "Under Keys → Add Key → Create new key → JSON click Create. The delegation of the domain stays as it is.",
        "Paste the whole file into the key as Private Key, with the new expiry date, and verify the key.",
        "Remove the old key in the Google Cloud Console.",
    )
    delete_note = (
        "A processed message is deleted for good with the full mail scope (https://mail.google.com/). With"
        " gmail.modify alone it goes to Trash, which Google empties after about 30 days."
    )

    credential: GoogleCredential

    def __init__(self, urls: BaseUrls, credential: GoogleCredential, http: Http | None = None) -> None:
        super().__init__(urls, credential, http)
        self._api = Api(urls.gmail, self.http, gmail_error)

    @classmethod
    def read_credential(cls, fields: Mapping[str, str]) -> GoogleCredential:
        """As `MailProvider.read_credential`."""
        return parse_google_key(fields)

    @classmethod
    def load_credential(cls, fields: Mapping[str, str]) -> GoogleCredential:
        """As `MailProvider.load_credential`."""
        return GoogleCredential.from_dict(fields)

    @classmethod
    def identity_of(cls, fields: Mapping[str, str]) -> str:
        """As `MailProvider.identity_of`: the service account's address."""
        return fields.get("client_email", "")

    def acquire_token(self, email: str, scopes: frozenset[str] | None = None) -> AccessToken:
        """As `MailProvider.acquire_token`. One scope that is not granted fails the whole request."""
        wanted = frozenset(scopes or self.scopes)
        answer = self.http.read(self._token_call(email, wanted))
        now = self.http.clock()
        body = answer.fields()
        value, lifetime = as_text(body.get("access_token")), body.get("expires_in")
        if answer.status != 200 or not value or not isinstance(lifetime, int):
            raise token_error(answer, now)
        return AccessToken(email, value, now + timedelta(seconds=lifetime), wanted)

    def check(self, email: str) -> Capabilities:
        """As `MailProvider.check`."""
        return MailboxCheck(self._api, email, lambda scopes: self.acquire_token(email, scopes)).run()

    def prepare(self, token: AccessToken, mime: bytes) -> Draft | None:
        """No draft: Gmail files what it accepts in Sent at once, where our header finds it."""
        self._check_size(mime)
        return None

    def submit(self, token: AccessToken, message: Draft | bytes, *, deadline: datetime) -> Receipt:
        """As `MailProvider.submit`."""
        if isinstance(message, Draft):
            raise Unsupported("Gmail messages are submitted whole, never as drafts.", code="no-drafts")
        self._check_size(message)
        if len(message) > UPLOAD_BYTES:
            url = self._api.url(f"{UPLOAD_ROOT}/messages/send", {"uploadType": "media"})
            content = Content(message, "message/rfc822")
        else:
            url = self._api.url(f"{ROOT}/messages/send")
            content = Content.json({"raw": base64.urlsafe_b64encode(message).decode()})
        body = self._api.submit(token, url, content, ok=200, deadline=deadline).fields()
        if not as_text(body.get("id")):
            code = "outcome-unknown"
            raise OutcomeUnknown(
                "Google's answer to a submission was incomplete.",
                code=code,
                status=200,
                help=general_help(code),
            )
        return Receipt(as_text(body["id"]), thread_id=as_text(body.get("threadId")))

    def find_sent(
        self, token: AccessToken, *, since: datetime, recipient: str, markers: Markers
    ) -> SentState:
        """As `MailProvider.find_sent`."""
        return finding.find_sent(
            self._api, token, since, recipient, markers, batch_size=self.limits.batch_size
        )

    def look_up(
        self, token: AccessToken, submitted: Sequence[Submitted]
    ) -> list[Receipt | ProviderError | None]:
        """As `MailProvider.look_up`."""
        return finding.look_up(self._batch(token), submitted)

    def discard_draft(self, token: AccessToken, draft: Draft) -> None:
        """There are none: nothing to do."""

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
        results = self._batch(token).run(refs, reading.fetch_part)
        return (
            reading.read_raw(self._api, token, ref, outcome, self.limits.message_bytes)
            for ref, outcome in results
        )

    def dispose(
        self, token: AccessToken, refs: Sequence[MessageRef], how: Disposal, folder: str = ""
    ) -> Iterable[Disposed]:
        """As `MailProvider.dispose`. Without the full mail scope a message is trashed, and `how` says so."""
        if how is Disposal.LEAVE:
            return [Disposed(ref, how) for ref in refs]
        if how is Disposal.MOVE:
            return moving.move(self._api, token, refs, folder)
        if how is Disposal.DELETE and FULL in token.scopes:
            return reading.delete_for_good(self._api, token, refs)
        results = self._batch(token).run(refs, reading.trash_part)
        return (reading.read_trashed(ref, outcome) for ref, outcome in results)

    def _batch(self, token: AccessToken) -> Batch:
        return Batch(self._api, token, self.limits.batch_size)

    def _token_call(self, email: str, scopes: frozenset[str]) -> Call:
        form = {"grant_type": JWT_BEARER, "assertion": self._assertion(email, scopes)}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return Call("POST", self.urls.google_token, headers, urlencode(form).encode())

    def _assertion(self, email: str, scopes: frozenset[str]) -> str:
        now = self.http.clock()
        claims = {
            "iss": self.credential.client_email,
            "scope": " ".join(sorted(scopes)),
            "aud": TOKEN_AUDIENCE,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFETIME).timestamp()),
            "sub": email,
        }
        headers = {"kid": self.credential.private_key_id} if self.credential.private_key_id else None
        try:
            return jwt.encode(claims, self.credential.private_key, algorithm="RS256", headers=headers)
        except (ValueError, TypeError, jwt.PyJWTError):
            text = "The stored private key cannot sign."
            raise CredentialRefused(text, code="key-file", help=help_for("google", "key-file")) from None

    def _check_size(self, mime: bytes) -> None:
        if len(mime) > self.limits.message_bytes:
            code = "message-too-large"
            text = f"The message has {len(mime)} bytes; Google takes {self.limits.message_bytes}."
            raise MessageRejected(text, code=code, help=general_help(code))

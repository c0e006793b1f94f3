"""Who may call what in Gmail: the token, its scopes, and whose mailbox it is."""

from sandbox.calls import Call
from sandbox.directory import GoogleGrant
from sandbox.gmail.errors import gmail_error, precondition_failed, scope_missing, unauthenticated
from sandbox.gmail.mailbox import GmailMailbox
from sandbox.http import bearer_token

FULL = "https://mail.google.com/"
_AUTH = "https://www.googleapis.com/auth/gmail."
COMPOSE, INSERT, LABELS = f"{_AUTH}compose", f"{_AUTH}insert", f"{_AUTH}labels"
METADATA, MODIFY, READONLY = f"{_AUTH}metadata", f"{_AUTH}modify", f"{_AUTH}readonly"
SEND, SETTINGS = f"{_AUTH}send", f"{_AUTH}settings.basic"

TO_SEND = frozenset({FULL, COMPOSE, MODIFY, SEND})
TO_DRAFT = frozenset({FULL, COMPOSE, MODIFY})
TO_READ_DRAFTS = frozenset({FULL, COMPOSE, MODIFY, READONLY})
TO_READ = frozenset({FULL, METADATA, MODIFY, READONLY})
TO_READ_BODIES = frozenset({FULL, MODIFY, READONLY})
TO_MODIFY = frozenset({FULL, MODIFY})
TO_DELETE = frozenset({FULL})
TO_INSERT = frozenset({FULL, INSERT, MODIFY})
TO_SEE_PROFILE = frozenset({FULL, COMPOSE, METADATA, MODIFY, READONLY})
TO_SEE_LABELS = frozenset({FULL, LABELS, METADATA, MODIFY, READONLY})
TO_CHANGE_LABELS = frozenset({FULL, LABELS, MODIFY})
TO_SEE_SEND_AS = frozenset({FULL, MODIFY, READONLY, SETTINGS})


def authenticate(call: Call) -> GoogleGrant:
    grant = call.world.google_grants.get(bearer_token(call.request))
    if grant is None or grant.expires_at <= call.now:
        raise unauthenticated()
    return grant


def find_mailbox(call: Call, user: str) -> GmailMailbox:
    """`me`, or exactly the impersonated address; raises the API's 400 and 403."""
    account = call.world.service_accounts.get(call.grant.client_email.lower())
    if account is not None and not account.api_enabled:
        message = (
            f"Gmail API has not been used in project {account.project} before or it is disabled. Enable it "
            "by visiting https://console.developers.google.com/apis/api/gmail.googleapis.com/overview then "
            "retry."
        )
        raise gmail_error(403, "accessNotConfigured", message, domain="usageLimits")
    # A service account that impersonates nobody has no mailbox.
    if not call.grant.subject:
        raise precondition_failed()
    if user != "me" and user.lower() != call.grant.subject:
        raise gmail_error(403, "forbidden", f"Delegation denied for {call.grant.subject}")
    mailbox = call.world.mailboxes.get(call.grant.subject)
    if not isinstance(mailbox, GmailMailbox) or not mailbox.licensed:
        raise precondition_failed("Mail service not enabled")
    return mailbox


def check_scopes(call: Call, accepted: frozenset[str]) -> None:
    if not call.grant.scopes & accepted:
        raise scope_missing(call)


def only_metadata(call: Call) -> bool:
    """Whether the token may see headers alone, so neither search nor bodies."""
    return not call.grant.scopes & TO_READ_BODIES

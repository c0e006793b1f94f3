"""Who may call what in Graph: the token, its roles, and the mailbox in the path."""

from sandbox.calls import ApiError, Call
from sandbox.directory import MicrosoftGrant
from sandbox.graph.errors import access_denied, graph_error, invalid_token
from sandbox.graph.mailbox import GraphMailbox
from sandbox.graph.views import wants_immutable_ids
from sandbox.http import bearer_token

READ = frozenset({"Mail.Read", "Mail.ReadWrite"})
# Enough for listings without bodies.
READ_BASIC = READ | {"Mail.ReadBasic", "Mail.ReadBasic.All"}
WRITE = frozenset({"Mail.ReadWrite"})
SEND = frozenset({"Mail.Send"})
DIRECTORY = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All"})


def authenticate(call: Call) -> MicrosoftGrant:
    """The grant behind the bearer token; raises the 401 of each way to have none."""
    token = bearer_token(call.request)
    if not token:
        raise invalid_token(call, "Access token is empty.")
    if token in call.world.google_grants:
        raise invalid_token(call, "Access token validation failure. Invalid audience.")
    grant = call.world.microsoft_grants.get(token)
    if grant is None:
        raise invalid_token(call, "Access token validation failure.")
    if grant.expires_at <= call.now:
        raise invalid_token(call, "Access token has expired or is not yet valid.")
    return grant


def find_mailbox(call: Call, user: str) -> GraphMailbox:
    """By address, alias or user id, within the tenant of the token; raises the API's 404 and 403."""
    mailbox = call.world.graph_users.get(user.lower())
    if mailbox is None or mailbox.tenant.lower() != call.grant.tenant.lower():
        raise graph_error(call, 404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
    if not mailbox.licensed:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise graph_error(call, 404, "MailboxNotEnabledForRESTAPI", message)
    app = call.world.tenants[call.grant.tenant.lower()].apps.get(call.grant.client_id.lower())
    if app is not None and app.mailboxes is not None and not mailbox.addresses() & app.mailboxes:
        raise graph_error(call, 403, "ErrorAccessDenied", "Access to OData is disabled.")
    return mailbox


def check_roles(call: Call, needed: frozenset[str]) -> None:
    """Raises 401 for a token without any role, 403 for one without these."""
    if not call.grant.roles:
        message = "The token contains no permissions, or permissions can not be understood."
        raise graph_error(call, 401, "NoPermissionsInAccessToken", message)
    if not call.grant.roles & needed:
        raise _refusal(call, needed)


def _refusal(call: Call, needed: frozenset[str]) -> ApiError:
    if needed is DIRECTORY:
        message = "Insufficient privileges to complete the operation."
        return graph_error(call, 403, "Authorization_RequestDenied", message)
    return access_denied(call)


def note_habits(call: Call) -> None:
    """Write down what works and should not be relied on."""
    if not call.request.headers.get("User-Agent") and not call.inner:
        call.note("no-user-agent")
    if wants_immutable_ids(call):
        call.mailbox.knows_immutable_ids = True
    elif call.mailbox.knows_immutable_ids and "message" in call.values:
        call.note("lost-immutable-id-preference")

"""The help catalogue's Google part: what the token endpoint and the Gmail API answer, why, and what to do.

https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
https://developers.google.com/workspace/gmail/api/guides/handle-errors
"""

from __future__ import annotations

from providers.help_topic import CONNECT_AGAIN, KEYS, SERVER, Topic, topic

_DELEGATION = (
    "Google Workspace Admin → Security → Access and data control → API controls → Domain-wide Delegation"
)
_NEW_KEY = "Google Cloud Console → IAM & Admin → Service Accounts → the account → Keys → Add Key → JSON"

GOOGLE: tuple[Topic, ...] = (
    topic(
        "invalid-jwt-signature",
        "“Invalid JWT Signature” or “JWT assertion failed”",
        "The private key does not belong to the service account, was deleted or disabled, or is damaged.",
        f"Create a key anew ({_NEW_KEY}) and paste the whole file into the key.",
        KEYS,
        phrases=("invalid jwt signature", "jwt assertion failed", "invalid signature for token"),
    ),
    topic(
        "invalid-jwt-time",
        "“Invalid JWT: Token must be a short-lived token”",
        "This machine's clock is wrong by more than a few minutes.",
        "Synchronise the clock (NTP), then connect again.",
        CONNECT_AGAIN,
        phrases=("short-lived token", "check your iat and exp"),
    ),
    topic(
        "invalid-jwt-audience",
        "“Invalid JWT: Failed audience check”",
        "GOOGLE_TOKEN_URL points to something that is not Google's token endpoint.",
        "Remove GOOGLE_TOKEN_URL from the environment.",
        phrases=("failed audience check",),
    ),
    topic(
        "account-not-found",
        "“Invalid grant: account not found”",
        "Google knows no service account with this email: it is misspelt or was deleted.",
        "Compare the Service Account Email with Google Cloud Console → IAM & Admin → Service Accounts.",
        KEYS,
        phrases=("account not found",),
    ),
    topic(
        "user-not-found",
        "“User not found” or “Invalid email or User ID”",
        "The mailbox is no active user of the Workspace domain. Groups and aliases have no mailbox of their own.",
        "Check the spelling of the Google Email, and in Google Workspace Admin → Users that the user is active and"
        " not suspended.",
        SERVER,
        phrases=("not a valid email or user id", "invalid email or user id", "user not found"),
    ),
    topic(
        "invalid_grant",
        "Google refused the service account",
        "The key or the account was refused without a closer reason.",
        f"Create a key anew ({_NEW_KEY}) and paste the whole file into the key.",
        KEYS,
    ),
    topic(
        "unauthorized_client",
        "“Client is unauthorized to retrieve access tokens” or “unauthorized_client”",
        "Domain-wide delegation is not set up for this service account: not at all, under its email instead of its"
        " numeric Client ID, or without the scope that was asked for.",
        f"{_DELEGATION} → Manage: add the service account's numeric Client ID with the scopes shown beside the key."
        " It counts within minutes, at times only after 24 hours.",
        CONNECT_AGAIN,
        phrases=("client is unauthorized", "unauthorized client or scope"),
    ),
    topic(
        "delegation-denied",
        "“Delegation denied”",
        "The token opens another mailbox than the one that was asked for.",
        f"Check the Google Email, and under {_DELEGATION} that the numeric Client ID is this service account's.",
        CONNECT_AGAIN,
        phrases=("delegation denied",),
    ),
    topic(
        "access_denied",
        "An administrator's rule blocks the application",
        "Workspace's app access control, or a part of the delegation, forbids a scope that was asked for.",
        "Google Workspace Admin → Security → Access and data control → API controls → App access control: trust the"
        f" service account's Client ID; and compare the scopes under {_DELEGATION}.",
        CONNECT_AGAIN,
        also=("admin_policy_enforced",),
    ),
    topic(
        "invalid_scope",
        "“Invalid OAuth scope”",
        "A scope that was asked for does not exist.",
        "Connect again, so that the scopes are found out anew.",
        CONNECT_AGAIN,
    ),
    topic(
        "invalid_client",
        "The service account is disabled or deleted",
        "Google no longer accepts this client.",
        "Enable it in Google Cloud Console → IAM & Admin → Service Accounts, or use another account's key.",
        KEYS,
        also=("deleted_client", "disabled_client", "org_internal"),
    ),
    topic(
        "key-file",
        "The service account's key file cannot be read",
        "The file is cut off, changed, or another kind of file.",
        "The right one holds client_email and private_key. Paste the whole file, or the private key alone with the"
        f" service account's email. A new one: {_NEW_KEY}.",
        KEYS,
    ),
    topic(
        "mail-service-not-enabled",
        "“Mail service not enabled”",
        "The user exists, but has no Gmail: no licence, or Gmail is off for the organizational unit.",
        "Google Workspace Admin → Apps → Google Workspace → Gmail: switch it on for the user, and check the licence.",
        CONNECT_AGAIN,
        phrases=("mail service not enabled",),
    ),
    topic(
        "failedPrecondition",
        "“Precondition check failed”",
        "The mailbox cannot be opened in this user's name: no active Workspace user with Gmail, or the delegation"
        " is incomplete.",
        "Check that the user belongs to the domain, is active and has Gmail; and that the scopes are authorised for"
        f" the right numeric Client ID under {_DELEGATION}.",
        CONNECT_AGAIN,
        also=("FAILED_PRECONDITION",),
        phrases=("precondition check failed",),
    ),
    topic(
        "accessNotConfigured",
        "“Gmail API has not been enabled”",
        "The Gmail API is off in the Google Cloud project that owns the service account.",
        "Google Cloud Console → APIs & Services → Library → Gmail API → Enable, in that project. It takes minutes.",
        CONNECT_AGAIN,
        phrases=("gmail api has not been",),
    ),
    topic(
        "insufficientPermissions",
        "“Insufficient Permission”",
        "The scope for this is not authorised: gmail.send to send, gmail.modify to read and trash.",
        f"{_DELEGATION}: add the missing scope to the Client ID's entry, then connect again.",
        CONNECT_AGAIN,
        also=("ACCESS_TOKEN_SCOPE_INSUFFICIENT",),
        phrases=("insufficient permission", "insufficient authentication scopes"),
    ),
    topic(
        "gmail-trash-only",
        "Processed mail goes to Trash",
        "Gmail deletes for good only with the full mail scope; with gmail.modify a message goes to Trash, which"
        " Google empties after about 30 days.",
        f"Nothing, if Trash is enough. Otherwise add https://mail.google.com/ under {_DELEGATION} and connect again.",
        CONNECT_AGAIN,
    ),
    topic(
        "domainPolicy",
        "Gmail apps are disabled for the domain",
        "The domain's administrators do not let applications use Gmail.",
        "Ask them to allow it: Google Workspace Admin → Security → Access and data control → API controls.",
        CONNECT_AGAIN,
    ),
    topic(
        "mail-sending-limit",
        "The mailbox has reached its daily sending limit",
        "A Workspace user may send about 2,000 messages in 24 hours, a trial account 500, from all programs"
        " together.",
        "Sending goes on by itself at the time Google named. Lower the server's daily quota, or add another server.",
        SERVER,
        phrases=("(mail sending)",),
    ),
    topic(
        "rateLimitExceeded",
        "Google asks this mailbox to wait",
        "Too many requests for one mailbox in a minute, or too many at once.",
        "Nothing to do: work goes on when the time that Google named is over.",
        also=("userRateLimitExceeded", "quotaExceeded", "RESOURCE_EXHAUSTED", "rate_limit_exceeded"),
    ),
    topic(
        "dailyLimitExceeded",
        "The Google Cloud project has used up its quota",
        "The project that owns the service account has reached its daily number of requests.",
        "It opens again by itself. Google Cloud Console → APIs & Services → Gmail API → Quotas shows the use.",
    ),
    topic(
        "authError",
        "“Invalid Credentials”",
        "The access token has run out or was withdrawn.",
        "It is renewed by itself once. If this stays, check the key and connect again.",
        CONNECT_AGAIN,
        also=("UNAUTHENTICATED",),
    ),
    topic(
        "recipient-required",
        "“Recipient address required” or “Invalid To header”",
        "Gmail could not read the recipient's address.",
        "Correct the subscriber's address.",
        "Lists → the list → the subscriber",
        phrases=("recipient address required", "invalid to header"),
    ),
)

"""The help catalogue's Microsoft part: what Entra ID and Graph answer, why, and what to do.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from providers.help_topic import CONNECT_AGAIN, KEYS, SERVER, Topic, topic

_REGISTRATION = "Azure Portal → App registrations → your app"
_CONSENT = (
    f"Open {_REGISTRATION} → API permissions. Mail.Send, Mail.Read and Mail.ReadWrite must be listed as Application"
    " permissions; then choose “Grant admin consent” and see a green mark on each."
)

MICROSOFT: tuple[Topic, ...] = (
    topic(
        "AADSTS700016",
        "Application not found in the directory",
        "The Client ID or the Tenant ID is wrong, or the app is registered in another directory.",
        f"Compare both with {_REGISTRATION} → Overview: Application (client) ID and Directory (tenant) ID.",
        KEYS,
    ),
    topic(
        "AADSTS7000215",
        "Invalid client secret",
        "The secret was copied in part, belongs to another app, has run out, or its ID was pasted for its value.",
        f"Create a new secret under {_REGISTRATION} → Certificates & secrets, copy its Value (not the Secret ID) at"
        " once and save it in the key.",
        KEYS,
    ),
    topic(
        "AADSTS7000222",
        "The client secret has expired",
        "A client secret works for 24 months at most, and this one's time is over.",
        f"Create a new secret under {_REGISTRATION} → Certificates & secrets, save its Value in the key and enter"
        " its expiry date, so that a warning comes in time.",
        KEYS,
    ),
    topic(
        "AADSTS700024",
        "Client assertion is not within its valid time range",
        "This machine's clock is wrong; or the certificate or assertion that signs for the app is not valid now.",
        f"Synchronise the clock (NTP) first. If it is right, check the certificate's dates under {_REGISTRATION} →"
        " Certificates & secrets, or use a client secret.",
        KEYS,
    ),
    topic(
        "AADSTS700027",
        "Client assertion failed signature validation",
        "The certificate that signed is not the one registered for the app; or this machine's clock is wrong, which"
        " some tenants report by the same number.",
        f"Register the certificate in use under {_REGISTRATION} → Certificates & secrets, or use a client secret;"
        " and check that the clock is synchronised (NTP).",
        KEYS,
    ),
    topic(
        "AADSTS90002",
        "Tenant not found",
        "No directory has this Tenant ID, or it lives in another national cloud.",
        f"Copy the Directory (tenant) ID from {_REGISTRATION} → Overview. A directory of a national cloud needs that"
        " cloud's addresses in the settings.",
        KEYS,
        also=("AADSTS900023",),
    ),
    topic(
        "AADSTS90038",
        "The directory belongs to another national cloud",
        "This installation asks the global cloud; the directory is kept by a government or regional one.",
        "Set MICROSOFT_LOGIN_URL and MICROSOFT_GRAPH_URL to that cloud's addresses.",
    ),
    topic(
        "AADSTS9001023",
        "The tenant must be your own",
        "“common”, “organizations” and “consumers” are for people signing in, not for an application.",
        "Enter the Directory (tenant) ID itself.",
        KEYS,
    ),
    topic(
        "AADSTS7000112",
        "The application is disabled",
        "An administrator of the directory has switched this application off.",
        "Ask them to enable it: Entra ID → Enterprise applications → your app → Properties → Enabled for users to"
        " sign in.",
        KEYS,
    ),
    topic(
        "AADSTS7000218",
        "No client secret was sent",
        "The key has no secret.",
        "Enter the client secret's Value in the key.",
        KEYS,
        also=("AADSTS7000216",),
    ),
    topic(
        "AADSTS50012",
        "The client assertion or certificate is not valid",
        "The certificate has run out or is not the registered one.",
        f"Use a client secret, or register the certificate under {_REGISTRATION} → Certificates & secrets.",
        KEYS,
        also=("AADSTS50013",),
    ),
    topic(
        "AADSTS70011",
        "Microsoft Graph is not available to this application",
        "The scope that was asked for is not known in this directory: the Graph address is another cloud's, or the"
        " directory lacks Microsoft Graph.",
        "Check that MICROSOFT_LOGIN_URL and MICROSOFT_GRAPH_URL are of the same cloud.",
        also=("AADSTS1002012", "AADSTS500011"),
    ),
    topic(
        "AADSTS53003",
        "Blocked by Conditional Access",
        "A policy of the directory forbids this application to sign in from here.",
        "Ask the directory's administrator to exclude the application, or this machine's address, from the"
        " Conditional Access policy for workload identities.",
        CONNECT_AGAIN,
        also=("AADSTS530032",),
    ),
    topic(
        "AADSTS65001",
        "Consent is missing",
        "Nobody has consented to the application, or the consent belonged to a person and has ended.",
        _CONSENT,
        CONNECT_AGAIN,
        also=("AADSTS50034", "AADSTS70008", "AADSTS700082", "AADSTS50173", "AADSTS54005", "AADSTS50076")
        + ("AADSTS50079",),
    ),
    topic(
        "AADSTS90055",
        "Too many token requests",
        "The directory is being asked for tokens too often, by this or another application.",
        "Nothing to do: it is tried again by itself. If it lasts, look for a program with a wrong secret.",
    ),
    topic(
        "AADSTS90033",
        "Microsoft's sign-in service is busy",
        "A passing fault at Microsoft.",
        "Nothing to do: it is tried again by itself.",
        also=("AADSTS90006", "AADSTS90012", "AADSTS90024", "AADSTS90090"),
    ),
    topic(
        "AADSTS900144",
        "The token request was not understood",
        "A field of the key is empty or holds something else than it should.",
        "Enter Tenant ID, Client ID and secret Value once more.",
        KEYS,
        also=("AADSTS9002313", "AADSTS90013"),
    ),
    topic(
        "MailboxNotEnabledForRESTAPI",
        "No Microsoft 365 mailbox: “MailboxNotEnabledForRESTAPI” or “MailboxNotFound”",
        "The address has no licensed Exchange Online mailbox, or a new one that is not ready, or one on premises.",
        "Microsoft 365 admin center → Users → Active users → the user → Licenses: a licence with Exchange Online"
        " must be on. A new mailbox takes some minutes.",
        CONNECT_AGAIN,
        also=("MailboxNotFound", "ErrorNonExistentMailbox"),
    ),
    topic(
        "ErrorInvalidUser",
        "The mailbox address is unknown",
        "No user or shared mailbox of this directory has that address.",
        "Check the spelling of the Microsoft Email, and that the API key belongs to the same organization.",
        SERVER,
    ),
    topic(
        "ResourceNotFound",
        "The user exists, but has no mailbox",
        "The directory knows the name; Exchange Online does not.",
        "Give the user a licence with Exchange Online, or enter the address of a mailbox.",
        CONNECT_AGAIN,
        also=("Request_ResourceNotFound",),
    ),
    topic(
        "Authorization_RequestDenied",
        "Insufficient privileges: “Authorization_RequestDenied”",
        "The application permissions are missing, or nobody has granted admin consent.",
        f"{_CONSENT} A grant counts from the next token on.",
        CONNECT_AGAIN,
        also=("NoPermissionsInAccessToken",),
        phrases=("insufficient privileges",),
    ),
    topic(
        "ErrorAccessDenied",
        "Access to the mailbox is denied",
        "The permission for this (Mail.Send, Mail.Read or Mail.ReadWrite) is not granted, or an access policy of"
        " Exchange keeps the application out of this mailbox.",
        f"{_CONSENT} If they are there, the mailbox must be in the scope of the application access policy or of RBAC"
        " for Applications; a change there takes an hour or more.",
        CONNECT_AGAIN,
        also=("AccessDenied",),
    ),
    topic(
        "ErrorSendAsDenied",
        "The mailbox may not send from this address",
        "The message's From is another address than the mailbox's own.",
        "Send from the server's own email, or give the mailbox the “Send as” right for that address.",
        SERVER,
    ),
    topic(
        "InvalidAuthenticationToken",
        "The access token was not accepted",
        "It has run out, was withdrawn, or belongs to another cloud.",
        "It is renewed by itself once. If this stays, check the key and connect again.",
        CONNECT_AGAIN,
    ),
    topic(
        "ErrorExceededMessageLimit",
        "The mailbox has reached its sending limit",
        "Exchange takes a limited number of messages and recipients a day from one mailbox.",
        "Sending goes on by itself later. Lower the server's daily quota, or add another delivery server.",
        SERVER,
    ),
    topic(
        "ErrorQuotaExceeded",
        "The mailbox is full",
        "No space is left, or other programs have used up its named properties (“Cannot get ID from name”).",
        "Empty the mailbox, Deleted Items included, or raise its size in the Exchange admin center.",
        CONNECT_AGAIN,
    ),
    topic(
        "ErrorMessageSizeExceeded",
        "The message is too large",
        "It is larger than the organization's limit for one message.",
        "Use smaller attachments or links, or ask the Exchange administrator to raise the limit.",
        also=("RequestEntityTooLarge",),
    ),
    topic(
        "ErrorInvalidRecipients",
        "A recipient's address is not valid",
        "Exchange could not read one of the addresses.",
        "Correct the subscriber's address.",
        "Lists → the list → the subscriber",
        also=("ErrorExceededMaxRecipientLimit",),
    ),
    topic(
        "InvalidInternetMessageHeader",
        "A custom header is refused",
        "Through Graph's own message format, headers begin with “X-” and there may be five of them.",
        "Remove headers from the campaign until five are left, each beginning with “X-”.",
        "Campaigns → the campaign",
        also=("InvalidInternetMessageHeaderCollection",),
    ),
    topic(
        "ApplicationThrottled",
        "Microsoft asks this mailbox to wait",
        "Too many requests for one mailbox, by this or another application (10,000 in 10 minutes, 4 at once).",
        "Nothing to do: work goes on when the time that Microsoft named is over.",
        also=("TooManyRequests", "activityLimitReached"),
    ),
    topic(
        "syncStateNotFound",
        "The mailbox's resume point was lost",
        "Exchange keeps it for a limited time.",
        "Nothing to do: everything since the last message known is listed again.",
        also=("resyncRequired",),
    ),
)

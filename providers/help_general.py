"""The help catalogue's part for both providers: what goes wrong between the product, a person and the network."""

from __future__ import annotations

from providers.help_topic import CONNECT_AGAIN, KEYS, LOGS, SERVER, SETTINGS, Topic, topic

_RUN = "manage.py api_connect_cron --verbose"

GENERAL: tuple[Topic, ...] = (
    topic(
        "not-connected",
        "A server says “Not connected” after saving",
        "Its connection test failed: no token, no mailbox, or no right to send.",
        "Read the red step of the test, mend what it names, then choose Connect again.",
        CONNECT_AGAIN,
    ),
    topic(
        "bounces-not-processed",
        "Mail is sent, but bounces are not processed",
        "The cycle is not running, the right to read is missing (Mail.Read and Mail.ReadWrite, or gmail.modify), or"
        " no active bounce server watches the mailbox.",
        f"Run “{_RUN}” once and read what it says; then keep the worker and its schedule running, and connect the"
        " bounce server again.",
        "Bounce servers → the server → Connect again",
    ),
    topic(
        "no-campaign-match",
        "A bounce finds no campaign",
        "It answers a message that no campaign of this installation sent, or one older than the delivery log.",
        "Nothing, as a rule: only campaign mail is matched, and the bounce is logged without effect.",
        "Logs → Bounce log",
    ),
    topic(
        "conditions-not-matching",
        "A monitor's conditions do not match",
        "The text differs from the pattern, “match case” is on, the sender is no subscriber in the monitor's reach,"
        " or the monitor is not active. A lock alone stops nothing.",
        "Use the monitor's preview with the message; try “*” first, then narrow it. Check Identify Subscribers By,"
        " and that the status is Active.",
        "API Email Box Monitors → the monitor → Preview",
    ),
    topic(
        "server-type-missing",
        "A server type is not offered in the dropdown",
        "The provider is switched off, or the customer's group does not allow its server type.",
        "Enable the provider, and tick “Microsoft Graph API” or “Gmail API” in the group's allowed server types.",
        "Customers → Groups → the group → Servers",
    ),
    topic(
        "idle-run",
        "“No active tokens or monitors to process.”",
        "No mailbox is connected, or every server and monitor is inactive or waits for a person.",
        "Connect at least one mailbox and set its server or monitor to Active.",
        CONNECT_AGAIN,
    ),
    topic(
        "switched-off",
        "API Connect is switched off",
        "The master switch is off: nothing is sent and nothing is read.",
        "Switch it on.",
        SETTINGS,
    ),
    topic(
        "provider-off",
        "The provider is switched off",
        "Its servers rest; keys and tokens are kept.",
        "Enable the provider.",
        SETTINGS,
    ),
    topic(
        "token-stuck",
        "A token stays in “cron-running”",
        "The process that held it ended without a word.",
        f"Nothing: the next cycle takes it back. To have it now, run “{_RUN}”.",
    ),
    topic(
        "outcome-unknown",
        "Nobody can tell whether the message was sent",
        "The provider's answer was lost after the message had left.",
        "It is looked for in the mailbox by itself. If it stays unknown, look into Sent, then choose Release or"
        " Cancel.",
        "Logs → Delivery log",
    ),
    topic(
        "no-connection",
        "No connection to the provider",
        "This machine finds no way to it: name, route, firewall, proxy or certificate.",
        "Check the machine's network. It is tried again by itself.",
        LOGS,
    ),
    topic(
        "answer-lost",
        "The provider did not answer in time",
        "The connection broke off, or the answer took too long.",
        "Nothing to do: it is tried again by itself.",
        also=("slow-answer",),
    ),
    topic(
        "message-too-large",
        "The message is too large",
        "It is larger than the provider, or this installation, takes in one piece.",
        "Use smaller attachments, or links to files.",
        also=("answer-too-large", "http-413"),
    ),
    topic(
        "large-needs-draft",
        "The message is too large for this mailbox's rights",
        "Beyond about 2 MB Microsoft takes a message as a draft with uploads, which needs Mail.ReadWrite.",
        "Grant Mail.ReadWrite and connect again, or use smaller attachments.",
        CONNECT_AGAIN,
    ),
    topic(
        "foreign-link",
        "A link to another place was not followed",
        "An answer pointed outside the provider's own address; a token never goes there.",
        "If a proxy rewrites answers, exempt the provider from it.",
        LOGS,
    ),
    topic(
        "http-401",
        "The provider did not accept the access",
        "The access token is not, or no longer, valid.",
        "It is renewed by itself once. If this stays, check the key and connect again.",
        KEYS,
    ),
    topic(
        "http-403",
        "The provider does not allow this",
        "A permission, a scope or a policy is missing.",
        "Compare the permissions with those shown beside the key, then connect again.",
        CONNECT_AGAIN,
    ),
    topic(
        "http-404",
        "The provider does not find it",
        "It was moved or deleted meanwhile, or never existed.",
        "For a message: nothing. For a mailbox: check the address.",
        SERVER,
    ),
    topic(
        "http-429",
        "The provider asks to wait",
        "Too many requests in a short time.",
        "Nothing to do: work goes on when the time that it named is over.",
    ),
    topic(
        "http-4xx",
        "The provider refused the request",
        "It did not like something about this request or message.",
        "Read its own words in the log; with its request id, the provider's support can say more.",
        LOGS,
    ),
    topic(
        "http-5xx",
        "The provider has trouble of its own",
        "A passing fault on its side.",
        "Nothing to do: it is tried again by itself.",
    ),
)

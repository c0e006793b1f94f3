"""What an enhanced status code says on its own (RFC 3463, RFC 5248 and vendors' codes)."""

from __future__ import annotations

from mail.detection.reasons import REASONS, Reason

# Detail of a permanent code (5.X.Y) → reason, source. Codes that say nothing are absent.
PERMANENT: dict[str, tuple[str, str]] = {
    "1.0": ("no-mailbox", "RFC 3463: other address status"),
    "1.1": ("no-mailbox", "RFC 3463: bad destination mailbox address"),
    "1.2": ("no-domain", "RFC 3463: bad destination system address"),
    "1.3": ("no-mailbox", "RFC 3463: bad destination mailbox address syntax"),
    "1.6": ("moved", "RFC 3463: mailbox has moved, no forwarding address"),
    "1.7": ("sender-rejected", "RFC 3463: bad sender's mailbox address syntax"),
    "1.8": ("sender-limit", "RFC 3463: bad sender's system address; Exchange Online: outbound spam block"),
    "1.10": ("null-mx", "RFC 7505: recipient address has null MX; Exchange Online: recipient not found"),
    "1.20": ("content", "Exchange Online: multiple From addresses"),
    "1.90": ("sender-limit", "Exchange Online: recipient limit of the sender"),
    "1.350": ("no-mailbox", "Exchange Online: remote server says no such user"),
    "1.351": ("no-mailbox", "Exchange Online: remote server returned unknown recipient"),
    "2.0": ("", "RFC 3463: other mailbox status"),
    "2.1": ("disabled", "RFC 3463: mailbox disabled, not accepting messages"),
    "2.2": ("full", "RFC 3463: mailbox full"),
    "2.3": ("too-big", "RFC 3463: message length exceeds administrative limit"),
    "2.4": ("system", "RFC 3463: mailing list expansion problem"),
    "3.1": ("system", "RFC 3463: mail system full"),
    "3.4": ("too-big", "RFC 3463: message too big for system"),
    "4.1": ("network", "RFC 3463: no answer from host"),
    "4.2": ("network", "RFC 3463: bad connection"),
    "4.3": ("dns-trouble", "RFC 3463: directory server failure"),
    "4.5": ("sender-limit", "Gmail: daily sending limit"),
    "4.6": ("loop", "RFC 3463: routing loop detected"),
    "4.7": ("expired", "RFC 3463: delivery time expired"),
    "4.14": ("loop", "Exchange: hop count exceeded"),
    "4.300": ("expired", "Exchange Online: message expired"),
    "4.310": ("no-domain", "Exchange Online: DNS domain does not exist"),
    "4.312": ("dns-trouble", "Exchange Online: DNS query failed"),
    "4.316": ("expired", "Exchange Online: message expired, connection refused"),
    "4.317": ("tls", "Exchange Online: message expired, cannot connect"),
    "4.318": ("expired", "Exchange Online: message expired, connection reset"),
    "5.2": ("syntax", "RFC 3463: syntax error"),
    "5.3": ("reputation", "RFC 3463: too many recipients"),
    "5.4": ("syntax", "RFC 3463: invalid command arguments"),
    "7.4": ("tls", "RFC 3463: security features not supported"),
    "7.5": ("tls", "RFC 3463: cryptographic failure"),
    "7.10": ("tls", "RFC 5248: encryption needed"),
    "7.13": ("disabled", "RFC 5248: user account disabled"),
    "7.17": ("moved", "RFC 7293: mailbox owner has changed"),
    "7.18": ("moved", "RFC 7293: domain owner has changed"),
    "7.20": ("authentication", "RFC 7372: no passing DKIM signature found"),
    "7.21": ("authentication", "RFC 7372: no acceptable DKIM signature found"),
    "7.22": ("authentication", "RFC 7372: no valid author-matched DKIM signature"),
    "7.23": ("authentication", "RFC 7372: SPF validation failed"),
    "7.24": ("authentication", "RFC 7372: SPF validation error"),
    "7.25": ("ptr", "RFC 7372: reverse DNS validation failed"),
    "7.26": ("authentication", "RFC 7372: multiple authentication checks failed"),
    "7.27": ("sender-rejected", "RFC 7505: sender address has null MX"),
    "7.28": ("reputation", "RFC 9228: mail flood detected"),
    "7.29": ("authentication", "RFC 8616: ARC validation failure"),
    "7.30": ("tls", "RFC 8689: REQUIRETLS support required"),
    "7.232": ("sender-limit", "Exchange Online: tenant limit for trial accounts"),
    "7.233": ("sender-limit", "Exchange Online: tenant external recipient rate limit"),
    "7.234": ("sender-limit", "Exchange Online: tenant not allowed to send"),
    "7.236": ("sender-limit", "Exchange Online: limit of onmicrosoft.com domains"),
    "7.501": ("sender-limit", "Exchange Online: spam abuse detected from the account"),
    "7.502": ("sender-limit", "Exchange Online: banned sender"),
    "7.503": ("sender-limit", "Exchange Online: sender banned after repeated spam"),
    "7.508": ("reputation", "Exchange Online: sending rate of the IP address"),
    "7.509": ("authentication", "Exchange Online: DMARC"),
    "7.515": ("authentication", "Exchange Online: required authentication level"),
    "7.705": ("sender-limit", "Exchange Online: tenant exceeded its threshold"),
    "7.708": ("sender-limit", "Exchange Online: traffic not accepted from this address"),
    "7.750": ("sender-limit", "Exchange Online: mail from unregistered domain"),
}

# Subject of any code (X.S.n) → reason where the detail is unknown.
SUBJECTS: dict[str, str] = {"6": "content", "7": "policy"}

# Reply codes that decide where there is neither a phrase nor a status code (RFC 5321, RFC 7504).
REPLIES: dict[str, tuple[str, str]] = {
    "521": ("blocklist", "RFC 7504: host does not accept mail; in practice a refusal of the sending host"),
    "556": ("null-mx", "RFC 7504: domain does not accept mail"),
    "525": ("disabled", "Dovecot, appliances: user account disabled"),
    "552": ("full", "RFC 5321: exceeded storage allocation"),
    "535": ("relaying", "RFC 4954: credentials invalid"),
    "530": ("relaying", "RFC 4954: authentication required"),
    "523": ("too-big", "RFC 4954: message too long"),
    "554": ("policy", "RFC 5321: transaction failed; no word about the recipient"),
    "452": ("system", "RFC 5321: insufficient system storage"),
}

# A transient code never proves a recipient gone: these details are read differently in 4.X.Y.
TRANSIENT_ONLY_SOFT = frozenset({"no-mailbox", "no-domain", "null-mx", "moved", "disabled"})


def reason_of_status(status: str) -> tuple[Reason, str] | None:
    """The reason an enhanced status code names, with its source; None where it names none."""
    kind, _, detail = status.partition(".")
    name, source = PERMANENT.get(detail, ("", ""))
    if not name:
        name = SUBJECTS.get(detail.partition(".")[0], "")
        source = "RFC 3463: subject"
    if kind == "4" and name in TRANSIENT_ONLY_SOFT:
        name, source = "system", "RFC 3463: transient"
    if kind == "4" and detail in ("7.0", "7.1"):
        name = "policy"
    return (REASONS[name], source) if name else None


def reason_of_reply(reply: str) -> tuple[Reason, str] | None:
    """The reason a bare SMTP reply code names, with its source; None where it names none."""
    name, source = REPLIES.get(reply, ("", ""))
    return (REASONS[name], source) if name else None

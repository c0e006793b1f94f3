"""The internet outside: addresses that refuse, delay or complain, told by their local part."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Refusal:
    """How a receiving server refuses. `reply` is its SMTP answer; `{address}` and `{domain}` are filled in."""

    status: str
    reply: str
    title: str
    reason: str
    action: Literal["failed", "delayed"] = "failed"

    def diagnostic(self, address: str) -> str:
        return self.reply.format(address=address, domain=address.rpartition("@")[2])

    def explanation(self, address: str) -> str:
        return self.reason.format(address=address, domain=address.rpartition("@")[2])


REFUSALS: dict[str, Refusal] = {
    "unknown-user": Refusal(
        "5.1.1",
        "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table",
        "Address not found",
        "the address couldn't be found, or is unable to receive mail.",
    ),
    "disabled": Refusal(
        "5.2.1",
        "550 5.2.1 The email account that you tried to reach is disabled.",
        "Address not found",
        "the account of the recipient is disabled.",
    ),
    "no-such-domain": Refusal(
        "5.1.2",
        "550 5.1.2 DNS type 'mx' lookup of {domain} responded with code NXDOMAIN; domain not found",
        "Address not found",
        "the domain {domain} couldn't be found. Check for typos or unnecessary spaces and try again.",
    ),
    "mailbox-full": Refusal(
        "5.2.2",
        "552 5.2.2 <{address}>: Mailbox is full, quota exceeded; try again later",
        "Recipient inbox full",
        "the recipient's inbox is full, or it's getting too much mail right now.",
    ),
    "too-large": Refusal(
        "5.3.4",
        "552 5.3.4 Message size exceeds fixed maximum message size",
        "Message too large",
        "the message exceeded the size that the recipient's server accepts.",
    ),
    "timeout": Refusal(
        "4.4.7",
        "451 4.4.7 Message delayed too long; the connection to the remote server timed out",
        "Message not delivered",
        "there was a problem delivering your message for several days; we gave up.",
    ),
    "blocked": Refusal(
        "5.7.1",
        "550 5.7.1 Message rejected due to local policy: the sending host is blocked using a blocklist",
        "Message blocked",
        "the recipient's server refused it by its policy.",
    ),
    "spam": Refusal(
        "5.7.1",
        "554 5.7.1 Message rejected as spam by content scanner",
        "Message blocked",
        "the recipient's server took it for spam.",
    ),
    "delayed": Refusal(
        "4.4.1",
        "451 4.4.1 The recipient's server at {domain} did not answer; we will keep trying",
        "Delivery incomplete",
        "There was a temporary problem while delivering your message. We will retry for 46 more hours.",
        "delayed",
    ),
}

# Faults of the sender or its tenant: the address is innocent.
SENDER_FAULTS: dict[str, Refusal] = {
    "tenant-limit": Refusal(
        "5.7.233",
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending "
        "email to external recipients (tenant external recipient rate limit)",
        "Message not sent",
        "your organization has exceeded its daily limit of external recipients.",
    ),
    "daily-limit": Refusal(
        "5.4.5",
        "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to "
        "https://support.google.com/a/answer/166852",
        "Message not sent",
        "you have reached a limit for sending mail. Your message was not sent.",
    ),
    "blocked-account": Refusal(
        "5.1.8",
        "550 5.1.8 Access denied, bad outbound sender AS(42004)",
        "Message not sent",
        "you weren't recognized as a valid sender: your account is suspected of sending spam.",
    ),
    "recipient-rate": Refusal(
        "5.1.90",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
        "Message not sent",
        "you've reached your daily limit for message recipients.",
    ),
}


def local_part(address: str) -> str:
    """Without its `+suffix`, in lower case."""
    return address.rpartition("@")[0].partition("+")[0].lower()

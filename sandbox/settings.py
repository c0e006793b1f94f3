"""What a test may switch: of the whole sandbox (`Limits`) and of one mailbox (`MailboxSettings`)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar

MessageIdPolicy = Literal["preserve", "rewrite-on-send", "rewrite-on-draft"]
SenderFault = Literal["tenant-limit", "daily-limit", "blocked-account", "recipient-rate"]


@dataclass(frozen=True)
class MailboxSettings:
    """Behaviour of one mailbox. The defaults are the ones that no client may rely on by luck."""

    message_id: MessageIdPolicy = "rewrite-on-send"  # Graph; Gmail always rewrites
    sent_lag_seconds: float = 0.0  # Graph: how long a submitted item stays in Drafts
    files_sent: bool = True  # False: the copy never appears in Sent
    drops_new_headers: bool = False  # Graph, MIME form: X- headers never used in this mailbox are lost
    keeps_from: bool = False  # Graph: SendFromAliasEnabled; an own alias in From is kept
    junk_incoming: bool = False  # everything that arrives is filed as junk
    junk_reports: bool = False  # bounces alone are filed as junk
    delete_to: Literal["deleteditems", "recoverable"] = "deleteditems"  # Graph DELETE
    delta_repeats: bool = False  # Graph: a delta round with news repeats the row before them
    index_lag_seconds: float = 0.0  # how long a search (q, $search) does not know a message
    sender_fault: SenderFault | None = None  # accepted, then bounced for the sender's own fault
    messages_per_minute: int | None = None  # Graph: excess is answered 202 and sent later
    messages_per_day: int | None = None  # Gmail; None takes the limit of the sandbox


@dataclass(frozen=True)
class Limits:
    """Limits of the providers as published in 2026; None switches one off."""

    graph_concurrency: int | None = 4
    graph_requests: int | None = 10_000  # per app and mailbox in ten minutes
    graph_recipients_per_day: int | None = 10_000
    graph_request_bytes: int = 4 * 1024 * 1024
    gmail_concurrency: int | None = 50
    gmail_units_per_minute: int | None = 6_000
    gmail_costs: Literal["2026", "before-2026"] = "2026"
    gmail_messages_per_day: int | None = 2_000
    gmail_message_bytes: int = 36_700_160
    graph_token_seconds: int = 3599
    google_token_seconds: int = 3599
    latency_ms: float = 0.0  # added to every request, outside every lock
    report_delay_seconds: float = 0.0  # until a bounce or a reply arrives


S = TypeVar("S", MailboxSettings, Limits)


def changed(settings: S, changes: Mapping[str, Any]) -> S:
    """A copy with other values; raises ValueError naming every unknown switch."""
    known = {field.name for field in fields(settings)}
    if unknown := sorted(set(changes) - known):
        raise ValueError(f"Unknown settings {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    return replace(settings, **changes)

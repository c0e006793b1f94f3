"""What a monitor, saved or still being edited, would do: the live function, run and rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from keys.tokens import with_access
from mail.parsing import UnreadableMail
from mailboxes.collecting import FOLDERS
from monitors.deciding import Decision, Incoming, cause_of, read_message, run_monitor
from monitors.models import Condition, Monitor
from providers.base import MailProvider
from providers.messages import AccessToken, MessageRef, RawMessage, Start, StartKind

RECENT = timedelta(days=3)
LISTED = 200
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Previewed:
    """One message and what would come of it; `problem` where it cannot be read."""

    sender: str
    subject: str
    received_at: datetime | None
    decision: Decision | None
    problem: str = ""


def preview_mail(monitor: Monitor, conditions: Sequence[Condition], raw: bytes, now: datetime) -> Previewed:
    """What would come of one pasted or fetched message. Changes nothing."""
    try:
        incoming = read_message(raw)
    except UnreadableMail as error:
        return Previewed("", "", None, None, str(error))
    decision = _rehearse(monitor, conditions, incoming, now)
    return Previewed(incoming.mail.sender, incoming.mail.subject, incoming.mail.date, decision)


def _rehearse(
    monitor: Monitor, conditions: Sequence[Condition], incoming: Incoming, now: datetime
) -> Decision:
    with transaction.atomic():
        decision = run_monitor(
            monitor, conditions, incoming, lambda _decision: cause_of(monitor, incoming), now
        )
        transaction.set_rollback(True)
    return decision


def preview_mailbox(monitor: Monitor, conditions: Sequence[Condition], now: datetime) -> list[Previewed]:
    """The same for the mailbox's newest messages, with the monitor's own key. Raises ProviderError.

    Reads only: neither the unread flag nor the cursor nor the ledger changes.
    """
    messages = with_access(
        customer_id=monitor.customer_id,
        email=monitor.email,
        api_key=monitor.api_key,
        now=now,
        call=lambda provider, token: _newest(provider, token, now),
    )
    return [_preview_fetched(monitor, conditions, message, now) for message in messages]


def _newest(provider: MailProvider, token: AccessToken, now: datetime) -> list[RawMessage]:
    start = Start(StartKind.DATE, now - RECENT)
    news = provider.new_messages(token, FOLDERS, None, start=start, since=None, budget=LISTED)
    newest = sorted(news.refs, key=lambda ref: ref.received_at or now, reverse=True)[:SHOWN]
    fetched = {message.ref.id: message for message in provider.fetch(token, newest)}
    return [fetched[ref.id] for ref in newest if ref.id in fetched and not fetched[ref.id].gone]


def _preview_fetched(
    monitor: Monitor, conditions: Sequence[Condition], message: RawMessage, now: datetime
) -> Previewed:
    ref: MessageRef = message.ref
    if message.raw:
        shown = preview_mail(monitor, conditions, message.raw, now)
        return Previewed(
            shown.sender or ref.sender,
            shown.subject or ref.subject,
            ref.received_at or shown.received_at,
            shown.decision,
            shown.problem,
        )
    problem = message.error.message if message.error else "The message is empty."
    return Previewed(ref.sender, ref.subject, ref.received_at, None, problem)

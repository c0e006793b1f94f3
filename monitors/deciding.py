"""One message, one monitor: what it decides and what comes of it. Live and preview both call `run_monitor`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audience.changes import Cause, Outcome
from audience.models import Change, Subscriber
from mail.detection import detect
from mail.parsing import ParsedMail, parse
from mail.replies import reply_text
from monitors.actions import perform
from monitors.conditions import MessageText, explain, first_match
from monitors.identifying import Identified, identify
from monitors.models import Condition, Monitor

NOT_LOOKED_AT = "left out"
NO_CONDITION = "no condition matched"
NOBODY = "no such subscriber"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as monitors see it: parsed, the reply alone, and why it is automatic ("" where it is not)."""

    mail: ParsedMail
    text: MessageText
    automatic: str


def read_message(raw: bytes) -> Incoming:
    """Raises UnreadableMail."""
    mail = parse(raw)
    text = MessageText(mail.subject, reply_text(mail.plain), mail.sender)
    return Incoming(mail, text, _why_automatic(raw, mail))


def _why_automatic(raw: bytes, mail: ParsedMail) -> str:
    if detect(raw):
        return "a bounce or complaint"
    if mail.list_mail:
        return "mail of a list"
    return "an automatic message" if mail.is_automatic else ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the action did, or would do, to one subscriber."""

    subscriber: Subscriber
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Decision:
    """What a monitor makes of a message: the condition that wins, why, whom it finds, what comes of it."""

    condition: Condition | None = None
    reason: str = ""
    identified: Identified = Identified()
    effects: tuple[Effect, ...] = ()

    @property
    def changed(self) -> bool:
        return any(effect.outcome.changed for effect in self.effects)

    @property
    def outcome(self) -> str:
        """In a word or two, for the log."""
        if self.condition is None:
            return self.reason
        if not self.effects:
            return NOBODY
        return "; ".join(dict.fromkeys(effect.outcome.text for effect in self.effects))


def decide(monitor: Monitor, conditions: Sequence[Condition], incoming: Incoming) -> Decision:
    """Which condition wins and whom it concerns; changes nothing."""
    if monitor.skip_automatic and incoming.automatic:
        return Decision(reason=f"{NOT_LOOKED_AT}: {incoming.automatic}")
    condition = first_match(conditions, incoming.text)
    if condition is None:
        return Decision(reason=NO_CONDITION)
    return Decision(condition, explain(condition, incoming.text), identify(monitor, incoming.mail))


def run_monitor(
    monitor: Monitor,
    conditions: Sequence[Condition],
    incoming: Incoming,
    cause_for: Callable[[Decision], Cause],
    now: datetime,
) -> Decision:
    """Decide and act, inside the caller's transaction; a preview rolls it back.

    `cause_for` is asked for the journal's cause once a condition has won.
    """
    decision = decide(monitor, conditions, incoming)
    if decision.condition is None:
        return decision
    cause = cause_for(decision)
    effects = tuple(
        Effect(subscriber, perform(subscriber, decision.condition, cause, now))
        for subscriber in decision.identified.subscribers
    )
    return replace(decision, effects=effects)


def cause_of(monitor: Monitor, incoming: Incoming) -> Cause:
    """The journal's cause; the live path adds the hit's number and the message's batch."""
    return Cause(Change.Cause.MONITOR, text=f"monitor “{monitor.name}”, mail from {incoming.mail.sender}")

"""Handling a mailbox's messages for its monitors: each acts for its own customer, the first match wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audience.changes import Cause
from mailboxes.handling import Verdict
from mailboxes.models import MessageMatch, ProcessedMessage
from mailboxes.wishes import anybodys_wishes
from monitors.deciding import Decision, Incoming, cause_of, read_message, run_monitor
from monitors.models import Monitor, MonitorHit


@dataclass
class MonitorHandler:
    """A mailbox's messages for its monitors, conditions loaded."""

    monitors: Sequence[Monitor]
    now: datetime

    def understand(self, raw: bytes) -> Incoming:
        return read_message(raw)

    def act(self, row: ProcessedMessage, meaning: Incoming, raw: bytes) -> Verdict:
        """Every monitor looks at the message; of those that did something, the strongest wish decides over it."""
        decisions = [(monitor, self._run(monitor, row, meaning)) for monitor in self.monitors]
        acted = [(monitor, decision) for monitor, decision in decisions if decision.condition]
        return Verdict(
            outcome="acted" if acted else "left alone",
            detail="\n".join(f"{monitor}: {decision.outcome}" for monitor, decision in decisions),
            matched=any(decision.effects for _, decision in acted),
            unmatched=""
            if acted
            else "; ".join(dict.fromkeys(decision.outcome for _, decision in decisions)),
            wishes=anybodys_wishes([monitor for monitor, decision in acted if decision.effects]),
        )

    def _run(self, monitor: Monitor, row: ProcessedMessage, incoming: Incoming) -> Decision:
        hits: list[MonitorHit] = []

        def cause_for(decision: Decision) -> Cause:
            hits.append(_hit(monitor, row, decision, self.now))
            return replace(cause_of(monitor, incoming), id=str(hits[0].pk), batch=row.batch)

        decision = run_monitor(monitor, list(monitor.conditions.all()), incoming, cause_for, self.now)
        for hit in hits:
            hit.outcome, hit.changed = decision.outcome[:250], decision.changed
            hit.save(update_fields=["outcome", "changed"])
            _show_to_customers(row, monitor, decision, self.now)
        if decision.condition and decision.identified.delivery is not None:
            decision.identified.delivery.record_proof_of_sending(self.now)
        return decision


def _hit(monitor: Monitor, row: ProcessedMessage, decision: Decision, now: datetime) -> MonitorHit:
    """The row that the journal's cause points to; its outcome follows."""
    subscribers = decision.identified.subscribers
    return MonitorHit.objects.create(
        monitor=monitor,
        customer=monitor.customer,
        message=row,
        condition_text=str(decision.condition)[:600],
        action=decision.condition.action if decision.condition else "",
        subscriber=subscribers[0] if subscribers else None,
        subscriber_email=subscribers[0].email if subscribers else "",
        identified_by=decision.identified.by,
        at=now,
    )


def _show_to_customers(row: ProcessedMessage, monitor: Monitor, decision: Decision, now: datetime) -> None:
    """The customers of the subscribers; where nobody was found, whoever's condition matched."""
    owners = {effect.subscriber.customer_id for effect in decision.effects}
    if not owners and monitor.customer_id is not None:
        owners = {monitor.customer_id}
    MessageMatch.objects.bulk_create(
        MessageMatch(message=row, customer_id=owner, summary=decision.outcome[:250], at=now)
        for owner in sorted(owners)
    )

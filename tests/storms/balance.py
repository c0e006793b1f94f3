"""The books after a storm: what the sandbox saw leave and sent back, against every row that the product keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.graph.mailbox import GraphMailbox
from sandbox.world import World
from tests.storms.scene import Scene, kind_of

Query = Callable[[str], list[tuple[Any, ...]]]

# Nothing of this may be left when all is quiet: name, and what counts it.
LEFT_OVER = {
    "campaigns unfinished": "SELECT count(*) FROM campaigns_campaign WHERE status <> 'sent'",
    "deliveries undecided": "SELECT count(*) FROM campaigns_delivery "
    "WHERE status NOT IN ('sent', 'bounced', 'failed', 'skipped')",
    "attempts open": "SELECT count(*) FROM campaigns_attempt WHERE finished_at IS NULL",
    "messages pending": "SELECT count(*) FROM mailboxes_processedmessage WHERE state = 'pending'",
    "messages set aside": "SELECT count(*) FROM mailboxes_processedmessage WHERE state = 'quarantined'",
    "servers in trouble": "SELECT count(*) FROM servers_deliveryserver WHERE last_error <> ''",
}
# Somebody works on it just now, or died over it: nothing of this may be left when everybody is at rest.
HELD = {
    "mailboxes being sent from": "SELECT count(*) FROM mailboxes_mailbox WHERE sending_until IS NOT NULL",
    "mailboxes being read": "SELECT count(*) FROM mailboxes_mailbox WHERE reading_until IS NOT NULL",
    "mailboxes “running”": "SELECT count(*) FROM mailboxes_mailbox WHERE sync_state = 'running'",
    "tokens being renewed": "SELECT count(*) FROM keys_token WHERE renewing_until IS NOT NULL",
    "phase items held": "SELECT count(*) FROM operations_phaseitem WHERE work_until IS NOT NULL",
    "cycles unfinished": "SELECT count(*) FROM operations_cycle WHERE finished_at IS NULL",
}


@dataclass
class Balance:
    """The tally, and every difference in words; no differences: the promise held."""

    messages: int = 0
    sent: int = 0
    duplicates: int = 0
    losses: int = 0
    settled: int = 0
    bounces: int = 0
    bounces_handled: int = 0
    bounces_lost: int = 0
    replies: int = 0
    replies_handled: int = 0
    replies_lost: int = 0
    effects_twice: int = 0
    left_over: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    @property
    def is_even(self) -> bool:
        return not self.differences

    def lines(self) -> list[str]:
        """The tally as it is printed, the differences below it."""
        left = ", ".join(f"{count} {name}" for name, count in self.left_over.items()) or "nothing"
        return [
            f"messages        {self.messages:>7}  sent {self.sent}, duplicates {self.duplicates}, "
            f"losses {self.losses}",
            f"bounces         {self.bounces:>7}  handled {self.bounces_handled}, lost {self.bounces_lost}",
            f"replies         {self.replies:>7}  handled {self.replies_handled}, lost {self.replies_lost}",
            f"effects twice   {self.effects_twice:>7}",
            f"unknown settled {self.settled:>7}",
            f"left over       {left:>7}",
            *(f"  - {difference}" for difference in self.differences[:20]),
        ]


def take_balance(query: Query, world: World, scene: Scene) -> Balance:
    """Compare every book with every other one. Reads only."""
    balance, addresses = Balance(), scene.all_addresses()
    balance.messages = len(addresses)
    _count_sendings(balance, query, world, addresses)
    _count_bounces(balance, query, addresses)
    _count_replies(balance, query, addresses)
    _count_effects(balance, query, addresses)
    _count_left_over(balance, query, world)
    return balance


def held(query: Query) -> list[str]:
    """What is under way, in words."""
    counts = {name: query(statement)[0][0] for name, statement in HELD.items()}
    return [f"{count} {name}" for name, count in counts.items() if count]


def _count_sendings(balance: Balance, query: Query, world: World, addresses: list[str]) -> None:
    with world.lock:
        copies = [(copy.token, copy.recipient) for copy in world.ledger.copies if copy.token]
    by_recipient = Counter(recipient for _, recipient in copies)
    rows = query("SELECT recipient, token, status FROM campaigns_delivery")
    by_row = Counter(recipient for recipient, _, _ in rows)
    known = {(token, recipient) for recipient, token, _ in rows}
    balance.sent = len(by_recipient)
    balance.duplicates = sum(count - 1 for count in by_recipient.values())
    balance.losses = sum(address not in by_recipient for address in addresses)
    balance.settled = query("SELECT count(*) FROM campaigns_attempt WHERE outcome IN ('settled', 'absent')")[
        0
    ][0]
    _differ(balance, "was sent twice", (name for name, count in by_recipient.items() if count > 1))
    _differ(balance, "was never sent", (name for name in addresses if name not in by_recipient))
    _differ(balance, "has not exactly one delivery", (name for name in addresses if by_row[name] != 1))
    _differ(
        balance,
        "left with a token of no delivery",
        (name for token, name in copies if (token, name) not in known),
    )
    odd = (f"{name} ({status})" for name, _, status in rows if status != kind_of(name).delivery)
    _differ(balance, "is not what its message became", odd)


def _count_bounces(balance: Balance, query: Query, addresses: list[str]) -> None:
    expected = {name: kind_of(name).bounce for name in addresses if kind_of(name).bounce}
    rows = query("SELECT recipient, type, delivery_id FROM bounces_bounce")
    found = Counter(recipient for recipient, _, _ in rows)
    right = {name for name, kind, delivery in rows if expected.get(name) == kind and delivery is not None}
    balance.bounces, balance.bounces_handled = len(expected), len(right)
    balance.bounces_lost = len(expected) - len(right)
    balance.effects_twice += sum(count - 1 for count in found.values())
    _differ(balance, "bounced and is not in the bounce log", (name for name in expected if name not in right))
    _differ(balance, "is in the bounce log twice", (name for name, count in found.items() if count > 1))
    _differ(
        balance, "is in the bounce log and never bounced", (name for name in found if name not in expected)
    )


def _count_replies(balance: Balance, query: Query, addresses: list[str]) -> None:
    expected = {name for name in addresses if kind_of(name).by_monitor}
    rows = query("SELECT subscriber_email FROM monitors_monitorhit WHERE condition_text <> ''")
    found = Counter(name for (name,) in rows)
    balance.replies, balance.replies_handled = len(expected), len(expected & set(found))
    balance.replies_lost = len(expected - set(found))
    balance.effects_twice += sum(count - 1 for count in found.values())
    _differ(balance, "answered and no monitor acted", expected - set(found))
    _differ(balance, "was acted on twice", (name for name, count in found.items() if count > 1))


def _count_effects(balance: Balance, query: Query, addresses: list[str]) -> None:
    """Each subscriber as its answer makes it, by one entry of the journal, not two."""
    rows = query(
        "SELECT s.email, s.status FROM audience_subscriber s JOIN audience_mailinglist l ON l.id = s.list_id "
        "WHERE l.name = 'Readers'"
    )
    status: dict[str, str] = dict(rows)
    _differ(
        balance,
        "is not as its answer makes a subscriber",
        (
            f"{name} ({status.get(name)})"
            for name in addresses
            if status.get(name) != kind_of(name).subscriber
        ),
    )
    changes = Counter(
        name
        for (name,) in query(
            "SELECT email FROM audience_change WHERE customer_id IS NOT NULL AND action NOT IN ('subscribe', 'copy')"
        )
    )
    twice = [name for name, count in changes.items() if count > kind_of(name).changes]
    balance.effects_twice += len(twice)
    _differ(balance, "was changed more than once", twice)
    _differ(
        balance,
        "was changed without a trace",
        (name for name in addresses if changes[name] < kind_of(name).changes),
    )


def _count_left_over(balance: Balance, query: Query, world: World) -> None:
    for name, statement in LEFT_OVER.items():
        if count := query(statement)[0][0]:
            balance.left_over[name] = count
    with world.lock:
        boxes = {id(box): box for box in world.mailboxes.values() if isinstance(box, GraphMailbox)}
        drafts = sum(len(box.in_folder("drafts")) for box in boxes.values())
    if drafts:
        balance.left_over["drafts at the provider"] = drafts
    balance.differences += [f"{count} {name}" for name, count in balance.left_over.items()]


def _differ(balance: Balance, what: str, names: Iterable[str]) -> None:
    found = sorted(names)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        balance.differences.append(f"{len(found)} × {what}: {', '.join(found[:3])}{more}")

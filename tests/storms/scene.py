"""What a storm is about: two customers, mailboxes at both providers, lists whose addresses answer in known ways."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.sandboxing import MICROSOFT_CREDENTIALS, google_credentials

CUSTOMERS = ("acme", "rival")
PROVIDERS = ("microsoft", "google")
SERVER_TYPES = {"microsoft": "microsoft-graph-api", "google": "gmail-api"}


@dataclass(frozen=True)
class Kind:
    """What becomes of the message to an address of this kind, and of the subscriber behind it."""

    share: int
    delivery: str = "sent"
    subscriber: str = "confirmed"
    bounce: str = ""
    by_monitor: bool = False

    @property
    def changes(self) -> int:
        """Entries in the journal, beside the one that subscribed it."""
        return int(self.subscriber != "confirmed")


# By the local part, which the sandbox's outside goes by.
KINDS = {
    "reader": Kind(84),
    "unknown-user": Kind(4, "bounced", "blacklisted", "hard"),
    "mailbox-full": Kind(3, "bounced", "confirmed", "soft"),
    "complaint": Kind(3, "sent", "unsubscribed", "complaint"),
    "reply-unsubscribe": Kind(3, "sent", "unsubscribed", "", by_monitor=True),
    "reply-wrong-person": Kind(2, "sent", "moved", "", by_monitor=True),
    "vacation": Kind(1),
}


def kind_of(address: str) -> Kind:
    return KINDS[address.partition("+")[0]]


@dataclass(frozen=True)
class Scene:
    """`mailboxes` for each customer and provider; `subscribers` in all, half of them each customer's."""

    subscribers: int
    mailboxes: int = 1
    seed: int = 1
    name: str = "storm"

    def addresses(self, customer: str) -> Iterator[str]:
        """The same for the same seed; at least one of each kind for each customer."""
        dice = random.Random(f"{self.seed} {customer}")
        names, shares = list(KINDS), [kind.share for kind in KINDS.values()]
        for number in range(self.subscribers // len(CUSTOMERS)):
            kind = names[number] if number < len(names) else dice.choices(names, shares)[0]
            yield f"{kind}+{self.name}-{customer}-{number}@receiver.example"

    def all_addresses(self) -> list[str]:
        return [address for customer in CUSTOMERS for address in self.addresses(customer)]

    def emails(self) -> list[tuple[str, str, str]]:
        """Customer, provider and address of each mailbox."""
        return [
            (customer, provider, f"{provider}-{number}@{customer}.example")
            for customer in CUSTOMERS
            for provider in PROVIDERS
            for number in range(self.mailboxes)
        ]

    def document(self) -> str:
        """The provisioning file; JSON is YAML, and read faster by people than 10,000 lines of it."""
        parts: dict[str, list[Any]] = {
            "customers": [{"uid": name, "name": name.title(), "group": "Storm"} for name in CUSTOMERS],
            "keys": [_key(name, provider) for name in CUSTOMERS for provider in PROVIDERS],
            "delivery_servers": [_delivery_server(*mailbox) for mailbox in self.emails()],
            "bounce_servers": [_reading("bs", *mailbox) for mailbox in self.emails()],
            "lists": [entry for name in CUSTOMERS for entry in self._lists(name)],
            "monitors": [_monitor(*mailbox) for mailbox in self.emails()],
            "campaigns": [self._campaign(name) for name in CUSTOMERS],
        }
        many = {"max_delivery_servers": -1, "max_bounce_servers": -1, "max_monitors": -1}
        groups = [{"name": "Storm", **many, "allowed_server_types": list(SERVER_TYPES.values())}]
        return json.dumps({"settings": {"customer_keys_enabled": True}, "groups": groups, **parts}, indent=0)

    def _lists(self, customer: str) -> list[dict[str, Any]]:
        people = [{"email": email, "fields": {"FNAME": "Ada"}} for email in self.addresses(customer)]
        others = {"uid": f"others-{customer}", "customer": customer, "name": "Others", "subscribers": []}
        readers = f"list-{self.name}-{customer}"
        return [others, {"uid": readers, "customer": customer, "name": "Readers", "subscribers": people}]

    def _campaign(self, customer: str) -> dict[str, Any]:
        servers = [_uid("ds", email) for owner, _, email in self.emails() if owner == customer]
        return {
            "uid": f"cmp-{self.name}-{customer}",
            "customer": customer,
            "name": f"News of {customer}",
            "list": f"list-{self.name}-{customer}",
            "delivery_servers": servers,
            "subject": "Hello [FNAME]",
            "html": "<p>Hello [FNAME]. <a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>",
            "plain": "Hello [FNAME]. Unsubscribe: [UNSUBSCRIBE_URL]",
            "status": "ready",
        }


def _uid(prefix: str, email: str) -> str:
    return f"{prefix}-{email.replace('@', '-at-').replace('.', '-')}"


def _key(customer: str, provider: str) -> dict[str, Any]:
    secrets = {
        "microsoft": MICROSOFT_CREDENTIALS,
        "google": {"service_account_json": json.dumps(_service_account())},
    }
    name = f"key-{customer}-{provider}"
    return {
        "uid": name,
        "customer": customer,
        "provider": provider,
        "name": name,
        "credentials": secrets[provider],
    }


def _service_account() -> dict[str, str]:
    return {"type": "service_account", **google_credentials()}


def _delivery_server(customer: str, provider: str, email: str) -> dict[str, Any]:
    return {
        "uid": _uid("ds", email),
        "customer": customer,
        "name": email,
        "type": SERVER_TYPES[provider],
        "email": email,
        "key": f"key-{customer}-{provider}",
    }


def _reading(prefix: str, customer: str, provider: str, email: str) -> dict[str, Any]:
    row = {**_delivery_server(customer, provider, email), "uid": _uid(prefix, email), "provider": provider}
    del row["type"]
    return row


def _monitor(customer: str, provider: str, email: str) -> dict[str, Any]:
    conditions = [
        {"match": "contains", "value": "unsubscribe*", "action": "unsubscribe"},
        {
            "match": "contains",
            "value": "wrong person",
            "action": "move_to_list",
            "target_list": f"others-{customer}",
        },
    ]
    return {**_reading("mon", customer, provider, email), "conditions": conditions}

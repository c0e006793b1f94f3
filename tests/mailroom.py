"""Mailboxes over the sandbox with bounce servers and monitors on them: mail arrives, cycles read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Literal

from django.db.models import F
from django.utils import timezone

from accounts.models import Customer
from audience.models import BlacklistEntry, Change, MailingList, Subscriber
from bounces.models import Bounce, BounceServer
from campaigns.models import Campaign, Delivery
from keys import clients
from keys.models import ApiKey
from keys.tokens import row_for
from mailboxes import leases
from mailboxes.budgets import Budget
from mailboxes.collecting import collect
from mailboxes.models import Mailbox, MessageMatch, ProcessedMessage, Purpose
from mailboxes.opening import open_mailbox
from mailboxes.watching import watches_for
from monitors.models import Monitor, MonitorHit
from operations.reading import ReadReport, read_bounces, read_monitors
from providers.messages import TOKEN_HEADER
from sandbox import reports
from sandbox.mailbox import StoredMessage
from sandbox.outside import REFUSALS, SENDER_FAULTS
from sandbox.world import World
from servers.models import DeliveryServer
from tests.factories import (
    make_bounce_server,
    make_campaign,
    make_customer,
    make_delivery,
    make_delivery_server,
    make_key,
    make_list,
    make_monitor,
    make_subscriber,
)

GMAIL = "https://www.googleapis.com/auth/gmail."
SCOPES = {
    "microsoft": ["Mail.Send", "Mail.Read", "Mail.ReadWrite"],
    "google": ["https://mail.google.com/", f"{GMAIL}modify", f"{GMAIL}send"],
}
KINDS = {"ada": "unknown-user", "bob": "mailbox-full", "dan": "complaint", "eve": "delayed", "fay": "spam"}
# Two seconds of the sandbox's clock: mail is older than the reading that finds it.
TICK = 2.0


@dataclass
class Mailroom:
    """Acme and its mailbox news@acme.example, and the sandbox it lies in."""

    world: World
    provider: Literal["microsoft", "google"] = "microsoft"
    email: str = "news@acme.example"
    acme: Customer = field(default_factory=lambda: make_customer("Acme"))

    def __post_init__(self) -> None:
        clients.shared_http().clock = lambda: self.now  # type: ignore[attr-defined]
        self.world.add_mailbox(self.provider, self.email, "Acme News")
        self.key = self.make_key(self.acme)
        self.list: MailingList = make_list(self.acme, name="Readers")
        self._campaigns: dict[int, Campaign] = {}

    # Rows

    def make_key(self, customer: Customer | None) -> ApiKey:
        return make_key(customer, self.provider)

    def prove(self, server: BounceServer | Monitor | DeliveryServer, scopes: list[str] | None = None) -> None:
        """What a passed connection test leaves: the proven scopes."""
        token = row_for(customer_id=server.customer_id, email=server.email, api_key=server.api_key)
        token.scopes = sorted(scopes if scopes is not None else SCOPES[self.provider])
        token.save()

    def add_bounce_server(self, **fields: Any) -> BounceServer:
        owner: Customer | None = fields.pop("customer", self.acme)
        fields = {"email": self.email, "created_at": self.now, **fields}
        fields.setdefault("api_key", self.key if owner == self.acme else self.make_key(owner))
        server = make_bounce_server(owner, self.provider, **fields)
        self.prove(server)
        return server

    def add_monitor(self, *conditions: dict[str, Any], **fields: Any) -> Monitor:
        owner: Customer | None = fields.pop("customer", self.acme)
        fields = {"email": self.email, "created_at": self.now, **fields}
        fields.setdefault("api_key", self.key if owner == self.acme else self.make_key(owner))
        monitor = make_monitor(owner, self.provider, conditions, **fields)
        self.prove(monitor)
        return monitor

    def add_delivery_server(self, customer: Customer | None = None) -> DeliveryServer:
        server = make_delivery_server(
            customer or self.acme, self.provider, email=self.email, api_key=self.key
        )
        self.prove(server)
        return server

    def subscribe(self, email: str, mailing_list: MailingList | None = None, **fields: Any) -> Subscriber:
        return make_subscriber(mailing_list or self.list, email, **fields)

    def deliver(self, subscriber: Subscriber, **fields: Any) -> Delivery:
        """A message of a campaign that was sent to `subscriber` a minute ago."""
        campaign = self._campaigns.get(subscriber.list_id)
        if campaign is None:
            campaign = self._campaigns[subscriber.list_id] = make_campaign(subscriber.list, name="November")
        fields = {"mailbox": self.mailbox, "sent_at": self.now - timedelta(minutes=1), **fields}
        delivery = make_delivery(campaign, subscriber, **fields)
        if not delivery.sent_message_id:
            delivery.sent_message_id = f"{delivery.token}@mail.acme.example"
            delivery.save()
        return delivery

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox.objects.for_address(self.provider, self.email)

    # Mail

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock.now(), UTC)

    def arrive(self, raw: bytes, to: str = "", folder: Literal["inbox", "junk"] = "inbox") -> StoredMessage:
        self.world.advance(TICK)
        return self.world.deliver(raw, to or self.email, folder=folder)

    def original(self, delivery: Delivery, *, token: bool = True, message_id: str = "") -> bytes:
        message = EmailMessage()
        message["From"] = f"Acme News <{self.email}>"
        message["To"] = delivery.recipient
        message["Subject"] = "Hello"
        message["Message-ID"] = f"<{message_id or delivery.sent_message_id}>"
        if token:
            message[TOKEN_HEADER] = delivery.token
        message.set_content("News.")
        return message.as_bytes()

    def report(
        self,
        delivery: Delivery,
        kind: str = "unknown-user",
        *,
        token: bool = True,
        message_id: str = "",
        recipient: str = "",
    ) -> bytes:
        """The report that the mailbox's own provider writes about `delivery`."""
        original = self.original(delivery, token=token, message_id=message_id)
        report = reports.Report(self.email, recipient or delivery.recipient, original, self.world.clock.now())
        if kind == "complaint":
            return reports.complaint_report(report)
        style = reports.microsoft_report if self.provider == "microsoft" else reports.google_report
        return style(report, {**REFUSALS, **SENDER_FAULTS}[kind])

    def bounce(self, subscriber: Subscriber, kind: str = "unknown-user", **fields: Any) -> Delivery:
        """A delivery to `subscriber` and the report about it in the inbox."""
        delivery = self.deliver(subscriber)
        self.arrive(self.report(delivery, kind, **fields))
        return delivery

    def stored(self) -> list[StoredMessage]:
        return self.world.mailbox(self.email).all_messages()

    def place_of(self, message: StoredMessage) -> str:
        box = self.world.mailbox(self.email)
        return box.place_of(message) if message in box.all_messages() else "removed"

    def fill(self) -> None:
        """One message of each kind, each in its own way."""
        for name, kind in KINDS.items():
            self.bounce(self.subscribe(f"{name}@receiver.example"), kind)
        self.subscribe("gil@receiver.example")
        self.arrive(human_reply("gil@receiver.example", "Please stop."))
        self.arrive(human_reply("hal@receiver.example", "Nice to hear from you."))

    # Cycles

    def read(self) -> tuple[ReadReport, ReadReport]:
        """One cycle's two reading phases of the mailbox."""
        self.world.advance(TICK)
        return read_bounces(self.mailbox, self.now), read_monitors(self.mailbox, self.now)

    def open_for_business(self) -> None:
        """The first cycle, which finds nothing and sets the cursor."""
        self.read()

    def expire_leases(self) -> None:
        """What two minutes do to the lease of a worker that died."""
        Mailbox.objects.filter(reading_until__isnull=False).update(
            reading_until=timezone.now() - timedelta(seconds=1), reading_fence=F("reading_fence")
        )


def picture(customer: Customer | None = None) -> dict[str, list[Any]]:
    """Every row that reading writes (for one customer), without what differs from run to run."""
    mine = {"customer": customer} if customer else {}
    boxes = Mailbox.objects.filter(bounceservers__customer=customer) if customer else Mailbox.objects.all()
    ledger = ProcessedMessage.objects.filter(mailbox__in=boxes)
    return {
        "ledger": sorted(
            (*row[:-1], "left" if row[-1] in ("delete", "gone") else row[-1])
            for row in ledger.values_list("purpose", "subject", "state", "outcome", "detail", "disposal")
        ),
        "bounces": sorted(
            Bounce.objects.filter(mailbox__in=boxes).values_list(
                "recipient", "type", "matched_by", "effect", "effect_state"
            )
        ),
        "matches": sorted(MessageMatch.objects.filter(**mine).values_list("summary", flat=True)),
        "hits": sorted(
            MonitorHit.objects.filter(**mine).values_list("condition_text", "subscriber_email", "outcome")
        ),
        "subscribers": sorted(
            Subscriber.objects.filter(**mine).values_list("email", "status", "status_beneath")
        ),
        "deliveries": sorted(
            Delivery.objects.filter(**mine).values_list("recipient", "status", "error_code")
        ),
        "blacklist": sorted(BlacklistEntry.objects.filter(**mine).values_list("email_key", "reason")),
        "journal": sorted(
            Change.objects.filter(**mine).values_list("email", "action", "cause_kind", "cause_text")
        ),
    }


def collect_only(room: Mailroom) -> None:
    """The first half of a reading: what is new is in the ledger, nothing of it handled."""
    room.world.advance(TICK)
    servers = list(BounceServer.objects.filter(mailbox=room.mailbox).select_related("api_key"))
    lease = leases.claim(room.mailbox, "reading")
    assert lease is not None
    opened = open_mailbox(room.mailbox, servers, room.now)
    collect(opened, watches_for(room.mailbox, {Purpose.BOUNCES: room.now}), lease, Budget.for_listing())
    lease.release()


def human_reply(sender: str, text: str, *, subject: str = "Re: Hello", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "news@acme.example"
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((sender, text)))}@receiver.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()

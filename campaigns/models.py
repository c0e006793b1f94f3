"""Campaigns, deliveries (the delivery log) and attempts."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import new_uid
from accounts.tenancy import CustomerOwned, CustomerQuerySet
from audience.models import CampaignGroup, MailingList, Subscriber
from mailboxes.models import Mailbox
from servers.models import DeliveryServer


def new_token() -> str:
    """A delivery's own opaque id: 128 bits, unguessable, safe in a header and in a URL."""
    return secrets.token_urlsafe(16)


class CampaignQuerySet(CustomerQuerySet["Campaign"]):
    def due(self, now: datetime) -> Self:
        """Active customers' campaigns with something to do: sending, or ready and their time has come."""
        ready = Q(status=Campaign.Status.READY) & (Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=now))
        return self.filter(ready | Q(status=Campaign.Status.SENDING), customer__status="active")

    def with_waiting(self, now: datetime) -> Self:
        """Those with something to send now: queued, or deferred and its time has come."""
        queued = _first("token", status=Delivery.Status.QUEUED)
        deferred = _first("next_try_at", status=Delivery.Status.DEFERRED, next_try_at__lte=now)
        return self.alias(waiting=Coalesce(queued, deferred)).filter(waiting__isnull=False)

    def with_something_open(self) -> Self:
        """Those with something to do by themselves; outcomes that only a person can settle are left out."""
        status = Delivery.Status
        left = [_first("token", status=one) for one in (status.QUEUED, status.SENDING, status.DEFERRED)]
        undecided = _first("token", status=status.UNKNOWN, next_try_at__isnull=False)
        return self.alias(left=Coalesce(*left, undecided)).filter(left__isnull=False)

    def get_locked(self, pk: int) -> Campaign:
        """The campaign as it is now; until the transaction ends nobody else finishes, reopens or cancels it."""
        return self.select_for_update(no_key=True).get(pk=pk)

    def reopen(self) -> int:
        """One that had ended with an outcome unknown goes on, now that there is something to send."""
        return self.filter(status=Campaign.Status.SENT).update(
            status=Campaign.Status.SENDING, finished_at=None
        )


def _first(order: str, **conditions: Any) -> Subquery:
    """A campaign's first delivery of a kind, looked up in the index that has it in this order.

    Whether there is any at all is a question that PostgreSQL rather answers by reading the table until it finds one.
    """
    rows = Delivery.objects.filter(campaign=OuterRef("pk"), **conditions)
    return Subquery(rows.order_by(order).values("pk")[:1])


class Campaign(CustomerOwned):
    """One mailing to one list."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        READY = "ready", "Ready"
        SENDING = "sending", "Sending"
        PAUSED = "paused", "Paused"
        SENT = "sent", "Sent"
        CANCELLED = "cancelled", "Cancelled"

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    name = models.CharField(max_length=150)
    list = models.ForeignKey(MailingList, on_delete=models.PROTECT, related_name="campaigns")
    group = models.ForeignKey(
        CampaignGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    delivery_servers = models.ManyToManyField(DeliveryServer, related_name="campaigns")
    subject = models.CharField(max_length=500)
    from_name = models.CharField(max_length=150, blank=True)
    reply_to = models.EmailField(blank=True)
    html = models.TextField(blank=True)
    plain = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.TextField(blank=True, editable=False)
    # The resume point: the last subscriber for whom a delivery was committed.
    queued_up_to = models.BigIntegerField(default=0, editable=False)
    # As far as the list was walked once more, for those who were committed behind the resume point meanwhile.
    checked_up_to = models.BigIntegerField(default=0, db_default=0, editable=False)
    queued_all = models.BooleanField(default=False, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes: ClassVar = [models.Index(fields=["status", "scheduled_at"], name="campaign_due")]

    def __str__(self) -> str:
        return self.name


class Attachment(models.Model):
    """A file that goes out with every message of a campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="attachments")
    filename = models.CharField(max_length=150)
    content_type = models.CharField(max_length=100, default="application/octet-stream")
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.filename


class TrackedLink(models.Model):
    """A link of a campaign's text, reached through our redirect with the subscriber's uid."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="links")
    url = models.URLField(max_length=2000)
    code = models.CharField(max_length=22, unique=True, default=new_token)
    clicks = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="tracked_link_once", fields=["campaign", "url"]),
        ]

    def __str__(self) -> str:
        return self.url


# Repeated word for word by the partial index that answers it.
DRAFT_LEFT_OVER = Q(status__in=["failed", "skipped"]) & ~Q(draft_id="")


class DeliveryQuerySet(CustomerQuerySet["Delivery"]):
    def with_stranded_draft(self, now: datetime) -> Self:
        """Due, and waiting for the mailbox where their draft lies, which their campaign no longer sends from."""
        servers = DeliveryServer.objects.filter(
            campaigns=OuterRef("campaign"), customer=OuterRef("customer"), mailbox=OuterRef("mailbox")
        )
        due = self.filter(status=Delivery.Status.DEFERRED, next_try_at__lte=now, campaign__status="sending")
        return due.exclude(draft_id="").filter(~Exists(servers))

    def with_leftover_draft(self) -> Self:
        """Closed without being sent, while their draft still lies in the mailbox."""
        return self.filter(DRAFT_LEFT_OVER)


class Delivery(CustomerOwned):
    """One message of a campaign to one subscriber: a row of the delivery log."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        DEFERRED = "deferred", "Delayed"
        UNKNOWN = "unknown", "Outcome unknown"
        BOUNCED = "bounced", "Bounced"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    # Three indexes begin with it; one for it alone would be one more to write, and misleads the planner.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    recipient = models.CharField(max_length=320)
    recipient_key = models.CharField(max_length=320)
    server = models.ForeignKey(
        DeliveryServer, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    mailbox = models.ForeignKey(Mailbox, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    token = models.CharField(max_length=22, unique=True, default=new_token)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    # Three ids of one message: what we wrote, what the draft got, what really went out (PROVIDERS: rewriting).
    submitted_message_id = models.CharField(max_length=998, blank=True)
    draft_message_id = models.CharField(max_length=998, blank=True)
    sent_message_id = models.CharField(max_length=998, blank=True)
    provider_message_id = models.CharField(max_length=512, blank=True)
    draft_id = models.CharField(max_length=512, blank=True)
    thread_id = models.CharField(max_length=512, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # Deferred: when it is tried again. Unknown: when it is looked for next. Sent: when its ids are looked up.
    next_try_at = models.DateTimeField(null=True)
    # Attempts that were opened for it.
    tries = models.PositiveSmallIntegerField(default=0)
    # Complete looks at Sent that found nothing; of a sent one, look-ups that found no ids yet.
    looks = models.PositiveSmallIntegerField(default=0)
    # While true the real Message-ID and thread are still to be learnt.
    ids_wanted = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=100, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "delivery log"
        constraints: ClassVar = [
            models.UniqueConstraint(name="delivery_once", fields=["campaign", "subscriber"]),
        ]
        indexes: ClassVar = [
            # By token, in whose order a campaign is sent: an order that no other index has. Asked for the oldest
            # twenty queued ones, PostgreSQL would rather read all that was sent before them.
            models.Index(fields=["campaign", "status", "token"], name="delivery_next"),
            models.Index(fields=["campaign", "recipient_key"], name="delivery_campaign_recipient"),
            models.Index(fields=["customer", "-id"], name="delivery_customer_newest"),
            models.Index(
                fields=["status", "next_try_at"],
                name="delivery_due",
                condition=Q(status__in=["sending", "deferred", "unknown"]),
            ),
            models.Index(
                fields=["mailbox", "next_try_at"], name="delivery_ids_due", condition=Q(ids_wanted=True)
            ),
            models.Index(fields=["recipient_key", "-sent_at"], name="delivery_recipient"),
            models.Index(fields=["mailbox", "thread_id"], name="delivery_thread", condition=~Q(thread_id="")),
            models.Index(
                fields=["submitted_message_id"],
                name="delivery_submitted_mid",
                condition=~Q(submitted_message_id=""),
            ),
            models.Index(
                fields=["draft_message_id"], name="delivery_draft_mid", condition=~Q(draft_message_id="")
            ),
            models.Index(
                fields=["sent_message_id"], name="delivery_sent_mid", condition=~Q(sent_message_id="")
            ),
            models.Index(fields=["mailbox", "id"], name="delivery_draft_left", condition=DRAFT_LEFT_OVER),
            models.Index(fields=["created_at"], name="delivery_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} → {self.recipient}"

    def record_bounced(self, diagnostic: str, code: str, now: datetime) -> None:
        """The message came back for good; a report also proves that it had been sent."""
        was_under_way = self.status == self.Status.SENDING
        self.status, self.error, self.error_code = self.Status.BOUNCED, diagnostic, code
        self.save(update_fields=["status", "error", "error_code"])
        if was_under_way:
            self._close_attempts(now)

    def record_proof_of_sending(self, now: datetime) -> None:
        """A report or a reply refers to the message: it is out, also where it was to be sent (again)."""
        status = self.Status
        was_tried = Q(status__in=[status.QUEUED, status.DEFERRED], tries__gt=0)
        undecided = Delivery.objects.filter(Q(status__in=[status.UNKNOWN, status.SENDING]) | was_tried)
        proved = {"status": status.SENT, "sent_at": now, "next_try_at": None}
        if undecided.filter(pk=self.pk).update(**proved):
            self.refresh_from_db(fields=list(proved))
            self._close_attempts(now)

    def _close_attempts(self, now: datetime) -> None:
        """A sender that died left its attempt open, and nobody looks for a message that is known to be out.

        One that lives writes over this what its call said.
        """
        self.attempts.filter(finished_at__isnull=True).update(
            outcome=Attempt.Outcome.SETTLED, finished_at=now, detail="A report or a reply proved it."
        )


# A message that is to be written and sent as if nothing of it were at any provider.
QUEUED_AFRESH: Final[dict[str, Any]] = {
    "status": Delivery.Status.QUEUED,
    "next_try_at": None,
    "looks": 0,
    "draft_id": "",
    "draft_message_id": "",
    "thread_id": "",
    "mailbox": None,
    "server": None,
}


class Attempt(models.Model):
    """One call to a provider to send something; committed before the call, closed after it."""

    class Outcome(models.TextChoices):
        OPEN = "", "Under way"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused for good"
        DEFERRED = "deferred", "Refused for now"
        UNKNOWN = "unknown", "Outcome unknown"
        SETTLED = "settled", "Found in Sent"
        ABSENT = "absent", "Not found in Sent"

    # None: a test message or the system's own mail, which only counts for the mailbox's pace.
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, null=True, related_name="attempts")
    server = models.ForeignKey(DeliveryServer, on_delete=models.SET_NULL, null=True, related_name="+")
    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    number = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField(default=timezone.now)
    # No POST of this attempt starts after this moment, so a dead worker's claim can be judged.
    deadline = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN, blank=True)
    code = models.CharField(max_length=100, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)
        # A mailbox's pace is what it really attempted within the last minute and day.
        indexes: ClassVar = [
            models.Index(fields=["mailbox", "-started_at"], name="attempt_pace"),
            # The metrics count what was closed since they last looked.
            models.Index(
                fields=["finished_at"], name="attempt_closed", condition=Q(finished_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} #{self.number}"

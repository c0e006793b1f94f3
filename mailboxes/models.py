"""One mailbox and everything known of reading it: leases, cursor, ledger, sync history."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import CustomerOwned, CustomerQuerySet
from mail.addresses import normalize_address
from mailboxes.wishes import Wish
from providers.folders import NAME_LENGTH
from providers.registry import PROVIDER_CHOICES


class Purpose(models.TextChoices):
    """What a mailbox is read for."""

    BOUNCES = "bounces", "Bounces"
    MONITORS = "monitors", "Monitors"


# A message that was set aside, or that was refused to be disposed of, until somebody says “try again”.
NEEDS_A_PERSON = Q(state="quarantined") | Q(disposal="failed")


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def for_address(self, provider: str, email: str) -> Mailbox:
        """The one row of this mailbox, made when it is first named."""
        return self.get_or_create(
            provider=provider, email_key=normalize_address(email), defaults={"email": email.strip()}
        )[0]


class Mailbox(models.Model):
    """A mailbox at a provider, read once per cycle whoever's servers share it."""

    class SyncState(models.TextChoices):
        NEVER = "never", "Not read yet"
        VALID = "valid", "Valid"
        RUNNING = "running", "Running"
        PARTIAL = "partial", "Partial"
        ATTENTION = "attention", "Needs attention"
        STOPPED = "stopped", "Stopped"

    provider = models.CharField(max_length=20, choices=PROVIDER_CHOICES)
    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320)
    display_name = models.CharField(max_length=200, blank=True)

    reading_until = models.DateTimeField(null=True, editable=False)
    reading_fence = models.BigIntegerField(default=0, editable=False)
    sending_until = models.DateTimeField(null=True, editable=False)
    sending_fence = models.BigIntegerField(default=0, editable=False)
    blocked_until = models.DateTimeField(null=True, blank=True)
    # Its pace allows no more campaign mail before then; who had a run longest ago has the next turn.
    paced_until = models.DateTimeField(null=True, editable=False)
    last_run_at = models.DateTimeField(null=True, editable=False)

    cursor = models.JSONField(null=True, editable=False)
    newest_at = models.DateTimeField(null=True, editable=False)
    # Everything that arrived before this moment is in the ledger: where a lost cursor is listed anew from.
    complete_until = models.DateTimeField(null=True, editable=False)
    unread_at_connection = models.PositiveIntegerField(null=True, editable=False)
    # A sent copy that carried our marker was found here once, so "absent" can be believed.
    marker_survives = models.BooleanField(default=False, editable=False)

    sync_state = models.CharField(max_length=10, choices=SyncState, default=SyncState.NEVER)
    sync_error = models.TextField(blank=True, editable=False)
    sync_error_code = models.CharField(max_length=100, blank=True, editable=False)
    last_read_at = models.DateTimeField(null=True, editable=False)

    objects = MailboxQuerySet.as_manager()

    class Meta:
        ordering = ("email",)
        verbose_name_plural = "mailboxes"
        constraints: ClassVar = [
            models.UniqueConstraint(name="mailbox_provider_email", fields=["provider", "email_key"]),
        ]

    def __str__(self) -> str:
        return self.email

    def is_blocked(self, now: datetime) -> bool:
        return self.blocked_until is not None and self.blocked_until > now

    def block_until(self, until: datetime) -> None:
        """Everybody leaves this mailbox alone until then; never shortens a longer wait."""
        Mailbox.objects.filter(pk=self.pk).filter(
            Q(blocked_until__isnull=True) | Q(blocked_until__lt=until)
        ).update(blocked_until=until)


class Watch(models.Model):
    """A purpose for which a mailbox is read, and how its first sweep stands."""

    class FirstRead(models.TextChoices):
        UNREAD = "unread", "Process the unread mail"
        NOW = "now", "Start from now"
        DATE = "date", "Start from a date"

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="watches")
    purpose = models.CharField(max_length=10, choices=Purpose)
    first_read = models.CharField(max_length=10, choices=FirstRead)
    first_read_from = models.DateTimeField(null=True, blank=True)
    sweep_cursor = models.JSONField(null=True, editable=False)
    swept_at = models.DateTimeField(null=True, editable=False)
    # When news was last listed for this purpose too: a time in which it was switched off is made up for.
    served_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "watches"
        constraints: ClassVar = [
            models.UniqueConstraint(name="watch_mailbox_purpose", fields=["mailbox", "purpose"]),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox} for {self.purpose}"

    def begin(self, first_read: str, first_read_from: datetime | None) -> None:
        """Sweep (again) from the given beginning."""
        self.first_read, self.first_read_from = first_read, first_read_from
        self.swept_at = self.sweep_cursor = self.served_at = None
        self.save(update_fields=["first_read", "first_read_from", "swept_at", "sweep_cursor", "served_at"])


class ProcessedMessage(models.Model):
    """The ledger: a message of a mailbox, handled once for each purpose, with the outcome."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Done"
        QUARANTINED = "quarantined", "Quarantined"

    class Disposal(models.TextChoices):
        NONE = "", "Left in place"
        WANTED = "wanted", "To be disposed of"
        DELETED = "delete", "Deleted"
        MOVED = "move", "Moved to a folder"
        TRASHED = "trash", "Moved to Trash"
        GONE = "gone", "Was gone already"
        FAILED = "failed", "Could not be disposed of"

    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="messages")
    purpose = models.CharField(max_length=10, choices=Purpose)
    # Compared case-sensitively: Graph ids may differ by case alone.
    provider_message_id = models.CharField(max_length=512)
    folder = models.CharField(max_length=40, blank=True)
    thread_id = models.CharField(max_length=512, blank=True)
    internet_message_id = models.CharField(max_length=998, blank=True)
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=250, blank=True)
    received_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=40, blank=True)
    # Why nothing in it is anybody's, in words that everybody may read who can read the mailbox; empty while that
    # is not known, and for ever where it concerns somebody (mailboxes/unmatched.py).
    unmatched = models.CharField(max_length=200, blank=True, editable=False)
    detail = models.TextField(blank=True)
    raw = models.BinaryField(null=True, editable=False)
    disposal = models.CharField(max_length=10, choices=Disposal, default=Disposal.NONE, blank=True)
    # Who wants it gone, strongest first: [customer (null: the system), folder ("": deleted)]. Each one's own access
    # does it, nobody else's.
    disposal_for = models.JSONField(default=list, blank=True, editable=False)
    disposal_folder = models.CharField("moved to", max_length=NAME_LENGTH, blank=True, editable=False)
    handled_at = models.DateTimeField(null=True)
    # The reading that handled it, so that one run can be looked through and undone.
    run = models.ForeignKey(
        "SyncRun", on_delete=models.SET_NULL, null=True, related_name="messages", editable=False
    )

    class Meta:
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="ledger_mailbox_purpose_message", fields=["mailbox", "purpose", "provider_message_id"]
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["mailbox", "purpose", "id"], name="ledger_pending", condition=Q(state="pending")
            ),
            models.Index(fields=["mailbox", "id"], name="ledger_disposal", condition=Q(disposal="wanted")),
            models.Index(fields=["mailbox", "-id"], name="ledger_mailbox_newest"),
            models.Index(fields=["handled_at"], name="ledger_handled_at"),
            models.Index(fields=["mailbox", "-id"], name="ledger_unmatched", condition=~Q(unmatched="")),
            models.Index(fields=["id"], name="ledger_needs_a_person", condition=NEEDS_A_PERSON),
        ]

    def __str__(self) -> str:
        return self.subject or self.provider_message_id

    @property
    def disposal_text(self) -> str:
        """What became of the message at the provider, in words."""
        is_moved = self.disposal == self.Disposal.MOVED
        return f"Moved to {self.disposal_folder}" if is_moved else self.get_disposal_display()

    @property
    def wishes(self) -> list[Wish]:
        return [Wish(customer_id, folder) for customer_id, folder in self.disposal_for]

    def want_disposal(self, wishes: Iterable[Wish]) -> None:
        """Note who wants it gone; the row is saved by the caller, the message disposed of later."""
        self.disposal = self.Disposal.WANTED
        self.disposal_for = [[wish.customer_id, wish.folder] for wish in wishes]

    @property
    def batch(self) -> uuid.UUID:
        """The journal's batch of everything this message changed."""
        return uuid.uuid5(uuid.NAMESPACE_OID, f"apiconnect message {self.pk}")


class SyncRun(models.Model):
    """One reading of a mailbox: when, how much came, what became of it."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="runs")
    purpose = models.CharField(max_length=10, choices=Purpose)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    listed = models.PositiveIntegerField(default=0)
    handled = models.PositiveIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0)
    left_alone = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    complete = models.BooleanField(default=True)
    relisted = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ("-pk",)
        indexes: ClassVar = [models.Index(fields=["mailbox", "-id"], name="syncrun_mailbox_newest")]

    def __str__(self) -> str:
        return f"{self.mailbox} {self.started_at:%Y-%m-%d %H:%M}"


class MessageMatch(CustomerOwned):
    """A handled message seen from one customer: only those it concerned may see that it came."""

    message = models.ForeignKey(ProcessedMessage, on_delete=models.CASCADE, related_name="matches")
    summary = models.CharField(max_length=250)
    at = models.DateTimeField(default=timezone.now)

    objects = CustomerQuerySet["MessageMatch"].as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "message matches"
        indexes: ClassVar = [models.Index(fields=["customer", "-id"], name="match_customer_newest")]

    def __str__(self) -> str:
        return self.summary

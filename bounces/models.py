"""Bounce servers and the bounce log."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import CustomerGroup
from accounts.tenancy import CustomerOrSystem, CustomerQuerySet
from audience.models import Subscriber
from campaigns.models import Campaign, Delivery
from mailboxes.models import Mailbox, ProcessedMessage, Purpose
from providers.registry import PROVIDER_CHOICES
from servers.models import DeliveryServer, ReadingServer, ServerQuerySet

# A phrase of two letters would decide half of all mail.
MIN_PHRASE_LETTERS = 5


class BounceServer(ReadingServer):
    """A mailbox that is read for bounces and complaints."""

    purpose = Purpose.BOUNCES

    delete_processed = models.BooleanField(
        "delete processed mail",
        default=True,
        help_text="Recognised bounces are deleted after processing; everything else stays as it was.",
    )

    objects = ServerQuerySet["BounceServer"].as_manager()

    class Meta(ReadingServer.Meta):
        verbose_name = "API bounce server"
        indexes: ClassVar = [
            models.Index(fields=["customer", "status"], name="bs_customer_status"),
            models.Index(fields=["email_key"], name="bs_email"),
        ]


class BounceType(models.TextChoices):
    """The words the product shows for the detector's four types."""

    HARD = "hard", "Hard Bounce"
    SOFT = "soft", "Soft Bounce"
    COMPLAINT = "complaint", "Feedback Loop"
    INTERNAL = "internal", "Internal Bounce"


class EffectState(models.TextChoices):
    """What became of a bounce's effect."""

    NONE = "", "No effect"
    APPLIED = "applied", "Applied"
    HELD = "held", "Held for a person"
    DROPPED = "dropped", "Dropped"
    UNDONE = "undone", "Undone"


class BouncePolicy(models.Model):
    """When soft bounces count as hard, and when effects are held for a person: per group, or for all."""

    group = models.OneToOneField(
        CustomerGroup,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="bounce_policy",
        help_text="Empty: the default for every group that has none of its own.",
    )
    soft_bounces = models.PositiveSmallIntegerField(
        "soft bounces that count as one hard",
        default=0,
        help_text="0: soft bounces are only logged. N: the Nth one within the days below counts as hard.",
    )
    soft_bounce_days = models.PositiveSmallIntegerField("within days", default=30)
    brake_effects = models.PositiveIntegerField(
        "brake after effects an hour",
        default=0,
        help_text="0: no brake. N: further blacklistings for the same reason or server wait for a person.",
    )
    brake_percent = models.PositiveSmallIntegerField(
        "brake at percent of the hour's mail",
        default=0,
        help_text="0: no brake. Held when this share of what a server sent within an hour came back.",
    )

    class Meta:
        verbose_name_plural = "bounce policies"
        constraints: ClassVar = [
            models.UniqueConstraint(Coalesce("group", 0), name="bounce_policy_one_default"),
        ]

    def __str__(self) -> str:
        return f"bounce policy of {self.group or 'all groups'}"


class Bounce(CustomerOrSystem):
    """One failed recipient of one report. `customer` is null where no delivery was matched."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="bounces")
    message = models.ForeignKey(
        ProcessedMessage, on_delete=models.SET_NULL, null=True, related_name="bounces"
    )
    campaign = models.ForeignKey(Campaign, on_delete=models.SET_NULL, null=True, related_name="bounces")
    delivery = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, related_name="bounces")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.SET_NULL, null=True, related_name="bounces")
    recipient = models.CharField(max_length=320, blank=True)
    recipient_key = models.CharField(max_length=320, blank=True)
    type = models.CharField(max_length=10, choices=BounceType)
    is_delay = models.BooleanField(default=False)
    status_code = models.CharField(max_length=12, blank=True)
    reply_code = models.CharField(max_length=3, blank=True)
    diagnostic = models.TextField(blank=True)
    rule = models.CharField(max_length=100, blank=True)
    evidence = models.TextField(blank=True)
    matched_by = models.CharField(max_length=20, blank=True)
    effect = models.CharField(max_length=250, blank=True)
    effect_state = models.CharField(max_length=10, choices=EffectState, default=EffectState.NONE, blank=True)
    # The sender's or its tenant's fault (limits, blocked account): pauses a server, touches nobody.
    is_sender_fault = models.BooleanField(default=False)
    # The same refusal in the same words, whoever the recipient: what the brake counts.
    cause_key = models.CharField(max_length=64, blank=True, editable=False)
    server = models.ForeignKey(DeliveryServer, on_delete=models.SET_NULL, null=True, related_name="bounces")
    created_at = models.DateTimeField(default=timezone.now)

    objects = CustomerQuerySet["Bounce"].as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "bounce log"
        indexes: ClassVar = [
            models.Index(fields=["customer", "-id"], name="bounce_customer_newest"),
            models.Index(fields=["type", "-id"], name="bounce_type_newest"),
            models.Index(fields=["recipient_key"], name="bounce_recipient"),
            models.Index(
                fields=["cause_key", "created_at"],
                name="bounce_brake_cause",
                condition=models.Q(effect_state__in=["applied", "held"]),
            ),
            models.Index(
                fields=["server", "created_at"],
                name="bounce_brake_server",
                condition=models.Q(effect_state__in=["applied", "held"]),
            ),
            models.Index(
                fields=["server", "type", "created_at"],
                name="bounce_rate",
                condition=models.Q(is_delay=False),
            ),
            models.Index(fields=["created_at"], name="bounce_created_at"),
            models.Index(
                fields=["customer", "-id"], name="bounce_held", condition=models.Q(effect_state="held")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient or 'unknown recipient'}: {self.get_type_display()}"

    @property
    def own_source(self) -> str:
        """The raw report where it speaks of this customer alone; empty where it was purged or is shared."""
        others = Bounce.objects.filter(message=self.message).exclude(customer=self.customer)
        kept = BounceSource.objects.filter(message=self.message).first()
        if self.message is None or kept is None or others.exists():
            return ""
        return bytes(kept.raw).decode("utf-8", "replace")


class BounceSource(models.Model):
    """The raw mail behind bounces, capped in size and kept for the retention time."""

    MAX_BYTES = 256 * 1024

    message = models.OneToOneField(ProcessedMessage, on_delete=models.CASCADE, related_name="bounce_source")
    raw = models.BinaryField(editable=False)
    truncated = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["created_at"], name="bouncesource_created_at")]

    def __str__(self) -> str:
        return f"source of message {self.message_id}"


class BouncePhrase(models.Model):
    """A text of the backend's own that decides a bounce's type, tried before the built-in phrases."""

    position = models.PositiveIntegerField(default=0, help_text="The lowest is tried first.")
    text = models.CharField(
        max_length=200, help_text="Looked for in the report's words, without regard to case and spacing."
    )
    type = models.CharField(max_length=10, choices=BounceType)
    provider = models.CharField(
        max_length=20, blank=True, choices=PROVIDER_CHOICES, help_text="Empty: mail of all providers."
    )
    enabled = models.BooleanField(default=True)
    matched = models.PositiveIntegerField(default=0, editable=False)
    last_matched_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        if len("".join(self.text.split())) < MIN_PHRASE_LETTERS:
            raise ValidationError(
                {"text": f"Too short to tell mails apart: at least {MIN_PHRASE_LETTERS} letters."}
            )

"""What every server is, and delivery servers."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import new_uid
from accounts.tenancy import CustomerOrSystem, CustomerQuerySet, M
from keys.models import ApiKey
from mail.addresses import normalize_address
from mailboxes.models import Mailbox, Purpose, Watch
from mailboxes.watching import watch
from providers.folders import NAME_LENGTH, FolderNameError, check_folder_name
from providers.registry import PROVIDER_CHOICES, PROVIDERS, SERVER_TYPE_CHOICES, provider_of_server_type

CONNECTION_FIELDS = (
    "steps",
    "tested_at",
    "connected_at",
    "last_error",
    "last_error_code",
    "status",
    "resume_on_connect",
)
# So often at most a server's row says anew when it last sent: a fast sender must not write it per message.
LAST_SENT_STEP = timedelta(minutes=1)


class ServerQuerySet(CustomerQuerySet[M]):
    """Verbs of every server; the customer's face narrows by `for_customer` and `unlocked` first."""

    def unlocked(self) -> Self:
        return self.filter(locked=False)

    def active(self) -> Self:
        return self.filter(status=Server.Status.ACTIVE)

    def enable(self) -> int:
        """Activate those that are connected; the others stay as they are. Returns how many changed."""
        return self.filter(connected_at__isnull=False).update(status=Server.Status.ACTIVE)

    def disable(self) -> int:
        return self.update(status=Server.Status.INACTIVE, resume_on_connect=False)

    def lock(self) -> int:
        return self.update(locked=True)

    def unlock(self) -> int:
        return self.update(locked=False)


class Server(CustomerOrSystem):
    """A mailbox put to use: whose it is, the key that opens it, its status and its connection."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    name = models.CharField(max_length=150)
    email = models.EmailField(max_length=320)
    email_key = models.CharField(max_length=320, editable=False)
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="%(class)ss")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="%(class)ss", editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    locked = models.BooleanField(
        default=False, help_text="The customer may see but not change this server; it keeps running."
    )
    connected_at = models.DateTimeField(null=True, editable=False)
    # A failed test made it inactive against its owner's will: it goes on as soon as one passes.
    resume_on_connect = models.BooleanField(default=False, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    # The last connection test, step by step: [{name, state, detail, code, cause, fix}].
    steps = models.JSONField(default=list, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    last_error_code = models.CharField(max_length=100, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    provider: Any  # a column of bounce servers and monitors, a property of delivery servers

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = normalize_address(self.email)
        self.mailbox = Mailbox.objects.for_address(self.provider, self.email)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """The key must be of the server's provider and may serve its customer."""
        if self.api_key_id is None or not self.provider:
            return
        if self.api_key.provider != self.provider:
            label = self.api_key.get_provider_display()
            raise ValidationError(
                {"api_key": f"This key is for {label}. Choose one of the server's provider."}
            )
        if not self.api_key.may_serve(self.customer_id):
            raise ValidationError({"api_key": "This key belongs to another customer. Choose another one."})

    @property
    def is_connected(self) -> bool:
        return self.connected_at is not None

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    def record_connected(self, now: datetime, steps: list[dict[str, str]]) -> None:
        self.steps, self.tested_at, self.connected_at = steps, now, now
        self.last_error = self.last_error_code = ""
        if self.resume_on_connect:
            self.status, self.resume_on_connect = self.Status.ACTIVE, False
        self.save(update_fields=CONNECTION_FIELDS)

    def record_not_connected(self, now: datetime, steps: list[dict[str, str]], error: str, code: str) -> None:
        """Saved, inactive, "Not connected": cause and fix stay with it until Connect again works."""
        self.steps, self.tested_at, self.connected_at = steps, now, None
        self.last_error, self.last_error_code = error, code
        self.resume_on_connect = self.resume_on_connect or self.is_active
        self.status = self.Status.INACTIVE
        self.save(update_fields=CONNECTION_FIELDS)

    def record_trouble(self, error: str, code: str) -> None:
        """A connected server needs attention: shown with cause and fix, tried again next time."""
        type(self)._default_manager.filter(pk=self.pk).update(last_error=error, last_error_code=code)


class ReadingServer(Server):
    """A server that reads: it names its provider itself, and says what its mailbox is read for."""

    # What its mailbox is read for.
    purpose: ClassVar[Purpose]

    provider = models.CharField(max_length=20, choices=PROVIDER_CHOICES)
    delete_processed = models.BooleanField(default=False)
    processed_folder = models.CharField(
        "move processed mail to",
        max_length=NAME_LENGTH,
        blank=True,
        help_text="Instead of deleting it: a folder beside the inbox (a label in Gmail), made where it is missing. "
        "Empty: processed mail stays where it is.",
    )
    first_read = models.CharField("first reading", max_length=10, choices=Watch.FirstRead, blank=True)
    first_read_from = models.DateField("from", null=True, blank=True)

    class Meta(Server.Meta):
        abstract = True

    def clean(self) -> None:
        super().clean()
        self._clean_processed_folder()
        if self.first_read == Watch.FirstRead.DATE and self.first_read_from is None:
            raise ValidationError({"first_read_from": "Choose the date from which mail is processed."})

    def _clean_processed_folder(self) -> None:
        try:
            self.processed_folder = check_folder_name(self.processed_folder)
        except FolderNameError as error:
            raise ValidationError({"processed_folder": str(error)}) from None
        if self.processed_folder and self.delete_processed:
            text = (
                "Processed mail is either deleted or moved: switch deleting off, or leave the folder empty."
            )
            raise ValidationError({"processed_folder": text})

    def start_watching(self, now: datetime) -> None:
        """Begin the mailbox's reading where its owner chose, once: what was handled stays handled."""
        if not self.first_read:
            return
        begin = now
        if self.first_read == Watch.FirstRead.DATE and self.first_read_from:
            begin = datetime.combine(self.first_read_from, time.min, UTC)
        watch(self.mailbox, self.purpose, self.first_read, begin)
        self.first_read, self.first_read_from = "", None
        self.save(update_fields=["first_read", "first_read_from"])


class DeliveryServerQuerySet(ServerQuerySet["DeliveryServer"]):
    def usable(self) -> Self:
        """Active, connected, with a key that is neither disabled nor failing."""
        return self.active().filter(connected_at__isnull=False, api_key__status=ApiKey.Status.ACTIVE)


class DeliveryServer(Server):
    """A mailbox that sends campaign mail."""

    type = models.CharField(max_length=30, choices=SERVER_TYPE_CHOICES)
    from_name = models.CharField(
        max_length=150,
        blank=True,
        help_text="Empty: the mailbox's own display name. [DS_FROM_NAME] stands for it in texts.",
    )
    hourly_quota = models.PositiveIntegerField(default=0, help_text="0: no quota.")
    daily_quota = models.PositiveIntegerField(default=0, help_text="0: no quota.")
    sends_per_minute = models.PositiveIntegerField(
        "Messages per minute",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Empty: the provider's own limit for a mailbox. Only a lower number changes anything.",
    )
    # Sender trouble (limits, blocked account) pauses a server: no campaign mail before this moment.
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    paused_reason = models.TextField(blank=True, editable=False)
    # To the minute; the delivery log has the exact times.
    last_sent_at = models.DateTimeField("last send", null=True, blank=True, editable=False)

    objects = DeliveryServerQuerySet.as_manager()

    class Meta(Server.Meta):
        indexes: ClassVar = [
            models.Index(fields=["customer", "status"], name="ds_customer_status"),
            models.Index(fields=["email_key"], name="ds_email"),
        ]

    @property
    def provider(self) -> str:
        return provider_of_server_type(self.type)

    @property
    def provider_label(self) -> str:
        return PROVIDERS[self.provider].label

    def pause_until(self, until: datetime, reason: str) -> None:
        DeliveryServer.objects.filter(pk=self.pk).update(paused_until=until, paused_reason=reason)

    def record_sent(self, now: datetime) -> None:
        """A message left through it; written once a minute at most."""
        if self.last_sent_at is None or now - self.last_sent_at >= LAST_SENT_STEP:
            DeliveryServer.objects.filter(pk=self.pk).update(last_sent_at=now)
            self.last_sent_at = now


class QuotaUse(models.Model):
    """How many messages a delivery server has claimed within one hour or day (UTC)."""

    server = models.ForeignKey(DeliveryServer, on_delete=models.CASCADE, related_name="quota_uses")
    window = models.CharField(max_length=5, choices=[("hour", "Hour"), ("day", "Day")])
    starts_at = models.DateTimeField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="quota_window", fields=["server", "window", "starts_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.server} {self.used} since {self.starts_at:%Y-%m-%d %H:%M}"

    @classmethod
    def claim(cls, server: DeliveryServer, window: str, starts_at: datetime, quota: int, count: int) -> bool:
        """Claim `count` messages of `quota` (0: no quota) by one conditional UPDATE; all of them or none."""
        room = Q(used__lte=quota - count) if quota else Q()
        row = cls.objects.filter(room, server=server, window=window, starts_at=starts_at)
        return row.update(used=F("used") + count) == 1

    @classmethod
    def give_back(cls, server: DeliveryServer, window: str, starts_at: datetime, count: int) -> None:
        row = cls.objects.filter(server=server, window=window, starts_at=starts_at, used__gte=count)
        row.update(used=F("used") - count)

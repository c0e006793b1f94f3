"""API keys and tokens."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Customer, new_uid
from accounts.tenancy import CustomerOrSystem, CustomerQuerySet
from keys.sealing import SealBroken, SealedJSONField, SealedTextField
from mail.addresses import normalize_address
from providers.messages import AccessToken
from providers.registry import PROVIDER_CHOICES

# A token is renewed when it has less than this left; beat comes by every ten minutes.
RENEW_BEFORE = timedelta(minutes=10)


class ApiKeyQuerySet(CustomerQuerySet["ApiKey"]):
    def of_provider(self, provider: str) -> Self:
        return self.filter(provider=provider)

    def usable(self) -> Self:
        return self.exclude(status=ApiKey.Status.DISABLED)

    def ending_by(self, last: date) -> Self:
        """Usable keys whose secret ends on `last` or has ended, the first to end first."""
        return self.usable().filter(expires_at__lte=last).order_by("expires_at", "pk")

    def choices_for_backend(self, customer: Customer | None) -> Self:
        """System keys, and with a customer chosen that customer's too."""
        if customer is None:
            return self.filter(customer__isnull=True)
        return self.filter(Q(customer__isnull=True) | Q(customer=customer))


class ApiKey(CustomerOrSystem):
    """Credentials for a provider: a system key (no customer) or a customer's own."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Enabled"
        FAILING = "failing", "Failing"
        DISABLED = "disabled", "Disabled"

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    provider = models.CharField("type", max_length=20, choices=PROVIDER_CHOICES)
    name = models.CharField("key name", max_length=150)
    credentials = SealedJSONField(editable=False)
    # What may be shown of the credentials: the client id or the service account's address.
    identity = models.CharField(max_length=320, blank=True, editable=False)
    expires_at = models.DateField(null=True, blank=True, help_text="When the secret ends; we warn before.")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    last_error = models.TextField(blank=True, editable=False)
    last_error_code = models.CharField(max_length=100, blank=True, editable=False)
    refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_ok_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        verbose_name = "API key"
        indexes: ClassVar = [
            models.Index(fields=["customer", "provider"], name="apikey_customer_provider"),
            models.Index(fields=["expires_at"], name="apikey_expires"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def readable_credentials(self) -> dict[str, str]:
        """The credentials, or nothing where their seal is broken: the form asks for them anew."""
        try:
            return dict(self.credentials or {})
        except SealBroken:
            return {}

    @property
    def is_system(self) -> bool:
        return self.customer_id is None

    def may_serve(self, customer_id: int | None) -> bool:
        """Whether a server of this customer (None: unassigned) may use the key."""
        return self.is_system or self.customer_id == customer_id

    def record_refusal(self, message: str, code: str, now: datetime) -> None:
        """Open the circuit: the key is left alone for a while, or until somebody changes or verifies it."""
        ApiKey.objects.filter(pk=self.pk).exclude(status=self.Status.DISABLED).update(
            status=self.Status.FAILING, last_error=message, last_error_code=code, refused_at=now
        )

    def record_success(self, now: datetime) -> None:
        ApiKey.objects.filter(pk=self.pk).exclude(status=self.Status.DISABLED).update(
            status=self.Status.ACTIVE, last_error="", last_error_code="", refused_at=None, last_ok_at=now
        )


class ExpiryWarning(models.Model):
    """One step of the warnings before a key's secret ends. Its unique row is claimed before a mail goes out.

    A changed date starts anew, since the row belongs to the date as well.
    """

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="expiry_warnings")
    expires_at = models.DateField()
    step = models.SmallIntegerField(help_text="Days before the end; -1 once it has ended.")
    # Who has been told already, so that a repeated try tells only the others.
    told = models.JSONField(default=list, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="expiry_warning_once", fields=["api_key", "expires_at", "step"]),
        ]

    def __str__(self) -> str:
        return f"{self.api_key_id}: {self.step} days before {self.expires_at}"


class TokenQuerySet(CustomerQuerySet["Token"]):
    def due(self, now: datetime) -> Self:
        """Active tokens that expire within RENEW_BEFORE of `now`."""
        return self.filter(status=Token.Status.ACTIVE, expires_at__lte=now + RENEW_BEFORE)

    def valid(self, now: datetime) -> Self:
        return self.filter(status=Token.Status.ACTIVE, expires_at__gt=now)


class Token(CustomerOrSystem):
    """One mailbox's access for one customer (null: the system), renewed by its own key."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        FAILING = "failing", "Needs attention"

    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320, editable=False)
    provider = models.CharField(max_length=20, choices=PROVIDER_CHOICES)
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="tokens")
    access_token = SealedTextField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    # The scopes its connection check proved: what the next token asks for.
    scopes = models.JSONField(default=list, blank=True, editable=False)
    # What was proved with each key (by its number), for a mailbox whose servers use several.
    scopes_by_key = models.JSONField(default=dict, blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    last_error = models.TextField(blank=True, editable=False)
    last_error_code = models.CharField(max_length=100, blank=True, editable=False)
    refreshed_at = models.DateTimeField(null=True, editable=False)
    # Single flight: who renews holds this row's lease, everyone else waits for its answer.
    renewing_until = models.DateTimeField(null=True, editable=False)

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ("email", "provider", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="token_customer_email_provider",
                fields=["customer", "email_key", "provider"],
                condition=Q(customer__isnull=False),
            ),
            models.UniqueConstraint(
                name="token_system_email_provider",
                fields=["email_key", "provider"],
                condition=Q(customer__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "expires_at"], name="token_due"),
            models.Index(fields=["api_key", "email_key"], name="token_key_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.get_provider_display()})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = normalize_address(self.email)
        super().save(*args, **kwargs)

    def take_key(self, api_key: ApiKey) -> None:
        """Go over to another key: its own proven scopes, and a token of its own. Does not save."""
        self.api_key, self.access_token, self.expires_at = api_key, None, None
        self.scopes = self.scopes_by_key.get(str(api_key.pk), [])
        self.status = self.Status.ACTIVE

    def remember_scopes(self, scopes: list[str]) -> None:
        """What a connection check proved with the token's key."""
        self.scopes = scopes
        self.scopes_by_key = {**self.scopes_by_key, str(self.api_key_id): scopes}
        self.status, self.last_error, self.last_error_code = self.Status.ACTIVE, "", ""
        self.save(update_fields=["scopes", "scopes_by_key", "status", "last_error", "last_error_code"])

    def is_valid(self, now: datetime) -> bool:
        return self.value is not None and self.expires_at is not None and self.expires_at > now

    @property
    def value(self) -> str | None:
        """The bearer value; None before the first one, and where its seal is broken: a new one replaces it."""
        try:
            return self.access_token or None
        except SealBroken:
            return None

    def is_due(self, now: datetime) -> bool:
        """Whether it should be renewed before it is used."""
        return not self.is_valid(now + RENEW_BEFORE)

    def as_access(self, email: str = "") -> AccessToken:
        """The token as the providers take it; `email` where a key-wide token opens another mailbox."""
        value = self.value
        if value is None or self.expires_at is None:
            raise ValueError("this token has not been acquired yet")
        return AccessToken(email or self.email, value, self.expires_at, frozenset(self.scopes))

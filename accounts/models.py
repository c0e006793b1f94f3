"""Users, customers, their groups, the system settings and the audit log."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from accounts.sealing import SealedTextField
from accounts.tenancy import CustomerOrSystem, CustomerQuerySet
from mail.addresses import normalize_address
from providers.registry import PROVIDERS

UNLIMITED = -1
LIMIT_HELP = "-1 unlimited, 0 switches the feature off and hides it, N allows at most N."


def new_uid() -> str:
    """A short opaque public id; never derived from the row's number."""
    return uuid.uuid4().hex[:13]


def all_server_types() -> list[str]:
    return [provider.server_type for provider in PROVIDERS.values()]


def validate_timezone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is no time zone. Use a name such as Europe/Berlin.")


def limit_field(verbose_name: str, **options: Any) -> models.IntegerField[Any, Any]:
    return models.IntegerField(
        verbose_name, validators=[MinValueValidator(UNLIMITED)], help_text=LIMIT_HELP, **options
    )


class CustomerGroup(models.Model):
    """A set of customers that share limits and allowed server types."""

    name = models.CharField(max_length=100, unique=True)
    max_delivery_servers = limit_field("Max. delivery servers", null=True, blank=True)
    max_bounce_servers = limit_field("Max. API bounce servers", null=True, blank=True)
    max_monitors = limit_field("Max. API monitors", null=True, blank=True)
    allowed_server_types = models.JSONField(default=all_server_types, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        unknown = sorted(set(self.allowed_server_types) - set(all_server_types()))
        if unknown:
            raise ValidationError({"allowed_server_types": f"No such server type: {', '.join(unknown)}."})


class Customer(models.Model):
    """A company that sends through this installation."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    name = models.CharField(max_length=150)
    group = models.ForeignKey(
        CustomerGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="customers"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user who signs in with `email`; without a customer they are backend staff."""
        fields.setdefault("is_staff", fields.get("customer") is None)
        user = self.model(email=email.strip(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_key=normalize_address(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in: a customer's user, or backend staff where `customer` is null."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        MANAGER = "manager", "Manager"
        VIEWER = "viewer", "Viewer"

    email = models.EmailField("email address", unique=True)
    email_key = models.CharField(max_length=320, unique=True, editable=False)
    name = models.CharField(max_length=150, blank=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="users"
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.OWNER)
    is_staff = models.BooleanField(default=False, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    # Part of what a session is checked against: raising it signs the user out everywhere.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="user_is_staff_exactly_without_customer",
                condition=Q(customer__isnull=True, is_staff=True) | Q(customer__isnull=False, is_staff=False),
                violation_error_message="A user is backend staff exactly when they have no customer.",
            ),
            models.CheckConstraint(
                name="user_superuser_is_staff",
                condition=Q(is_superuser=False) | Q(is_staff=True),
                violation_error_message="A customer's user cannot be a superuser.",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = normalize_address(self.email)
        self.is_staff = self.customer_id is None
        super().save(*args, **kwargs)

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """What Django compares every session with: a new password or a new epoch ends it."""
        content = f"{self.session_epoch}:{self.password}"
        return salted_hmac("accounts.User.session", content, secret=secret, algorithm="sha256").hexdigest()

    @property
    def has_second_factor(self) -> bool:
        return SecondFactor.objects.filter(user=self, confirmed_at__isnull=False).exists()

    @property
    def may_write(self) -> bool:
        return self.customer_id is None or self.role != self.Role.VIEWER

    @property
    def is_owner(self) -> bool:
        return self.customer_id is not None and self.role == self.Role.OWNER


class SecondFactor(models.Model):
    """A user's authenticator app (TOTP, RFC 6238); in force once a first code has confirmed it."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = SealedTextField(editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    # The newest time step whose code was accepted: no code opens twice.
    last_step = models.BigIntegerField(default=0, editable=False)
    # Hashes of the backup codes that are left.
    backup_codes = models.JSONField(default=list, editable=False)
    wrong_codes = models.PositiveSmallIntegerField(default=0, editable=False)
    wrong_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user}"


class BrowserSession(models.Model):
    """A browser in which somebody is signed in; in force while `auth_hash` is the user's present one."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="browser_sessions")
    auth_hash = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=300, blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"


class SystemSettings(models.Model):
    """The installation's switches and defaults: one row."""

    enabled = models.BooleanField(
        "API Connect", default=True, help_text="The master switch. Off: nothing is sent or read."
    )
    microsoft_enabled = models.BooleanField("Enable Microsoft", default=True)
    google_enabled = models.BooleanField("Enable Google", default=True)
    customer_keys_enabled = models.BooleanField("Enable Customer Keys", default=False)
    default_max_delivery_servers = limit_field("Max. delivery servers", default=UNLIMITED)
    default_max_bounce_servers = limit_field("Max. API bounce servers", default=UNLIMITED)
    default_max_monitors = limit_field("Max. API monitors", default=UNLIMITED)
    customer_blacklist_is_global = models.BooleanField(
        "Customers share one blacklist",
        default=True,
        help_text="On: a bounce, complaint or monitor action blacklists an address for every customer.",
    )
    raw_mail_retention_days = models.PositiveIntegerField(default=30)
    log_retention_days = models.PositiveIntegerField(default=365)

    class Meta:
        verbose_name = verbose_name_plural = "settings"
        constraints: ClassVar = [
            models.CheckConstraint(name="system_settings_is_one_row", condition=Q(pk=1)),
        ]

    def __str__(self) -> str:
        return "Settings"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    @classmethod
    def load(cls) -> SystemSettings:
        """The one row; made with both providers on at first use."""
        return cls.objects.get_or_create(pk=1)[0]

    def is_provider_enabled(self, provider: str) -> bool:
        return bool(getattr(self, f"{provider}_enabled"))


class AuditEntry(CustomerOrSystem):
    """What a person did: who, on whose behalf, to what, before and after, secrets left out."""

    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_email = models.CharField(max_length=320, blank=True)
    acting_as = models.CharField(max_length=320, blank=True)
    action = models.CharField(max_length=50)
    object_type = models.CharField(max_length=50, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=320, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=now)

    objects = CustomerQuerySet["AuditEntry"].as_manager()

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name_plural = "audit log"
        indexes: ClassVar = [
            models.Index(fields=["customer", "-at"], name="audit_customer_at"),
            models.Index(fields=["-at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_email} {self.action} {self.object_name}"

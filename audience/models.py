"""Mailing lists, subscribers, blacklist, campaign groups and the journal of their changes."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Customer, new_uid
from accounts.tenancy import CustomerOrSystem, CustomerOwned, CustomerQuerySet
from mail.addresses import normalize_address


class MailingList(CustomerOwned):
    """A customer's list of subscribers."""

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CustomerQuerySet["MailingList"].as_manager()

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class SubscriberQuerySet(CustomerQuerySet["Subscriber"]):
    def confirmed(self) -> Self:
        return self.filter(status=Subscriber.Status.CONFIRMED)


class Subscriber(CustomerOwned):
    """An address on one list. Its status changes through audience/changes.py alone."""

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "Unconfirmed"
        CONFIRMED = "confirmed", "Confirmed"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        BLACKLISTED = "blacklisted", "Blacklisted"
        MOVED = "moved", "Moved"
        DISABLED = "disabled", "Disabled"

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    list = models.ForeignKey(MailingList, on_delete=models.CASCADE, related_name="subscribers")
    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320, editable=False)
    status = models.CharField(max_length=12, choices=Status, default=Status.CONFIRMED)
    # What the status is beneath the blacklist, and becomes again when the address leaves it.
    status_beneath = models.CharField(max_length=12, choices=Status, blank=True, editable=False)
    moved_to = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(name="subscriber_list_email", fields=["list", "email_key"]),
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer", "email_key"], name="subscriber_customer_email"),
            models.Index(fields=["email_key"], name="subscriber_email"),
            models.Index(fields=["list", "status", "id"], name="subscriber_list_status"),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = normalize_address(self.email)
        self.customer_id = self.list.customer_id
        super().save(*args, **kwargs)

    @property
    def is_blacklisted(self) -> bool:
        return self.status == self.Status.BLACKLISTED

    @property
    def standing(self) -> str:
        """The status without regard to the blacklist; unconfirmed where nobody knows."""
        if not self.is_blacklisted:
            return self.status
        return self.status_beneath or self.Status.UNCONFIRMED

    def stand(self, standing: str) -> None:
        """Set the status, beneath the blacklist where the address is on it. Does not save."""
        if self.is_blacklisted:
            self.status_beneath = standing
        else:
            self.status = standing

    def enter_blacklist(self) -> None:
        if not self.is_blacklisted:
            self.status_beneath, self.status = self.status, self.Status.BLACKLISTED

    def leave_blacklist(self) -> None:
        if self.is_blacklisted:
            self.status, self.status_beneath = self.standing, ""


class BlacklistQuerySet(CustomerQuerySet["BlacklistEntry"]):
    def covering(self, customer: Customer) -> Self:
        """The entries that hold for `customer`: own ones and those shared by all."""
        return self.filter(Q(customer=customer) | Q(customer__isnull=True))


class BlacklistEntry(CustomerOrSystem):
    """An address nothing is sent to: a customer's own entry, or one for all (customer null)."""

    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320, editable=False)
    reason = models.CharField(max_length=250, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = BlacklistQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name = "blacklist entry"
        verbose_name_plural = "blacklist"
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="blacklist_customer_email",
                fields=["customer", "email_key"],
                condition=Q(customer__isnull=False),
            ),
            models.UniqueConstraint(
                name="blacklist_global_email", fields=["email_key"], condition=Q(customer__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = normalize_address(self.email)
        super().save(*args, **kwargs)


class CampaignGroup(CustomerOwned):
    """Campaigns that belong together, so that a subscriber can leave them all at once."""

    uid = models.CharField(max_length=64, unique=True, default=new_uid)
    name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CustomerQuerySet["CampaignGroup"].as_manager()

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class GroupStop(CustomerOwned):
    """A subscriber whom no campaign of this group is sent to."""

    group = models.ForeignKey(CampaignGroup, on_delete=models.CASCADE, related_name="stops")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="stops")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CustomerQuerySet["GroupStop"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="group_stop_once", fields=["group", "subscriber"]),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} stopped {self.group}"


class Change(CustomerOrSystem):
    """The journal: one change to a subscriber or the blacklist, with its cause; undone, never erased.

    `customer` is whose subscriber it concerns; null only for a shared blacklist entry itself.
    """

    class Action(models.TextChoices):
        SUBSCRIBE = "subscribe", "Subscribed"
        CONFIRM = "confirm", "Confirmed"
        UNCONFIRM = "unconfirm", "Unconfirmed"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribed"
        BLACKLIST = "blacklist", "Blacklisted"
        LIFT = "lift", "Lifted from the blacklist"
        DELETE = "delete", "Deleted"
        MOVE = "move", "Moved to another list"
        COPY = "copy", "Copied to another list"
        STOP_GROUP = "stop_group", "Stopped a campaign group"
        EDIT = "edit", "Edited"

    class Cause(models.TextChoices):
        BOUNCE = "bounce", "Bounce"
        COMPLAINT = "complaint", "Complaint"
        MONITOR = "monitor", "Monitor condition"
        PERSON = "person", "Person"
        SUBSCRIBER = "subscriber", "The subscriber"
        IMPORT = "import", "Import"
        PROVISIONING = "provisioning", "Provisioning"
        # What others see of a shared blacklist entry: that it is there, and nothing of its cause.
        PLATFORM = "platform", "The platform"

    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320)
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, blank=True, related_name="changes"
    )
    subscriber_uid = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=12, choices=Action)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    batch = models.UUIDField(default=uuid.uuid4)
    cause_kind = models.CharField(max_length=12, choices=Cause)
    cause_id = models.CharField(max_length=64, blank=True)
    cause_text = models.CharField(max_length=250, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = CustomerQuerySet["Change"].as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "journal"
        indexes: ClassVar = [
            models.Index(fields=["customer", "email_key", "-id"], name="change_customer_email"),
            models.Index(fields=["email_key", "action"], name="change_email_action"),
            models.Index(fields=["subscriber_uid", "-id"], name="change_subscriber_uid"),
            models.Index(fields=["cause_kind", "cause_id"], name="change_cause"),
            models.Index(fields=["batch"], name="change_batch"),
            models.Index(fields=["at"], name="change_at"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_action_display()}"

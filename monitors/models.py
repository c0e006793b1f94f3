"""API email box monitors, their conditions, and what they did."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.tenancy import CustomerOrSystem, CustomerQuerySet
from audience.models import CampaignGroup, MailingList, Subscriber
from mailboxes.models import ProcessedMessage, Purpose
from monitors.conditions import Match, Where, validate_rule
from servers.models import ReadingServer, ServerQuerySet


class Action(models.TextChoices):
    """What a monitor does to the subscriber it found."""

    UNSUBSCRIBE = "unsubscribe", "Unsubscribe"
    BLACKLIST = "blacklist", "Blacklist"
    UNCONFIRM = "unconfirm", "Unconfirm"
    DELETE = "delete", "Delete"
    MOVE_TO_LIST = "move_to_list", "Move to list"
    COPY_TO_LIST = "copy_to_list", "Copy to list"
    STOP_CAMPAIGN_GROUP = "stop_campaign_group", "Stop campaign group"


BACKEND_ACTIONS = (Action.UNSUBSCRIBE, Action.BLACKLIST, Action.UNCONFIRM, Action.DELETE)
LIST_ACTIONS = (Action.MOVE_TO_LIST, Action.COPY_TO_LIST)


class Monitor(ReadingServer):
    """A mailbox whose mail acts on subscribers."""

    purpose = Purpose.MONITORS

    class IdentifyBy(models.TextChoices):
        EMAIL = "email", "By email address"
        UID = "uid", "By subscriber UID"
        UID_OR_EMAIL = "uid_or_email", "By subscriber UID or email address"

    identify_by = models.CharField(
        "Identify Subscribers By", max_length=12, choices=IdentifyBy, default=IdentifyBy.UID_OR_EMAIL
    )
    skip_automatic = models.BooleanField(
        "leave out automatic mail",
        default=True,
        help_text="Automatic replies, bounces and mail of lists are not looked at.",
    )

    objects = ServerQuerySet["Monitor"].as_manager()

    class Meta(ReadingServer.Meta):
        verbose_name = "API monitor"
        indexes: ClassVar = [
            models.Index(fields=["customer", "status"], name="mon_customer_status"),
            models.Index(fields=["email_key"], name="mon_email"),
        ]


class Condition(models.Model):
    """One line of a monitor; tried in order, the first match wins."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="conditions")
    position = models.PositiveIntegerField(default=0)
    where = models.CharField(
        max_length=10, choices=[(w.value, w.label) for w in Where], default=Where.ANY.value
    )
    match = models.CharField(
        "condition", max_length=15, choices=[(m.value, m.label) for m in Match], default=Match.CONTAINS.value
    )
    value = models.CharField(max_length=500)
    match_case = models.BooleanField(default=False)
    action = models.CharField(max_length=20, choices=Action)
    target_list = models.ForeignKey(
        MailingList, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    target_group = models.ForeignKey(
        CampaignGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="condition_list_action_has_list",
                condition=~Q(action__in=LIST_ACTIONS) | Q(target_list__isnull=False),
                violation_error_message="Choose the list to move or copy to.",
            ),
            models.CheckConstraint(
                name="condition_stop_action_has_group",
                condition=~Q(action=Action.STOP_CAMPAIGN_GROUP) | Q(target_group__isnull=False),
                violation_error_message="Choose the campaign group to stop.",
            ),
        ]

    def clean(self) -> None:
        """The pattern can be read, and a target is there, the customer's own, and only where it is needed."""
        try:
            validate_rule(self)
        except ValueError as error:
            raise ValidationError({"value": str(error)}) from None
        self._check_target("target_list", self.action in LIST_ACTIONS, "Choose the list to move or copy to.")
        self._check_target(
            "target_group", self.action == Action.STOP_CAMPAIGN_GROUP, "Choose the campaign group to stop."
        )

    def _check_target(self, name: str, is_needed: bool, missing: str) -> None:
        if not is_needed:
            setattr(self, name, None)
            return
        if self.monitor.customer_id is None:
            raise ValidationError(
                {"action": "A monitor without a customer has no lists or groups of its own for this action."}
            )
        target = getattr(self, name)
        if target is None or target.customer_id != self.monitor.customer_id:
            raise ValidationError({name: missing})

    def __str__(self) -> str:
        return f"{self.get_where_display()} {self.get_match_display()} “{self.value}” → {self.get_action_display()}"


class MonitorHit(CustomerOrSystem):
    """What a monitor did with one message: the condition that won, whom it found, what happened."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="hits")
    message = models.ForeignKey(ProcessedMessage, on_delete=models.SET_NULL, null=True, related_name="hits")
    condition_text = models.CharField(max_length=600, blank=True)
    action = models.CharField(max_length=20, choices=Action, blank=True)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.SET_NULL, null=True, related_name="+")
    subscriber_email = models.CharField(max_length=320, blank=True)
    identified_by = models.CharField(max_length=20, blank=True)
    outcome = models.CharField(max_length=250)
    changed = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    objects = CustomerQuerySet["MonitorHit"].as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes: ClassVar = [
            models.Index(fields=["customer", "-id"], name="hit_customer_newest"),
            models.Index(fields=["monitor", "-id"], name="hit_monitor_newest"),
        ]

    def __str__(self) -> str:
        return self.outcome

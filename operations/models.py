"""The cycle as rows: one slot, its phases' items, and who holds them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Phase(models.TextChoices):
    """The phases of a cycle, in order."""

    RECOVER = "recover", "Recover"
    TOKENS = "tokens", "Tokens"
    BOUNCES = "bounces", "Bounces"
    MONITORS = "monitors", "Monitors"
    DONE = "done", "Done"


class Cycle(models.Model):
    """One cycle. Its slot is unique, so however many schedulers fire it starts once."""

    slot = models.CharField(max_length=40, unique=True)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.RECOVER)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.slot


class PhaseItem(models.Model):
    """One piece of a phase (a token group, a mailbox); the last one of a phase opens the next."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Needs attention"

    cycle = models.ForeignKey(Cycle, on_delete=models.CASCADE, related_name="items")
    phase = models.CharField(max_length=10, choices=Phase)
    subject = models.CharField(max_length=400)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    work_until = models.DateTimeField(null=True, editable=False)
    work_fence = models.BigIntegerField(default=0, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(name="phase_item_once", fields=["cycle", "phase", "subject"]),
        ]
        indexes: ClassVar = [
            models.Index(fields=["cycle", "phase", "state", "id"], name="phase_item_next"),
        ]

    def __str__(self) -> str:
        return f"{self.phase}: {self.subject}"


class Tally(models.Model):
    """A number of the metrics that only grows: all processes of all hosts add to the same rows.

    `labels` is a JSON object with sorted keys, empty where there are none. Few and short by design: names of
    operations, codes of the catalogue, never an address or a customer.
    """

    name = models.CharField(max_length=80)
    labels = models.CharField(max_length=300)
    value = models.FloatField(default=0)

    class Meta:
        ordering = ("name", "labels")
        constraints: ClassVar = [
            models.UniqueConstraint(name="tally_once", fields=["name", "labels"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}"

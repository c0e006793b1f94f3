"""The lists of API monitors and of what they did."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.db.models import Count, QuerySet

from monitors import verbs
from monitors.models import MonitorHit
from pages.badges import Badge, Tone
from pages.tables import Action, Empty, Table
from servers.tables import mailboxes_left_alone, server_actions, server_connected, server_key, server_status


@display(description="Conditions")
def condition_count(monitor: Any) -> int:
    return int(monitor.condition_count)


def with_condition_count(monitors: QuerySet[Any]) -> QuerySet[Any]:
    counted: QuerySet[Any] = monitors.annotate(condition_count=Count("conditions"))
    return counted


MONITORS = Table(
    columns=("name", "provider", "email", server_key, condition_count, server_connected, server_status),
    search=("name__icontains", "email_key__icontains"),
    search_hint="Name or address",
    filters=("provider", "status", "api_key"),
    actions=(
        *server_actions(mailboxes_left_alone),
        Action(
            verbs.undo_last_runs,
            "Undo last run",
            icon="undo",
            with_act=True,
            is_danger=True,
            is_atomic=False,
            consequences=verbs.last_runs,
        ),
    ),
    related=("api_key",),
    order_by=("name", "pk"),
    prefetch=with_condition_count,
    empty=Empty(
        "No API monitors yet",
        "A monitor reads the mail of a mailbox and acts on the subscriber who wrote it: the first of its "
        "conditions that matches decides, for example “contains unsubscribe → Unsubscribe”.",
    ),
)


@display(description="Outcome")
def hit_outcome(hit: MonitorHit) -> Badge:
    return Badge(hit.outcome, Tone.GOOD if hit.changed else Tone.QUIET)


@display(description="Monitor")
def hit_monitor(hit: MonitorHit) -> str:
    return hit.monitor.name


@display(description="Condition")
def hit_condition(hit: MonitorHit) -> str:
    return hit.condition_text


@display(description="Subscriber")
def hit_subscriber(hit: MonitorHit) -> str:
    return hit.subscriber_email


MONITOR_HITS = Table(
    columns=("at", hit_monitor, hit_condition, "action", hit_subscriber, hit_outcome),
    search=("subscriber_email__istartswith",),
    search_hint="Address begins with",
    filters=("monitor", "action", "at"),
    related=("monitor",),
    is_log=True,
    actions=(
        Action(verbs.undo, "Undo", icon="undo", with_act=True, is_danger=True, is_atomic=False),
        Action(
            verbs.undo_messages,
            "Undo whole messages",
            icon="undo",
            with_act=True,
            is_danger=True,
            is_atomic=False,
        ),
    ),
    empty=Empty("No hits yet", "Every message on which one of your monitors acted is listed here."),
)

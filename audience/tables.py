"""The lists of mailing lists, subscribers, the blacklist, campaign groups and the journal."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audience import changes
from audience.editing import blacklist_subscriber, bulk, lift_all, undo_all
from audience.models import BlacklistEntry, Change, GroupStop, Subscriber
from pages.badges import Badge, Tone
from pages.tables import Action, Empty, Table

Status = Subscriber.Status
LOOKS = {
    Status.CONFIRMED: (Tone.GOOD, "check"),
    Status.UNCONFIRMED: (Tone.INFO, "clock"),
    Status.UNSUBSCRIBED: (Tone.QUIET, "signout"),
    Status.BLACKLISTED: (Tone.BAD, "ban"),
    Status.MOVED: (Tone.QUIET, "send"),
    Status.DISABLED: (Tone.QUIET, "pause"),
}


def _count(model: Any, key: str, **narrowed: Any) -> Coalesce:
    rows = model.objects.filter(**{key: OuterRef("pk")}, **narrowed).order_by().values(key)
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)


@display(description="Subscribers")
def list_size(row: Any) -> SafeString:
    url = f"{reverse('subscribers')}?list={row.pk}"
    return format_html('<a href="{}">{}</a>', url, f"{row.subscriber_count:,}")


@display(description="Confirmed")
def list_confirmed(row: Any) -> str:
    return f"{row.confirmed_count:,}"


def with_sizes(rows: QuerySet[Any]) -> QuerySet[Any]:
    counted: QuerySet[Any] = rows.annotate(
        subscriber_count=_count(Subscriber, "list"),
        confirmed_count=_count(Subscriber, "list", status=Status.CONFIRMED),
    )
    return counted


LISTS = Table(
    columns=("name", list_size, list_confirmed, "created_at"),
    search=("name__icontains",),
    search_hint="Name",
    order_by=("name", "pk"),
    prefetch=with_sizes,
    empty=Empty("No mailing lists yet", "A list holds the subscribers that a campaign is sent to."),
)


@display(description="Status", ordering="status")
def subscriber_status(row: Subscriber) -> Badge:
    tone, icon = LOOKS[Status(row.status)]
    return Badge(row.get_status_display(), tone, icon)


@display(description="List")
def subscriber_list(row: Subscriber) -> str:
    return row.list.name


SUBSCRIBERS = Table(
    columns=("email", subscriber_list, subscriber_status, "created_at"),
    search=("email_key__startswith",),
    search_hint="Address begins with",
    filters=("list", "status"),
    related=("list",),
    is_log=True,
    actions=(
        Action(bulk(changes.confirm), "Confirm", with_act=True),
        Action(bulk(changes.unsubscribe), "Unsubscribe", icon="signout", with_act=True),
        Action(bulk(blacklist_subscriber), "Blacklist", icon="ban", is_danger=True, with_act=True),
        Action(bulk(changes.delete), "Delete", icon="trash", is_danger=True, with_act=True),
    ),
    empty=Empty("No subscribers yet", "Add them one by one, or import a CSV file with list and email."),
)


@display(description="Reason")
def blacklist_reason(row: BlacklistEntry) -> str:
    """Whose cause a shared entry has is nobody else's business."""
    return "Blacklisted by the platform" if row.customer_id is None else row.reason


BLACKLIST = Table(
    columns=("email", blacklist_reason, "created_at"),
    search=("email_key__startswith",),
    search_hint="Address begins with",
    is_log=True,
    actions=(Action(lift_all, "Lift from the blacklist", icon="undo", with_act=True, is_danger=True),),
    empty=Empty("The blacklist is empty", "Hard bounces put addresses here by themselves; you can add some."),
)


@display(description="Campaigns")
def group_campaigns(row: Any) -> int:
    return int(row.campaign_count)


@display(description="Stopped by")
def group_stops(row: Any) -> str:
    return f"{row.stop_count:,} subscriber{'' if row.stop_count == 1 else 's'}"


def with_group_counts(rows: QuerySet[Any]) -> QuerySet[Any]:
    counted: QuerySet[Any] = rows.annotate(
        campaign_count=Count("campaigns", distinct=True), stop_count=_count(GroupStop, "group")
    )
    return counted


GROUPS = Table(
    columns=("name", group_campaigns, group_stops, "created_at"),
    search=("name__icontains",),
    search_hint="Name",
    order_by=("name", "pk"),
    prefetch=with_group_counts,
    empty=Empty(
        "No campaign groups yet",
        "Campaigns of one group can be stopped together for a subscriber, for example by a monitor.",
    ),
)


@display(description="Cause")
def change_cause(row: Change) -> str:
    return row.cause_text or row.get_cause_kind_display()


@display(description="Undone")
def change_undone(row: Change) -> Any:
    return row.undone_at


JOURNAL = Table(
    columns=("at", "email", "action", change_cause, change_undone),
    search=("email_key__startswith",),
    search_hint="Address begins with",
    filters=("action", "cause_kind", "at"),
    is_log=True,
    link_first=False,
    actions=(Action(undo_all, "Undo", icon="undo", with_act=True, is_danger=True, is_atomic=False),),
    empty=Empty("No changes yet", "Every change to a subscriber is written down here with its cause."),
)

"""The columns and verbs that all servers share, and the list of delivery servers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.admin import display
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pages.badges import Badge, Tone
from pages.tables import Act, Action, Done, Empty, Table, delete_rows
from servers.connecting import connect
from servers.models import DeliveryServer, QuotaUse, Server, ServerQuerySet

# Each one is several calls to a provider while somebody waits.
MOST_TESTS = 20
# So many names stand in one message.
MOST_NAMED = 10
# Days (UTC), today among them, that a server's bounce rate looks back; its days of quota are kept as long.
RATE_DAYS = 30


@display(description="Status", ordering="status")
def server_status(server: Server) -> Badge:
    """What a server is up to, the most urgent first."""
    if not server.is_connected:
        if server.tested_at is None:
            return Badge("Not tested yet", Tone.INFO, title="Test the connection to activate it.")
        return Badge("Not connected", Tone.BAD, title=server.last_error)
    if server.last_error:
        return Badge("Needs attention", Tone.WARNING, title=server.last_error)
    paused_until = getattr(server, "paused_until", None)
    if paused_until and paused_until > timezone.now():
        until = timezone.localtime(paused_until)
        return Badge(f"Paused until {until:%H:%M}", Tone.WARNING, "pause", server.paused_reason)  # type: ignore[attr-defined]
    if not server.is_active:
        return Badge("Inactive", Tone.QUIET, "pause")
    return Badge("Active", Tone.GOOD)


@display(description="API key", ordering="api_key__name")
def server_key(server: Server) -> str:
    return f"{server.api_key.name} (platform)" if server.api_key.is_system else server.api_key.name


@display(description="Connected", ordering="connected_at")
def server_connected(server: Server) -> Any:
    return server.connected_at


@display(description="Sent today")
def sent_today(server: Any) -> SafeString | str:
    """Used and allowed today (UTC), as a bar where there is a quota."""
    used = sum(use.used for use in server.uses_today)
    if not server.daily_quota:
        return f"{used:,}"
    return format_html(
        '<meter min="0" max="{}" high="{}" optimum="0" value="{}"></meter> <span>{} of {}</span>',
        server.daily_quota,
        round(server.daily_quota * 0.9),
        used,
        f"{used:,}",
        f"{server.daily_quota:,}",
    )


@display(description="Bounce rate")
def bounce_rate(server: Any) -> SafeString | str:
    """What came back of all that left within `RATE_DAYS`; complaints and mere delays are no bounces."""
    sent, bounced = server.sent_lately or 0, server.bounced_lately or 0
    if not sent:
        return ""
    title = f"{bounced:,} of {sent:,} messages came back in the last {RATE_DAYS} days"
    return format_html('<span title="{}">{}</span>', title, f"{bounced / sent:.1%}")


def with_rates(servers: QuerySet[Any]) -> QuerySet[Any]:
    """Each server's messages and bounces of the last `RATE_DAYS`.

    The messages are one sum over its daily counts, the bounces a range of an index: the delivery log is not read.
    """
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=RATE_DAYS - 1)
    uses = QuotaUse.objects.filter(server=OuterRef("pk"), window="day", starts_at__gte=since)
    # By its name: the bounce log lies above this app.
    bounces = DeliveryServer.objects.filter(
        pk=OuterRef("pk"),
        bounces__created_at__gte=since,
        bounces__is_delay=False,
        bounces__type__in=["hard", "soft", "internal"],
    )
    rated: QuerySet[Any] = servers.annotate(
        sent_lately=Subquery(uses.order_by().values("server").annotate(sent=Sum("used")).values("sent")),
        bounced_lately=Subquery(
            bounces.order_by().values("pk").annotate(bounced=Count("bounces")).values("bounced")
        ),
    )
    return rated


def with_uses_today(servers: QuerySet[Any]) -> QuerySet[Any]:
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    uses = QuotaUse.objects.filter(window="day", starts_at=today)
    return servers.prefetch_related(Prefetch("quota_uses", queryset=uses, to_attr="uses_today"))


def test_connections(servers: QuerySet[Any], act: Act) -> int:
    """Test each server now and activate those that are connected; returns how many are."""
    rows = list(servers.select_related("api_key"))
    if len(rows) > MOST_TESTS:
        raise ValidationError(f"Test at most {MOST_TESTS} connections at once.")
    connected = [server.pk for server in rows if connect(server, act.now)]
    return int(servers.filter(pk__in=connected).enable())  # type: ignore[attr-defined]  # a ServerQuerySet


def named(names: Sequence[str]) -> str:
    """Names of servers as one message has them: the first ones, in quotation marks."""
    more = " and others" if len(names) > MOST_NAMED else ""
    return ", ".join(f"“{name}”" for name in names[:MOST_NAMED]) + more


def enable_connected(servers: QuerySet[Any]) -> Done:
    """Activate those that are connected, and name the others with what to do for them."""
    others = list(servers.filter(connected_at__isnull=True).values_list("name", flat=True)[: MOST_NAMED + 1])
    note = f"Not connected, so left inactive: {named(others)}. Choose “Connect again” for them."
    return Done(servers.enable(), (note,) if others else ())  # type: ignore[attr-defined]  # a ServerQuerySet


def mailboxes_left_alone(servers: QuerySet[Any]) -> list[str]:
    """The mailboxes that nobody reads for this purpose any more."""
    return [f"{server.email} is no longer read by “{server.name}”." for server in servers[:10]]


def campaigns_left_without(servers: QuerySet[Any]) -> list[str]:
    """The campaigns that send through these servers."""
    found = {}
    for server in servers.prefetch_related("campaigns")[:50]:
        for campaign in server.campaigns.all():
            if campaign.status in {"ready", "sending", "paused"}:
                found[campaign.pk] = f"Campaign “{campaign.name}” can no longer send through “{server.name}”."
    return list(found.values())[:20]


def server_actions(stops: Any) -> tuple[Action, ...]:
    """Enable, disable, test and delete; `stops` says what else stops with a set of servers."""
    return (
        Action(enable_connected, "Enable", icon="play"),
        Action(ServerQuerySet.disable, "Disable", icon="pause", consequences=stops),
        Action(test_connections, "Connect again", icon="plug", with_act=True, is_atomic=False),
        Action(delete_rows, "Delete", icon="trash", is_danger=True, consequences=stops),
    )


def with_numbers(servers: QuerySet[Any]) -> QuerySet[Any]:
    """What the list of delivery servers shows of their sending."""
    return with_rates(with_uses_today(servers))


DELIVERY_SERVERS = Table(
    columns=(
        "name",
        "type",
        "email",
        server_status,
        server_key,
        sent_today,
        "last_sent_at",
        bounce_rate,
    ),
    search=("name__icontains", "email_key__icontains"),
    search_hint="Name or address",
    filters=("type", "status", "api_key"),
    actions=server_actions(campaigns_left_without),
    related=("api_key",),
    order_by=("name", "pk"),
    prefetch=with_numbers,
    empty=Empty(
        "No delivery servers yet",
        "A delivery server is a Microsoft 365 or Google Workspace mailbox that sends your campaigns.",
    ),
)

"""The backend's dashboard: the numbers of the whole installation, and what needs an admin's attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Min, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from bounces.models import Bounce, BounceServer, BounceType, EffectState
from campaigns.models import Delivery
from keys.expiring import banner_text
from keys.models import ApiKey
from mailboxes.models import Mailbox
from mailboxes.retrying import set_aside
from monitors.models import Monitor, MonitorHit
from operations.attention import HELD_CAUSE, HELD_FIX, held_title
from operations.dashboards import DAYS, Numbers, per_day
from operations.models import Cycle, Phase
from pages.charts import Chart, Series
from providers.help import help_for
from servers.models import DeliveryServer, Server

# Counting days of log rows is worth doing once a minute, not for every look.
NUMBERS_SECONDS = 60
# A campaign is queued at most this long before its last message goes out; older rows are not looked at.
QUEUED_BEFORE = timedelta(days=30)
WARN_BEFORE = timedelta(days=60)
SILENT_AFTER = timedelta(hours=1)
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that needs a person: what, cause, fix and where."""

    title: str
    cause: str
    fix: str
    url: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the start page shows; django-unfold calls it with the page's context."""
    now = timezone.now()
    counted: dict[str, Any] = cache.get_or_set("backend-dashboard", lambda: count(now), NUMBERS_SECONDS)  # type: ignore[assignment]
    return {
        **context,
        **counted,
        "title": "Dashboard",
        "concerns": list(concerns()),
        "expiring": expiring_keys(now, WARN_BEFORE)[:SHOWN],
        "cycle": last_cycle(),
        "silent": silent_mailboxes(now)[:SHOWN],
        "today": timezone.localdate(now),
    }


def count(now: datetime) -> dict[str, Any]:
    """The numbers that are counted over log tables."""
    numbers = numbers_of_all(now)
    return {
        "tiles": numbers.tiles(),
        "chart": numbers.chart(),
        "rates": numbers.rates(),
        "types": bounce_types(now),
        "acted": Chart(
            "Replies acted on", numbers.days, (Series("Acted on", "bar-acted", numbers.acted_on),)
        ),
        "queue": queue_depth(),
    }


def numbers_of_all(now: datetime) -> Numbers:
    """Sent, bounced, complaints and replies acted on of every customer, day by day."""
    today = timezone.localdate(now)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    since = timezone.make_aware(datetime.combine(days[0], time.min))
    sent = Delivery.objects.filter(created_at__gte=since - QUEUED_BEFORE, sent_at__gte=since)
    back = Bounce.objects.filter(created_at__gte=since, is_delay=False)
    return Numbers(
        days,
        per_day(sent, "sent_at", days),
        per_day(back.exclude(type=BounceType.COMPLAINT), "created_at", days),
        per_day(back.filter(type=BounceType.COMPLAINT), "created_at", days),
        per_day(MonitorHit.objects.filter(at__gte=since, changed=True), "at", days),
    )


def bounce_types(now: datetime) -> list[tuple[str, int]]:
    """How many bounces of each type came within the last `DAYS` days."""
    recent = Bounce.objects.filter(created_at__gte=now - timedelta(days=DAYS)).order_by()
    counts = dict(recent.values_list("type").annotate(count=Count("pk")))
    return [(kind.label, counts.get(kind.value, 0)) for kind in BounceType]


def queue_depth() -> list[tuple[str, int, str]]:
    """Deliveries that are not settled yet, by status, with the list that shows them."""
    waiting = (
        Delivery.Status.QUEUED,
        Delivery.Status.SENDING,
        Delivery.Status.DEFERRED,
        Delivery.Status.UNKNOWN,
    )
    rows = Delivery.objects.filter(status__in=waiting).order_by()
    counts = dict(rows.values_list("status").annotate(count=Count("pk")))
    url = reverse("admin:campaigns_delivery_changelist")
    return [
        (status.label, counts.get(status.value, 0), f"{url}?status__exact={status.value}")
        for status in waiting
    ]


def concerns() -> Iterator[Concern]:
    """Servers and keys that do not work, whosever they are, and mail that waits for somebody."""
    for key in ApiKey.objects.filter(status=ApiKey.Status.FAILING).defer("credentials")[:SHOWN]:
        topic = help_for(key.provider, key.last_error_code, key.last_error)
        url = reverse("admin:keys_apikey_change", args=[key.pk])
        yield Concern(f"API key “{key}” is refused", key.last_error or topic.cause, topic.fix, url)
    for model in (DeliveryServer, BounceServer, Monitor):
        for server in troubled(model)[:SHOWN]:
            yield _server_concern(server)
    if count := Bounce.objects.filter(effect_state=EffectState.HELD).count():
        url = reverse("admin:bounces_bounce_changelist") + f"?effect_state__exact={EffectState.HELD.value}"
        yield Concern(held_title(count), HELD_CAUSE, HELD_FIX, url)
    if count := set_aside().count():
        yield Concern(
            f"{count:,} message{' was' if count == 1 else 's were'} set aside",
            "Could not be read after three tries; nothing follows from it.",
            "Open it: its detail says why, its source is kept. “Try again” has the next cycle read it once more.",
            reverse("admin:mailboxes_processedmessage_changelist") + "?needs_a_person=yes",
        )


def troubled(model: Any) -> QuerySet[Any]:
    """Servers that failed their test, and active ones with a trouble."""
    failing = Q(tested_at__isnull=False, connected_at__isnull=True)
    active = Q(status=Server.Status.ACTIVE) & ~Q(last_error="")
    rows: QuerySet[Any] = model.objects.filter(failing | active).select_related("customer")
    return rows.order_by("-pk")


def _server_concern(server: Any) -> Concern:
    topic = help_for(server.provider, server.last_error_code, server.last_error)
    owner = server.customer.name if server.customer else "system"
    state = "needs attention" if server.is_connected else "is not connected"
    name = server._meta.verbose_name
    url = reverse(f"admin:{server._meta.app_label}_{server._meta.model_name}_change", args=[server.pk])
    title = f"{name[:1].upper()}{name[1:]} “{server}” ({owner}) {state}"
    return Concern(title, server.last_error or topic.cause, topic.fix, url)


def expiring_keys(now: datetime, within: timedelta) -> QuerySet[ApiKey]:
    """Keys in use whose secret ends soon or has ended, the first to end first."""
    last = timezone.localdate(now) + within
    return ApiKey.objects.ending_by(last).select_related("customer").defer("credentials")


def last_cycle() -> dict[str, Any] | None:
    """The newest cycle with the duration of each of its phases, in seconds."""
    cycle = Cycle.objects.first()
    if cycle is None:
        return None
    spans = cycle.items.values("phase").annotate(
        begun=Min("started_at"),
        ended=Max("finished_at"),
        items=Count("pk"),
        failed=Count("pk", Q(state="failed")),
    )
    known: dict[str, Any] = {span["phase"]: span for span in spans.order_by()}
    phases = [_phase(phase, known.get(phase.value)) for phase in Phase if phase != Phase.DONE]
    url = reverse("admin:operations_cycle_change", args=[cycle.pk])
    return {"row": cycle, "phases": phases, "url": url}


def _phase(phase: Phase, span: dict[str, Any] | None) -> dict[str, Any]:
    if span is None:
        return {"label": phase.label, "items": 0, "failed": 0, "seconds": None}
    took = (span["ended"] - span["begun"]).total_seconds() if span["begun"] and span["ended"] else None
    return {"label": phase.label, "items": span["items"], "failed": span["failed"], "seconds": took}


def silent_mailboxes(now: datetime) -> QuerySet[Mailbox]:
    """Mailboxes that an active server should read and that nobody has read for an hour."""
    wanted = Q(bounceservers__status=Server.Status.ACTIVE) | Q(monitors__status=Server.Status.ACTIVE)
    rows = Mailbox.objects.filter(wanted, last_read_at__lt=now - SILENT_AFTER).distinct()
    return rows.order_by("last_read_at")


def banners(request: HttpRequest) -> dict[str, Any]:
    """What stands above every page of the backend: secrets that end within two weeks."""
    if not request.user.is_authenticated or not request.user.is_staff:
        return {}
    text = banner_text(ApiKey.objects.all(), timezone.localdate())
    if not text:
        return {}
    return {
        "banner": f"{text} Put in a new one; servers need no change.",
        "banner_url": f"{reverse('admin:keys_apikey_changelist')}?o=5",
    }

"""What is read from the rows at the moment of asking, each by a short query on an index.

Nothing here counts a log table: what may grow without end is counted up to `MOST`, which alerts long before.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, Min, Q, QuerySet
from kombu.exceptions import OperationalError
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import SystemSettings
from campaigns.models import Campaign, Delivery
from keys.models import RENEW_BEFORE, ApiKey, Token
from mailboxes import bells
from mailboxes.models import Mailbox, ProcessedMessage, Purpose
from operations.models import Cycle, Phase, PhaseItem, Tally
from operations.purging import PURGED_AT
from providers.registry import PROVIDERS

MOST = 20_000
KEY_WARNING = timedelta(days=14)
Status = Delivery.Status


def gauges(now: datetime) -> Iterator[Metric]:
    """Every gauge, in the order of docs/metrics.md."""
    yield _build()
    yield _gauge("apiconnect_enabled", "1 while the master switch is on.", SystemSettings.load().enabled)
    yield from _tokens(now)
    yield from _keys(now)
    yield from _mailboxes(now)
    yield from _deliveries(now)
    yield from _messages()
    yield from _cycle(now)
    yield from _broker()
    yield from _purge(now)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _family(name: str, text: str, labels: list[str], rows: Iterable[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _build() -> Metric:
    values = [settings.VERSION, platform.python_version()]
    return _family("apiconnect_build", "Which version runs.", ["version", "python"], [(values, 1)])


def _tokens(now: datetime) -> Iterator[Metric]:
    rows = Token.objects.order_by().values_list("provider", "status")
    counted = [([provider, status], count) for provider, status, count in rows.annotate(count=Count("pk"))]
    yield _family("apiconnect_tokens", "Tokens by status.", ["provider", "status"], counted)
    acquired = Token.objects.filter(status=Token.Status.ACTIVE, access_token__isnull=False)
    soon = Q(expires_at__gt=now, expires_at__lte=now + RENEW_BEFORE)
    text = "Active tokens within ten minutes of their end: the next cycle renews them."
    yield _per_provider("apiconnect_tokens_expiring", text, acquired.filter(soon))
    text = "Active tokens past their end: nothing has renewed them."
    yield _per_provider("apiconnect_tokens_expired", text, acquired.filter(expires_at__lte=now))


def _per_provider(name: str, text: str, rows: QuerySet[Token] | QuerySet[Mailbox]) -> Metric:
    found = dict(rows.order_by().values_list("provider").annotate(count=Count("pk")))
    return _family(name, text, ["provider"], [([one], found.get(one, 0)) for one in PROVIDERS])


def _keys(now: datetime) -> Iterator[Metric]:
    rows = ApiKey.objects.order_by().values_list("provider", "status").annotate(count=Count("pk"))
    counted = [([provider, status], count) for provider, status, count in rows]
    yield _family("apiconnect_keys", "API keys by status.", ["provider", "status"], counted)
    ending = ApiKey.objects.ending_by((now + KEY_WARNING).date()).count()
    yield _gauge(
        "apiconnect_keys_ending", "Usable keys whose secret ends within 14 days or has ended.", ending
    )


def _mailboxes(now: datetime) -> Iterator[Metric]:
    rows = Mailbox.objects.order_by().values_list("provider", "sync_state").annotate(count=Count("pk"))
    counted = [([provider, state], count) for provider, state, count in rows]
    yield _family(
        "apiconnect_mailboxes", "Mailboxes by how reading them stands.", ["provider", "state"], counted
    )
    blocked = Mailbox.objects.filter(blocked_until__gt=now)
    text = "Mailboxes that wait because the provider said so."
    yield _per_provider("apiconnect_mailboxes_blocked", text, blocked)
    last = dict(blocked.order_by().values_list("provider").annotate(last=Max("blocked_until")))
    waits = [([one], _seconds(now, last.get(one))) for one in PROVIDERS]
    text = "Seconds until the last of them may go on."
    yield _family("apiconnect_mailboxes_longest_wait_seconds", text, ["provider"], waits)


def _seconds(start: datetime, end: datetime | None) -> float:
    return max(0.0, (end - start).total_seconds()) if end else 0.0


def _deliveries(now: datetime) -> Iterator[Metric]:
    sending = Campaign.objects.filter(status=Campaign.Status.SENDING)
    # Named one by one: joined, a planner that expects many reads the log from its beginning.
    of_sending = Delivery.objects.filter(campaign__in=list(sending.values_list("pk", flat=True)))
    of_sending = of_sending.order_by("campaign_id", "status", "token")
    due = Delivery.objects.order_by("next_try_at")
    open_rows = {
        "queued": of_sending.filter(status=Status.QUEUED),
        "deferred": of_sending.filter(status=Status.DEFERRED),
        "sending": due.filter(status=Status.SENDING),
        "unknown": due.filter(status=Status.UNKNOWN, next_try_at__isnull=False),
        "for-a-person": due.filter(status=Status.UNKNOWN, next_try_at__isnull=True),
    }
    text = f"Messages of campaigns that are being sent and are not out yet; counted up to {MOST}."
    depths = [([name], _count(rows)) for name, rows in open_rows.items()]
    yield _family("apiconnect_deliveries_open", text, ["status"], depths)
    began = sending.with_waiting(now).aggregate(first=Min("started_at"))["first"]
    ages = [(["queued"], _seconds(began or now, now))]
    ages += [
        ([status], _seconds(_oldest_due(status, now) or now, now))
        for status in (Status.SENDING, Status.UNKNOWN)
    ]
    text = "How long the oldest has waited: queued since its campaign began, others since they were due."
    yield _family("apiconnect_deliveries_oldest_seconds", text, ["status"], ages)


def _count(rows: QuerySet[Delivery] | QuerySet[ProcessedMessage]) -> int:
    """Rows in the order of the index that has them: without an order the log is read until so many are found."""
    return rows[:MOST].count()


def _oldest_due(status: str, now: datetime) -> datetime | None:
    due = Delivery.objects.filter(status=status, next_try_at__lte=now).order_by("next_try_at")
    return due.values_list("next_try_at", flat=True).first()


def _messages() -> Iterator[Metric]:
    pending = ProcessedMessage.objects.filter(state=ProcessedMessage.State.PENDING)
    pending = pending.order_by("mailbox_id", "purpose", "id")
    counted = [([purpose.value], _count(pending.filter(purpose=purpose))) for purpose in Purpose]
    text = f"Listed messages that are not handled yet; counted up to {MOST}."
    yield _family("apiconnect_messages_pending", text, ["purpose"], counted)


def _cycle(now: datetime) -> Iterator[Metric]:
    newest = Cycle.objects.order_by("-started_at").first()
    if newest is None:
        return
    age = _seconds(newest.started_at, now)
    yield _gauge("apiconnect_cycle_age_seconds", "Seconds since the last cycle started: the heartbeat.", age)
    waiting = PhaseItem.objects.filter(cycle=newest, state=PhaseItem.State.WAITING).count()
    yield _gauge(
        "apiconnect_cycle_items_waiting", "Items of the newest cycle that are not done yet.", waiting
    )
    finished = Cycle.objects.filter(finished_at__isnull=False).order_by("-pk").first()
    if finished and finished.finished_at:
        took = _seconds(finished.started_at, finished.finished_at)
        yield _gauge("apiconnect_cycle_seconds", "How long the last finished cycle took.", took)
        yield from _phases(finished)


def _phases(cycle: Cycle) -> Iterator[Metric]:
    failed = Count("pk", filter=Q(state=PhaseItem.State.FAILED))
    rows = PhaseItem.objects.filter(cycle=cycle).order_by().values("phase")
    found: dict[str, Any] = {
        row["phase"]: row
        for row in rows.annotate(
            items=Count("pk"), failed=failed, began=Min("started_at"), ended=Max("finished_at")
        )
    }
    phases: list[tuple[str, dict[str, Any]]] = [
        (phase.value, found.get(phase.value, {})) for phase in Phase if phase != Phase.DONE
    ]
    text = "How long each phase of the last finished cycle took, from its first item to its last."
    took = [
        ([phase], _seconds(row["began"], row["ended"]) if row.get("began") else 0) for phase, row in phases
    ]
    yield _family("apiconnect_cycle_phase_seconds", text, ["phase"], took)
    text = "Items of each phase of the last finished cycle."
    items = [([phase], row.get("items", 0)) for phase, row in phases]
    yield _family("apiconnect_cycle_phase_items", text, ["phase"], items)
    text = "Those of them that need attention."
    items = [([phase], row.get("failed", 0)) for phase, row in phases]
    yield _family("apiconnect_cycle_phase_failed", text, ["phase"], items)


def _broker() -> Iterator[Metric]:
    depths: list[tuple[list[str], float]] = []
    try:
        depths = [([queue], bells.waiting_in(queue)) for queue in _queues()]
        is_up = True
    except (OperationalError, OSError):
        is_up = False
    yield _gauge("apiconnect_broker_up", "1 where the broker answers.", is_up)
    text = "Bells that nobody has heard yet."
    yield _family("apiconnect_broker_queue_messages", text, ["queue"], depths)


def _queues() -> list[str]:
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    return sorted({settings.CELERY_TASK_DEFAULT_QUEUE, *routed})


def _purge(now: datetime) -> Iterator[Metric]:
    last = Tally.objects.filter(name=PURGED_AT).values_list(F("value"), flat=True).first()
    if last:
        age = max(0.0, now.timestamp() - last)
        yield _gauge("apiconnect_purge_age_seconds", "Seconds since the last purge ended.", age)

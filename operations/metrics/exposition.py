"""`/metrics`: the counts and the gauges as Prometheus' text, for who may read them.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import hmac
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from operations.metrics import books, calls
from operations.metrics.gauges import gauges
from operations.metrics.tallies import counts
from operations.models import Tally

COUNTERS = {
    books.SENDS: ("Closed attempts to send a message.", ["provider", "outcome"]),
    books.BOUNCES: ("Bounces and complaints that were logged.", ["provider", "type"]),
    calls.CALLS: (
        "HTTP requests to the providers; status 0: no answer.",
        ["provider", "operation", "status"],
    ),
    calls.ERRORS: (
        "Errors of the providers, parts of batches included.",
        ["provider", "operation", "kind", "code"],
    ),
}
REALM = 'Bearer realm="metrics"'


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, for the bearer of METRICS_TOKEN and for backend staff who are signed in; 401 for others."""
    if not _may_read(request):
        return HttpResponse(
            "Send METRICS_TOKEN as a bearer token, or sign in to the backend.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": REALM},
        )
    counts.flush()
    return HttpResponse(render(timezone.now()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def render(now: datetime) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(now))
    return bytes(generate_latest(registry))


def _may_read(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    return bool(request.user.is_authenticated and request.user.is_active and request.user.is_staff)


class _Rows(Collector):
    """Everything, as it stands in the rows now."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Counters, the histogram, gauges."""
        tallies: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for name, labels, value in Tally.objects.values_list("name", "labels", "value"):
            tallies[name].append((json.loads(labels), value))
        for name, (text, named) in COUNTERS.items():
            family = CounterMetricFamily(name, text, labels=named)
            for found, value in tallies[name]:
                family.add_metric([found.get(label, "") for label in named], value)
            yield family
        yield _histogram(tallies)
        yield from gauges(self._now)


def _histogram(tallies: dict[str, list[tuple[dict[str, str], float]]]) -> Metric:
    """Each row counts one bucket alone, since adding is cheaper so; Prometheus wants them heaped up."""
    text = "How long requests to the providers took, with their answers."
    family = HistogramMetricFamily(calls.SECONDS, text, labels=["provider", "operation"])
    sums = {_where(labels): value for labels, value in tallies[f"{calls.SECONDS}_sum"]}
    alone: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for labels, value in tallies[f"{calls.SECONDS}_bucket"]:
        alone[_where(labels)][labels["le"]] = value
    for where, found in alone.items():
        heap, buckets = 0.0, []
        for bound in (*map(str, calls.BUCKETS), calls.LAST_BUCKET):
            heap += found.get(bound, 0)
            buckets.append((bound, heap))
        family.add_metric(list(where), buckets, sums.get(where, 0))
    return family


def _where(labels: dict[str, str]) -> tuple[str, str]:
    return labels["provider"], labels["operation"]

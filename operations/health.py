"""Is the process alive, and can it do its work: for load balancers, containers and people."""

from __future__ import annotations

from datetime import timedelta

from celery import current_app
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from accounts.models import SystemSettings
from operations.models import Cycle

# Beat comes by every ten minutes; two missed rounds are worth a look.
HEARTBEAT = timedelta(minutes=25)


@login_not_required
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 where database, broker and heartbeat are well, else 503; says which is not, and nothing else."""
    checks = {"database": _database()}
    if checks["database"] == "ok":
        checks |= {"broker": _broker(), "heartbeat": _heartbeat()}
    status = 200 if all(state in {"ok", "off"} for state in checks.values()) else 503
    return JsonResponse(checks, status=status)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def _broker() -> str:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return "does not answer"
    return "ok"


def _heartbeat() -> str:
    """The last cycle is not long ago; before the first one there is nothing to miss."""
    if not SystemSettings.load().enabled:
        return "off"
    started_at = Cycle.objects.order_by("-started_at").values_list("started_at", flat=True).first()
    if started_at is None or timezone.now() - started_at < HEARTBEAT:
        return "ok"
    return f"no cycle since {started_at:%Y-%m-%d %H:%M} UTC"

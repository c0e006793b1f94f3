"""Purging: by retention, in slices that hold nothing up, once a day without anybody asking."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditEntry
from campaigns.models import Attempt
from operations.models import Cycle
from operations.purging import is_purge_due, purge, purge_for_a_while
from operations.tasks import tick
from servers import quotas
from tests.factories import make_customer, make_delivery_server

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def now():
    return timezone.now()


def add_old_entries(count: int) -> None:
    old = timezone.now() - timedelta(days=400)
    AuditEntry.objects.bulk_create(AuditEntry(action="old", at=old) for _ in range(count))


def test_it_removes_what_is_past_its_retention_and_nothing_else(now):
    add_old_entries(3)
    AuditEntry.objects.create(action="new", at=now)
    Cycle.objects.create(slot="old", finished_at=now - timedelta(days=31))
    assert dict(purge(now))["audit entries"] == 3
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["new"]
    assert not Cycle.objects.exists()


def test_the_attempts_of_system_mail_go_too(now):
    old = now - timedelta(days=400)
    Attempt.objects.create(deadline=old, finished_at=old, outcome="accepted")
    Attempt.objects.create(deadline=now, finished_at=now, outcome="accepted")
    assert dict(purge(now))["attempts of system mail"] == 1
    assert Attempt.objects.count() == 1


def test_a_slice_that_runs_out_of_time_leaves_the_rest_and_does_not_count_as_done(now, monkeypatch):
    monkeypatch.setattr("operations.purging.BATCH", 2)
    add_old_entries(3)
    dict(purge(now, stop_at=time.monotonic()))
    assert AuditEntry.objects.count() == 3
    assert is_purge_due(now)
    purge_for_a_while(now)
    assert AuditEntry.objects.count() == 0
    assert not is_purge_due(now)


def test_it_is_due_once_a_day(now):
    purge_for_a_while(now)
    add_old_entries(1)
    purge_for_a_while(now + timedelta(hours=23))
    assert AuditEntry.objects.count() == 1
    purge_for_a_while(now + timedelta(hours=25))
    assert AuditEntry.objects.count() == 0


def test_the_tick_does_it(monkeypatch):
    monkeypatch.setattr("campaigns.ticking.ring", lambda now: None)
    add_old_entries(1)
    tick()
    assert AuditEntry.objects.count() == 0


def test_a_dry_run_counts_and_removes_nothing(now, capsys):
    add_old_entries(2)
    call_command("purge", "--dry-run")
    assert "audit entries: 2 would be removed" in capsys.readouterr().out
    assert AuditEntry.objects.count() == 2
    assert is_purge_due(now)


def test_counted_quotas_go_when_no_rate_looks_back_at_them(now):
    server = make_delivery_server(make_customer())
    for days in (0, 30, 32):
        quotas.claim(server, 1, now - timedelta(days=days))
    assert dict(purge(now))["quota windows"] == 3  # two hours, and the day that is too old
    assert server.quota_uses.count() == 3

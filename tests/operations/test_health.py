"""Health for load balancers: no login, no details."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone
from kombu import Connection

from accounts.models import SystemSettings
from operations.models import Cycle

pytestmark = pytest.mark.django_db


def test_it_is_alive_without_a_login(client):
    assert client.get("/healthz").content == b"ok"


def test_it_is_ready_where_database_broker_and_heartbeat_are_well(client):
    Cycle.objects.create(slot="now")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "broker": "ok", "heartbeat": "ok"}


def test_a_silent_scheduler_is_noticed(client):
    Cycle.objects.create(slot="old", started_at=timezone.now() - timedelta(hours=2))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["heartbeat"].startswith("no cycle since")
    SystemSettings(enabled=False).save()
    assert client.get("/readyz").json()["heartbeat"] == "off"


def test_a_broker_that_is_down_is_noticed(client, settings, monkeypatch):
    monkeypatch.setattr(current_app, "connection_for_write", lambda: Connection("redis://127.0.0.1:1/0"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["broker"] == "does not answer"

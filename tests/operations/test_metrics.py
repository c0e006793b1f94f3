"""/metrics: right however many processes count, cheap on large tables, for the right eyes only, and nobody's name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from celery import current_app
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu import Connection
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import SystemSettings
from bounces.models import Bounce
from campaigns.models import Attempt, Delivery
from mailboxes.models import Mailbox
from operations.cycle import run_cycle
from operations.metrics import books, gauges
from operations.metrics.exposition import render
from operations.metrics.tallies import add_to_rows, counts, labels_of
from operations.models import Cycle, Tally
from tests.campaigns.conftest import stage  # noqa: F401
from tests.campaigns.test_worker_processes import database_url
from tests.factories import make_admin, make_customer, make_key, make_token, make_user

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-32-characters-or-more"


@pytest.fixture(autouse=True)
def _nothing_counted_yet():
    counts.begin_anew()


def samples(name: str, **labels: str) -> float | None:
    """A metric's value, or the sum where several rows fit."""
    counts.flush()
    found = [
        sample.value
        for family in text_string_to_metric_families(render(timezone.now()).decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found) if found else None


# --- who may read ---------------------------------------------------------------------------------------


def test_nobody_reads_it_without_the_token_or_a_login_of_the_backend(client, settings):
    assert client.get("/metrics").status_code == 401
    settings.METRICS_TOKEN = TOKEN
    for wrong in ("", "Bearer ", "Bearer wrong", TOKEN, f"bearer {TOKEN}x"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 401
    client.force_login(make_user(make_customer()))
    assert client.get("/metrics").status_code == 401


def test_an_empty_token_opens_nothing(client, settings):
    settings.METRICS_TOKEN = ""
    for empty in ("Bearer ", "Bearer"):
        assert client.get("/metrics", headers={"Authorization": empty}).status_code == 401


def test_the_token_or_a_login_of_the_backend_reads_it(client, settings):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "apiconnect_build" in answer.content.decode()
    settings.METRICS_TOKEN = ""
    client.force_login(make_admin())
    assert client.get("/metrics").status_code == 200


# --- what it tells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "operation"), [("microsoft", "graph.messages.send"), ("google", "gmail.messages.send")]
)
def test_calls_are_timed_and_counted_by_the_providers_own_names(stage, provider, operation):  # noqa: F811
    campaign = stage.make_campaign(stage.add_server(provider), subscribers=3)

    stage.run_at(0, campaign)

    assert samples("apiconnect_provider_calls_total", operation=operation) == 3
    assert samples("apiconnect_provider_call_seconds_count", provider=provider, operation=operation) == 3
    assert samples("apiconnect_provider_call_seconds_bucket", operation=operation, le="+Inf") == 3


def test_an_error_is_counted_by_its_code_and_operation(stage):  # noqa: F811
    server = stage.add_server("google")
    stage.world.fault("throttle", "gmail.messages.send", mailbox=server.email, retry_after=90)

    stage.run_at(0, stage.make_campaign(server, subscribers=1))

    found = {"operation": "gmail.messages.send", "kind": "Throttled", "provider": "google"}
    assert samples("apiconnect_provider_errors_total", **found) == 1
    assert samples("apiconnect_mailboxes_blocked", provider="google") == 1
    assert 0 < samples("apiconnect_mailboxes_longest_wait_seconds", provider="google") <= 91


def test_a_code_that_nobody_knows_makes_no_label_of_its_own(stage):  # noqa: F811
    server = stage.add_server("google")
    stage.world.fault("status", "gmail.messages.send", mailbox=server.email, status=400, code="madeUp17")

    stage.run_at(0, stage.make_campaign(server, subscribers=1))

    assert samples("apiconnect_provider_errors_total", operation="gmail.messages.send") == 1
    assert "madeUp17" not in render(timezone.now()).decode()


def test_every_attempt_is_counted_once_however_many_tick(stage):  # noqa: F811
    start = timezone.now()
    books.count_books(start)
    campaign = stage.make_campaign(stage.add_server("google"), subscribers=3)
    stage.run_at(0, campaign)
    Attempt.objects.update(finished_at=start + timedelta(seconds=10))

    for second in (5, 60, 60, 61, 120, 180, 240):
        books.count_books(start + timedelta(seconds=second))

    assert samples("apiconnect_sends_total", provider="google", outcome="accepted") == 3


def test_what_was_closed_before_the_first_round_is_not_counted_at_once():
    """An installation that takes metrics up has no spike of its whole history."""
    old = timezone.now() - timedelta(days=30)
    Attempt.objects.create(deadline=old, finished_at=old, outcome="accepted")
    for minute in range(4):
        books.count_books(timezone.now() + timedelta(minutes=minute))
    assert samples("apiconnect_sends_total") is None


def test_a_bounce_is_counted_however_early_its_reading_began():
    books.count_books(timezone.now())
    mailbox = Mailbox.objects.for_address("google", "bounces@acme.example")
    books.count_books(timezone.now() + timedelta(minutes=1))
    Bounce.objects.create(mailbox=mailbox, type="hard", created_at=timezone.now() - timedelta(minutes=15))
    for minute in range(2, 6):
        books.count_books(timezone.now() + timedelta(minutes=minute))
    assert samples("apiconnect_bounces_total", provider="google", type="hard") == 1


def test_a_round_that_a_dead_worker_broke_off_counts_nothing_twice(monkeypatch):
    now = timezone.now()
    books.count_books(now)
    Attempt.objects.create(deadline=now, finished_at=now + timedelta(seconds=1), outcome="accepted")
    books.count_books(now + timedelta(minutes=1))

    def die(*_args, **_kwargs):
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr("operations.metrics.books.Tally.objects.bulk_update", die)
        with pytest.raises(RuntimeError):
            books.count_books(now + timedelta(minutes=2))
    books.count_books(now + timedelta(minutes=3))
    books.count_books(now + timedelta(minutes=4))
    assert samples("apiconnect_sends_total", outcome="accepted") == 1


def test_the_gauges_tell_how_tokens_keys_and_messages_stand(stage):  # noqa: F811
    now = timezone.now()
    began = {"status": "sending", "started_at": now - timedelta(minutes=10)}
    campaign = stage.make_campaign(stage.add_server(), subscribers=2, **began)
    for subscriber in campaign.list.subscribers.all():
        Delivery.objects.create(
            campaign=campaign, customer=stage.acme, subscriber=subscriber, recipient=subscriber.email,
            recipient_key=subscriber.email_key, created_at=now - timedelta(minutes=10),
        )  # fmt: skip
    key = make_key(stage.acme, expires_at=now.date() + timedelta(days=3))
    make_token(key, "soon@acme.example", stage.acme, expires_at=now + timedelta(minutes=5))
    make_token(key, "late@acme.example", stage.acme, expires_at=now - timedelta(minutes=5))

    assert samples("apiconnect_deliveries_open", status="queued") == 2
    assert 590 < samples("apiconnect_deliveries_oldest_seconds", status="queued") < 660
    assert samples("apiconnect_tokens_expiring", provider="microsoft") == 1
    assert samples("apiconnect_tokens_expired", provider="microsoft") == 1
    assert samples("apiconnect_keys_ending") == 1
    assert samples("apiconnect_enabled") == 1
    SystemSettings(enabled=False).save()
    assert samples("apiconnect_enabled") == 0


def test_a_cycle_shows_its_age_and_its_phases(stage):  # noqa: F811
    assert samples("apiconnect_cycle_age_seconds") is None
    run_cycle(timezone.now(), side_by_side=False)
    Cycle.objects.update(started_at=timezone.now() - timedelta(minutes=30))
    assert 1790 < samples("apiconnect_cycle_age_seconds") < 1860
    assert samples("apiconnect_cycle_phase_items", phase="recover") == 1
    assert samples("apiconnect_cycle_phase_failed") == 0
    assert samples("apiconnect_cycle_seconds") is not None


def test_the_broker_says_how_many_bells_wait(monkeypatch):
    assert samples("apiconnect_broker_up") == 1
    assert samples("apiconnect_broker_queue_messages", queue="sending") is not None
    monkeypatch.setattr(current_app, "connection_for_write", lambda: Connection("redis://127.0.0.1:1/0"))
    assert samples("apiconnect_broker_up") == 0


# --- right in many processes, cheap, and nobody's name ----------------------------------------------------


ADDING = """
import django; django.setup()
from operations.metrics.tallies import counts
for _ in range(50):
    counts.add("apiconnect_provider_calls", {"provider": "google", "operation": "gmail.send", "status": "200"})
    counts.flush()
counts.add("apiconnect_provider_calls", {"provider": "google", "operation": "gmail.send", "status": "200"})
"""


@pytest.mark.services
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_several_processes_at_once_count_every_call():
    """The last one of each is added at the end of its process, with nobody asking."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "apiconnect.settings",
        "SECRET_KEY": django_settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(django_settings.FIELD_ENCRYPTION_KEYS),
        "DATABASE_URL": database_url(),
    }
    several = [
        subprocess.Popen([sys.executable, "-c", ADDING], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [(one.communicate(timeout=60)[1], one.returncode) for one in several] == [(b"", 0)] * 4
    assert samples("apiconnect_provider_calls_total") == 4 * 51


def test_a_database_that_does_not_answer_loses_no_count(monkeypatch):
    def refuse(_taken):
        raise OperationalError("down")

    counts.add("apiconnect_provider_calls", {"provider": "google", "operation": "x", "status": "200"})
    with monkeypatch.context() as broken:
        broken.setattr("operations.metrics.tallies.add_to_rows", refuse)
        counts.flush()
    assert samples("apiconnect_provider_calls_total") == 1


def test_it_never_counts_a_log_table(stage, monkeypatch):  # noqa: F811
    """Every query that touches a table which grows without end is bounded."""
    with CaptureQueriesContext(connection) as queries:
        render(timezone.now())
    logs = ("campaigns_delivery", "mailboxes_processedmessage", "campaigns_attempt", "bounces_bounce")
    touching = [query["sql"] for query in queries if any(f'FROM "{table}"' in query["sql"] for table in logs)]
    assert touching
    assert [sql for sql in touching if "LIMIT" not in sql] == []


def test_a_depth_is_counted_up_to_a_bound(stage, monkeypatch):  # noqa: F811
    monkeypatch.setattr(gauges, "MOST", 2)
    campaign = stage.make_campaign(stage.add_server(), subscribers=4, status="sending")
    for subscriber in campaign.list.subscribers.all():
        Delivery.objects.create(
            campaign=campaign, customer=stage.acme, subscriber=subscriber, recipient=subscriber.email,
            recipient_key=subscriber.email_key,
        )  # fmt: skip
    assert samples("apiconnect_deliveries_open", status="queued") == 2


def test_no_address_customer_or_secret_is_in_it(stage, settings):  # noqa: F811
    settings.METRICS_TOKEN = TOKEN
    server = stage.add_server("google", email="very-own@acme.example")
    stage.run_at(0, stage.make_campaign(server, subscribers=2))
    counts.flush()
    shown = render(timezone.now()).decode()
    for private in ("very-own", "acme", "Acme", "@", TOKEN, *django_settings.FIELD_ENCRYPTION_KEYS):
        assert private not in shown


def test_labels_in_another_order_are_the_same_row():
    add_to_rows({("a", labels_of({"x": "1", "y": "2"})): 1, ("a", labels_of({"y": "2", "x": "1"})): 2})
    assert Tally.objects.get(name="a").value == 2


# --- rules and pages --------------------------------------------------------------------------------------

NAMED = re.compile(r"\bapiconnect_[a-z_]+[a-z]\b")


def known_names() -> set[str]:
    """Every sample and family that the endpoint gives."""
    stand_in = [
        ("apiconnect_sends", {"provider": "google", "outcome": "accepted"}),
        ("apiconnect_bounces", {"provider": "google", "type": "hard"}),
        ("apiconnect_provider_calls", {"provider": "google", "operation": "x", "status": "200"}),
        ("apiconnect_provider_errors", {"provider": "google", "operation": "x", "kind": "k", "code": "c"}),
        ("apiconnect_provider_call_seconds_bucket", {"provider": "google", "operation": "x", "le": "1"}),
        ("apiconnect_provider_call_seconds_sum", {"provider": "google", "operation": "x"}),
        (gauges.PURGED_AT, {}),
    ]
    add_to_rows({(name, labels_of(labels)): 1 for name, labels in stand_in})
    run_cycle(timezone.now(), side_by_side=False)
    families = list(text_string_to_metric_families(render(timezone.now()).decode()))
    return {family.name for family in families} | {s.name for family in families for s in family.samples}


def test_every_metric_of_rules_and_pages_is_on_the_endpoint(stage):  # noqa: F811
    known = known_names()
    for path in ("docs/metrics.md", "docs/alerts.yml"):
        named = set(NAMED.findall((ROOT / path).read_text()))
        assert named, path
        assert named <= known, path


def test_every_metric_is_on_the_page(stage):  # noqa: F811
    page = (ROOT / "docs/metrics.md").read_text()
    families = {
        name for name in known_names() if not name.endswith(("_bucket", "_sum", "_count", "_created"))
    }
    assert {name for name in families if name not in page} == set()


def test_the_rules_have_the_shape_that_prometheus_takes():
    rules = yaml.safe_load((ROOT / "docs/alerts.yml").read_text())
    assert list(rules) == ["groups"]
    for group in rules["groups"]:
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
            assert re.fullmatch(r"\d+[smhd]", rule["for"])
            assert rule["labels"].keys() == {"severity"}
            assert rule["annotations"].keys() == {"summary", "what_to_do"}
            expression = str(rule["expr"])
            assert expression.count("(") == expression.count(")")
            assert NAMED.search(expression)

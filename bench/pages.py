"""How long the backend's lists take on a full house: `python bench/pages.py` on a PostgreSQL DATABASE_URL.

Fills an empty, migrated database with 1,000,000 deliveries, 1,000,000 subscribers and 100,000 delivery servers
(about two minutes), then asks for every list three times and prints the middle time of each, slowest first.
"""

from __future__ import annotations

# ruff: noqa: E402  Django is set up before its models are imported
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")

import django

django.setup()

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from campaigns.models import Delivery

LIMIT_MS = 300
CUSTOMERS, SERVERS, ROWS = 2_000, 100_000, 1_000_000

FILL = f"""
insert into accounts_customer(uid, name, status, timezone, created_at)
  select 'c' || i, 'Customer ' || i, 'active', 'UTC', now() from generate_series(1, {CUSTOMERS}) i;
insert into keys_apikey(uid, customer_id, provider, name, credentials, identity, status, last_error,
    last_error_code, created_at)
  select 'k' || id, id, 'microsoft', 'Key ' || id, 'sealed', 'id', 'active', '', '', now() from accounts_customer;
insert into mailboxes_mailbox(provider, email, email_key, display_name, reading_fence, sending_fence,
    marker_survives, sync_state, sync_error, sync_error_code)
  select 'microsoft', 'm' || i || '@acme.example', 'm' || i || '@acme.example', '', 0, 0, false, 'valid', '', ''
  from generate_series(1, {SERVERS}) i;
insert into servers_deliveryserver(uid, name, email, email_key, status, locked, connected_at, resume_on_connect,
    steps, last_error, last_error_code, created_at, type, from_name, hourly_quota, daily_quota, paused_reason,
    api_key_id, customer_id, mailbox_id)
  select 's' || i, 'Server ' || i, 'm' || i || '@acme.example', 'm' || i || '@acme.example', 'active', false, now(),
    false, '[]', '', '', now(), 'microsoft-graph-api', '', 0, 1000, '', 1 + i % {CUSTOMERS}, 1 + i % {CUSTOMERS}, i
  from generate_series(1, {SERVERS}) i;
insert into audience_mailinglist(uid, name, created_at, customer_id)
  select 'l' || id, 'List ' || id, now(), id from accounts_customer;
insert into audience_subscriber(uid, email, email_key, status, status_beneath, fields, created_at, customer_id, list_id)
  select 'u' || i, 'r' || i || '@receiver.example', 'r' || i || '@receiver.example', 'confirmed', '', '{{}}', now(),
    1 + i % {CUSTOMERS}, 1 + i % {CUSTOMERS}
  from generate_series(1, {ROWS}) i;
insert into campaigns_campaign(uid, name, subject, from_name, reply_to, html, plain, headers, status, pause_reason,
    queued_up_to, queued_all, created_at, customer_id, list_id)
  select 'p' || id, 'Campaign ' || id, 'Hello', '', '', '', '', '{{}}', 'sent', '', 0, true, now(), id, id
  from accounts_customer;
insert into campaigns_delivery(recipient, recipient_key, token, status, submitted_message_id, draft_message_id,
    sent_message_id, provider_message_id, draft_id, thread_id, created_at, sent_at, looks, ids_wanted, error,
    error_code, campaign_id, customer_id, mailbox_id, server_id, subscriber_id, tries)
  select 'r' || i || '@receiver.example', 'r' || i || '@receiver.example', 't' || i, 'sent', '<' || i || '@a>', '', '',
    '', '', '', now() - (i % 86400) * interval '30 seconds', now() - (i % 86400) * interval '30 seconds', 0, false, '',
    '', 1 + i % {CUSTOMERS}, 1 + i % {CUSTOMERS}, 1 + i % {SERVERS}, 1 + i % {SERVERS}, i, 0
  from generate_series(1, {ROWS}) i;
analyze;
"""


def pages() -> dict[str, str]:
    """Every list of the backend, the dashboard, and the searches and filters that people use on logs."""
    found = {"dashboard": reverse("admin:index")}
    for model in admin.site._registry:
        if model._meta.model_name != "systemsettings":
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
            found[model._meta.label] = reverse(name)
    deliveries, servers = found["campaigns.Delivery"], found["servers.DeliveryServer"]
    return found | {
        "deliveries of an address": f"{deliveries}?q=r777777@receiver.example",
        "deliveries by Message-ID": f"{deliveries}?q=%3C777777@a%3E",
        "deliveries of a customer": f"{deliveries}?customer__id__exact=77",
        "deliveries, page 100": f"{deliveries}?p=100",
        "servers named": f"{servers}?q=Server+777",
        "servers of a customer": f"{servers}?customer__id__exact=77",
    }


def milliseconds(client: Client, address: str) -> float:
    """The middle one of three times; any answer but 200 ends the run."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        assert client.get(address).status_code == 200, address
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> int:
    settings.DEBUG = False  # the log of queries and the traceback pages are no part of it
    if not Delivery.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute(FILL)
    user = get_user_model().objects.filter(is_superuser=True).first()
    client = Client(headers={"host": "localhost"})
    client.force_login(
        user or get_user_model().objects.create_superuser("bench@platform.example", "bench-bench-bench"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    measured = {name: milliseconds(client, address) for name, address in pages().items()}
    for name, taken in sorted(measured.items(), key=lambda item: -item[1]):
        print(f"{taken:8.1f} ms  {name}")
    return 1 if max(measured.values()) > LIMIT_MS else 0


if __name__ == "__main__":
    raise SystemExit(main())

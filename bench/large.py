"""What the size of a campaign costs: the questions of a run and of the tick, half of the campaign being sent.

    export DATABASE_URL=postgres://…     (a server; the bench makes its own database there)
    python -m bench.large --deliveries 10000 1000000

Each question is asked as sending asks it; the times are medians in milliseconds, and should not grow.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.fleet import own_database, set_up
from bench.sending import say, served_sandbox

REPEATS = 9

FILL = """
INSERT INTO campaigns_delivery (customer_id, campaign_id, mailbox_id, server_id, recipient, recipient_key, token,
    status, tries, looks, ids_wanted, submitted_message_id, draft_message_id, sent_message_id, provider_message_id,
    draft_id, thread_id, error, error_code, created_at)
SELECT %(customer)s, %(campaign)s, %(mailbox)s, %(server)s, 'r' || i || '@receiver.example',
    'r' || i || '@receiver.example', left(md5(i::text), 22), CASE WHEN i <= %(sent)s THEN 'sent' ELSE 'queued' END,
    0, 0, false, '', '', '', '', '', '', '', '', now()
FROM generate_series(1, %(count)s) AS numbers(i)
"""


def median_ms(ask: Callable[[], Any]) -> str:
    samples = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        ask()
        samples.append(time.perf_counter() - started)
    return f"{statistics.median(samples) * 1000:.1f} ms"


def make_campaign(count: int) -> Any:
    from django.db import connection  # noqa: PLC0415

    from tests.factories import make_campaign, make_customer, make_delivery_server, make_list  # noqa: PLC0415

    customer = make_customer(f"Large {count}")
    server = make_delivery_server(customer, "google", email=f"large{count}@acme.example")
    campaign = make_campaign(make_list(customer), (server,), status="sending", queued_all=True)
    numbers = {"customer": customer.pk, "campaign": campaign.pk, "server": server.pk}
    numbers |= {"mailbox": server.mailbox_id, "sent": count // 2, "count": count}
    with connection.cursor() as cursor:
        cursor.execute(FILL, numbers)
        cursor.execute("ANALYZE campaigns_delivery")
    return campaign


def measure(count: int) -> None:
    from django.db import connection, transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from campaigns import claiming, feeding, ticking  # noqa: PLC0415
    from campaigns.models import Campaign  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_delivery")
        cursor.execute("UPDATE campaigns_campaign SET status = 'sent'")
    campaign, now = make_campaign(count), timezone.now()
    mailbox = campaign.delivery_servers.get().mailbox

    def reserve() -> None:
        with transaction.atomic():
            assert len(claiming.lock_waiting(campaign, mailbox.pk, claiming.BATCH_SIZE, now))

    questions: dict[str, Callable[[], Any]] = {
        "reserve 20": reserve,
        "count": lambda: feeding.count_waiting(campaign, mailbox, feeding.COUNTED_EACH, now),
        "tick": lambda: list(Campaign.objects.due(now).with_something_open()),
        "deal": lambda: list(ticking.mailboxes_with_work(now)),
    }
    say(f"{count:,}", *(median_ms(ask) for ask in questions.values()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deliveries", type=int, nargs="+", default=[10_000, 1_000_000])
    options = parser.parse_args()
    with served_sandbox(), own_database():
        set_up()
        say("deliveries", "reserve 20", "count", "tick", "deal")
        for count in options.deliveries:
            measure(count)


if __name__ == "__main__":
    main()

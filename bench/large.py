"""What the size of a campaign costs: the questions of a run and of the tick, half of the campaign being sent.

    export DATABASE_URL=postgres://…     (a server; the bench makes its own database there)
    python -m bench.large --deliveries 10000 1000000

Each question is asked as sending asks it; the times are medians in milliseconds, and should not grow.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from bench.fleet import own_database, set_up
from bench.sending import say, served_sandbox


def make_campaign(count: int) -> Any:
    from django.db import connection  # noqa: PLC0415

    from bench.matching import fill  # noqa: PLC0415
    from tests.factories import make_campaign, make_customer, make_delivery_server, make_list  # noqa: PLC0415

    customer = make_customer(f"Large {count}")
    server = make_delivery_server(customer, "google", email=f"large{count}@acme.example")
    campaign = make_campaign(make_list(customer), (server,), status="sending", queued_all=True)
    status = f"CASE WHEN i <= {count // 2} THEN 'sent' ELSE 'queued' END"
    # As random as real ones, so that they are in no order with the rows' numbers.
    fill(campaign, server.mailbox, 1, count, status=status, token="left(md5(i::text), 22)")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_delivery")
    return campaign


def measure(count: int) -> None:
    from django.db import connection, transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from bench.matching import median_of  # noqa: PLC0415
    from campaigns import claiming, feeding, ticking  # noqa: PLC0415
    from campaigns.models import Campaign  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_delivery")
        cursor.execute("UPDATE campaigns_campaign SET status = 'sent'")
    campaign, now = make_campaign(count), timezone.now()
    mailbox = campaign.delivery_servers.get().mailbox

    def reserve() -> list[Any]:
        with transaction.atomic():
            return list(claiming.lock_waiting(campaign, mailbox.pk, claiming.BATCH_SIZE, now))

    questions: dict[str, Callable[[], Any]] = {
        "reserve 20": reserve,
        "count": lambda: feeding.count_waiting(campaign, mailbox, feeding.COUNTED_EACH, now),
        "tick": lambda: list(Campaign.objects.due(now).with_something_open()),
        "deal": lambda: list(ticking.mailboxes_with_work(now)),
    }
    say(f"{count:,}", *(f"{median_of(ask) * 1000:.1f} ms" for ask in questions.values()))


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

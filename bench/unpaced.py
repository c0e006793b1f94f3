"""Celery without the pace that providers ask of a mailbox: `python -m bench.unpaced -A apiconnect worker …`."""

from __future__ import annotations

from dataclasses import replace

import django
from celery.__main__ import main


def lift_pace() -> None:
    from providers.registry import PROVIDERS  # noqa: PLC0415

    for kind in PROVIDERS.values():
        kind.limits = replace(kind.limits, sends_per_minute=10**9, recipients_per_day=10**9)


if __name__ == "__main__":
    django.setup()
    lift_pace()
    main()

"""Bells: a task is only a hint that a row is due. A bell that cannot be rung is repaired by the next tick."""

from __future__ import annotations

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

# Two ticks: by then a bell that nobody heard has been rung again, and a stopped worker is not flooded later.
HEARD_WITHIN_SECONDS = 120

logger = structlog.get_logger(__name__)


def ring_campaign(campaign_id: int) -> None:
    _ring("campaigns.tasks.queue_campaign", campaign_id=campaign_id)


def ring_mailbox(mailbox_id: int, *, in_seconds: float = 0) -> None:
    _ring("campaigns.tasks.run_mailbox", in_seconds, mailbox_id=mailbox_id)


def _ring(task: str, in_seconds: float = 0, **ids: int) -> None:
    try:
        expires = in_seconds + HEARD_WITHIN_SECONDS
        current_app.send_task(task, kwargs=ids, countdown=in_seconds, expires=expires)
    except OperationalError as error:
        logger.warning("bell not rung, the next tick will", task=task, reason=str(error))

"""Bells: a task is only a hint that rows are due. One that cannot be rung is repaired by the next tick.

A queue never holds more bells than are heard soon: what waits, waits as rows, and each bell finds the row whose
turn it is. A bell does not expire: one too many finds nothing to do, while a host whose clock is ahead would throw
away every bell that it hears.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import current_app
from kombu import Queue
from kombu.exceptions import ChannelError, OperationalError

# So many bells wait in one queue at the most; a worker that answers one rings for more.
QUEUE_LENGTH = 128

logger = structlog.get_logger(__name__)


def ring(task: str, **ids: int) -> None:
    """Enqueue `task` with the numbers of its rows."""
    try:
        current_app.send_task(task, kwargs=ids)
    except OperationalError as error:
        logger.warning("bell not rung, the next tick will", task=task, reason=str(error))


def waiting_in(queue: str) -> int:
    """How many bells nobody has answered yet. Raises kombu's OperationalError where the broker is away."""
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=2)
        try:
            declared: Any = Queue(queue)(connection.default_channel).queue_declare(passive=True)
        except ChannelError:  # no bell was ever rung in it
            return 0
        except connection.connection_errors as error:
            raise OperationalError(str(error)) from error
    return int(declared.message_count)


def room_in(queue: str) -> int:
    """How many more bells `queue` takes; none while the broker is away."""
    try:
        return max(0, QUEUE_LENGTH - waiting_in(queue))
    except OperationalError as error:
        logger.warning("broker does not answer", queue=queue, reason=str(error))
        return 0

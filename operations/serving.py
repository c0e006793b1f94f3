"""Web, worker and scheduler in one process: what `manage.py serve` runs on one machine.

Nothing is lost when the process dies: the memory broker carries bells only, all work is rows.
"""

from __future__ import annotations

import signal
import threading

import structlog
from celery import current_app
from celery.app import app_or_default
from celery.beat import Scheduler, Service
from celery.worker import WorkController
from cheroot.wsgi import Server as WebServer
from django.core.handlers.wsgi import WSGIHandler

from operations.tasks import start_cycle, tick

logger = structlog.get_logger(__name__)

QUEUES = ["sending", "reading", "housekeeping"]
WORKER_THREADS = 4
WEB_THREADS = 8


class EmbeddedWorker:
    """A Celery worker and its scheduler as threads of this process."""

    def __init__(self) -> None:
        self._worker = WorkController(
            app=app_or_default(),
            pool_cls="threads",
            concurrency=WORKER_THREADS,
            queues=QUEUES,
            without_gossip=True,
            without_mingle=True,
        )
        self._scheduler = Service(current_app, scheduler_cls=Scheduler)
        self._threads = [
            threading.Thread(target=self._worker.start, name="worker", daemon=True),
            threading.Thread(target=self._scheduler.start, name="scheduler", daemon=True),
        ]

    def start(self) -> None:
        """Start both, with a first cycle at once instead of after ten minutes."""
        for thread in self._threads:
            thread.start()
        start_cycle.delay()
        tick.delay()

    def stop(self) -> None:
        self._scheduler.stop()
        self._worker.stop()


def serve(application: WSGIHandler, host: str, port: int) -> None:
    """Serve until interrupted or terminated, then end what is under way. Raises OSError where the address is taken."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    web = WebServer((host, port), application, numthreads=WEB_THREADS, server_name="apiconnect")
    web.prepare()
    worker = EmbeddedWorker()
    worker.start()
    logger.info("serving", host=host, port=port)
    try:
        web.serve()
    except KeyboardInterrupt:
        logger.info("stopping")
    finally:
        worker.stop()
        web.stop()

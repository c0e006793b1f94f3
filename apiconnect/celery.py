"""The Celery app. The broker is a bell: every piece of work is a row that the next tick finds again."""

import os
from typing import Any

from celery import Celery
from celery.app.task import Task
from celery.signals import task_postrun, task_prerun
from django.db import close_old_connections

from apiconnect import broker, tracing  # noqa: F401  tracing connects to Celery's signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")

broker.install()
app = Celery("apiconnect")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
@task_postrun.connect
def keep_young_connections(sender: Task[Any, Any], **_: object) -> None:
    """A thread's connection lives on between tasks as it does between requests: CONN_MAX_AGE, health checks.

    Celery itself would close it after every task (settings.CELERY_DB_REUSE_MAX), and a new one costs PostgreSQL
    more than most tasks.
    """
    if not sender.request.is_eager:
        close_old_connections()

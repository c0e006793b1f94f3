"""The Celery app. The broker is a bell: every piece of work is a row that the next tick finds again."""

import os

from celery import Celery

from apiconnect import broker, tracing  # noqa: F401  tracing connects to Celery's signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apiconnect.settings")

broker.install()
app = Celery("apiconnect")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

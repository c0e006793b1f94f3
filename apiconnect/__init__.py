"""Wiring only: settings, URLs, Celery, WSGI and ASGI."""

from apiconnect.celery import app as celery_app

__all__ = ["celery_app"]

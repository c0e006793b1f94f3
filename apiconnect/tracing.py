"""One id from the request that rings a bell to the task that hears it, on every line of the log between.

A web request keeps the X-Request-ID that a proxy gave it, if that is well formed, or is given one, and answers with
it. A task carries the id of whoever rang for it; one that the scheduler rang has its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

HEADER = "X-Request-ID"
# In the headers of a Celery message, and in the log.
NAME = "request_id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def accepted(given: object) -> str:
    """`given` where it is well formed, else a new id: what a stranger sends never breaks a line of the log."""
    if isinstance(given, str) and _WELL_FORMED.fullmatch(given):
        return given
    return uuid.uuid4().hex


class RequestIds:
    """Middleware: binds the request's id to the log and sends it back; the outermost, so that all lines have it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        clear_contextvars()
        request_id = accepted(request.headers.get(HEADER))
        bind_contextvars(**{NAME: request_id})
        try:
            response = self.get_response(request)
        finally:
            clear_contextvars()
        response.headers[HEADER] = request_id
        return response


@before_task_publish.connect(dispatch_uid="tracing.publish")
def _send_along(headers: dict[str, Any], **_: Any) -> None:
    if bound := get_contextvars().get(NAME):
        headers[NAME] = bound


@task_prerun.connect(dispatch_uid="tracing.prerun")
def _bind(task_id: str, task: Task[Any, Any], kwargs: dict[str, Any], **_: Any) -> None:
    """The task's name and the numbers of its rows as well: a task has nothing else for arguments."""
    clear_contextvars()
    request_id = accepted(task.request.get(NAME) or task_id)
    bind_contextvars(**{NAME: request_id}, task=task.name, task_id=task_id, **kwargs)


@task_postrun.connect(dispatch_uid="tracing.postrun")
def _forget(**_: Any) -> None:
    """The thread's next task is another's."""
    clear_contextvars()

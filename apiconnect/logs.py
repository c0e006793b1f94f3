"""Structured logs: JSON in production, readable lines on a laptop, secrets never."""

from __future__ import annotations

from typing import Any

import structlog

SECRET_WORDS = (
    "secret",
    "password",
    "private_key",
    "access_token",
    "authorization",
    "credential",
    "assertion",
)
MASK = "*****"


def mask_secrets(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Mask the value of every key that names a secret, however deep the caller's mistake."""
    for key, value in event.items():
        event[key] = _masked(str(key), value)
    return event


def _masked(key: str, value: Any) -> Any:
    if any(word in key.lower() for word in SECRET_WORDS):
        return MASK
    if isinstance(value, dict):
        return {inner: _masked(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list):
        return [_masked("", one) for one in value]
    return value


PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    mask_secrets,
]


def logging_config(*, debug: bool, level: str) -> dict[str, Any]:
    """A dictConfig for Django's LOGGING; also configures structlog to write through it."""
    structlog.configure(
        processors=[*PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Tracebacks are written whole but plain: a drawn one would show local variables, secrets among them.
    renderers: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
        if debug
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "urllib3": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
        },
    }

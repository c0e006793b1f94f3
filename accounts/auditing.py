"""Writing the audit log: one function, called by both faces and the commands."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.db import models

from accounts.models import AuditEntry, User

# Fields whose value never enters the log.
SECRET_FIELDS = {"password", "credentials", "access_token"}
MASK = "*****"
# What sending writes by itself while a person changes something else.
WRITTEN_MEANWHILE = {"last_sent_at"}
# The superuser behind the request who is logged in as a customer's user, if one is (`impersonating`).
behind: ContextVar[User | None] = ContextVar("behind", default=None)


def snapshot(row: models.Model) -> dict[str, Any]:
    """The row's own columns as JSON-ready values, secrets masked."""
    return {
        field.attname: MASK if field.name in SECRET_FIELDS else _plain(field.value_from_object(row))
        for field in row._meta.concrete_fields
        if field.name not in WRITTEN_MEANWHILE
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def audit(
    actor: User | None,
    action: str,
    row: models.Model | None = None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    acting_as: str = "",
) -> AuditEntry:
    """Record that `actor` (None: the system) did `action` to `row`; only what differs is kept.

    A superuser who is logged in as `actor` is named, with whom they act as.
    """
    if actor and (admin := behind.get()):
        actor, acting_as = admin, actor.email
    before, after = before or {}, after or {}
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    return AuditEntry.objects.create(
        customer_id=_customer_of(row),
        actor=actor,
        actor_email=actor.email if actor else "system",
        acting_as=acting_as,
        action=action,
        object_type=row._meta.model_name or "" if row else "",
        object_id=str(row.pk) if row and row.pk else "",
        object_name=str(row)[:320] if row else "",
        before={key: before[key] for key in sorted(changed) if key in before},
        after={key: after[key] for key in sorted(changed) if key in after},
    )


def _customer_of(row: models.Model | None) -> int | None:
    if row is None:
        return None
    if row._meta.label == "accounts.Customer":
        return int(row.pk) if row.pk else None
    return getattr(row, "customer_id", None)

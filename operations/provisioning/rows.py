"""What every part of provisioning does to a row: find it, check whose it is, save it, count it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from accounts.models import Customer
from audience.changes import Cause
from audience.models import Change
from operations.provisioning.document import Section
from operations.provisioning.tally import Tally
from servers.models import Server


class Rows:
    """One run's tally, and the servers whose connection is to be tested after the commit."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.tally = Tally()
        self.to_connect: list[Server] = []
        self.cause = Cause(Change.Cause.PROVISIONING, text="provisioning file")

    def find(self, model: Any, section: Section) -> tuple[Any, bool]:
        """The row with the section's uid, or a new one."""
        uid = section.text("uid")
        row = model.objects.filter(uid=uid).first()
        return (row, False) if row is not None else (model(uid=uid), True)

    def owner(self, section: Section, row: Any, created: bool) -> Customer | None:
        uid = section.text("customer", "")
        customer = Customer.objects.filter(uid=uid).first() if uid else None
        if uid and customer is None:
            section.fail(f"there is no customer “{uid}”.", "customer")
        if not created and row.customer_id != (customer.pk if customer else None):
            section.fail("this uid belongs to another customer.", "uid")
        return customer

    def required_owner(self, section: Section, row: Any, created: bool) -> Customer:
        customer = self.owner(section, row, created)
        if customer is None:
            section.fail("“customer” is required.")
        return customer

    def save(
        self,
        section: Section,
        kind: str,
        row: models.Model,
        fields: dict[str, Any],
        *,
        created: bool,
        changed: bool = False,
        exclude: set[str] | None = None,
    ) -> None:
        before = None if created else values_of(row)
        for name, value in fields.items():
            setattr(row, name, value)
        self.clean(section, row, exclude)
        changed = changed or created or before != values_of(row)
        if changed:
            row.save()
        self.tally.count(kind, created=created, changed=changed)

    def clean(self, section: Section, row: models.Model, exclude: set[str] | None = None) -> None:
        try:
            row.full_clean(exclude=exclude)
        except ValidationError as error:
            section.fail(" ".join(_sentences(error)))


def values_of(row: models.Model) -> dict[str, Any]:
    return {field.attname: field.value_from_object(row) for field in row._meta.concrete_fields}


def _sentences(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return list(error.messages)
    return [
        text if name == "__all__" else f"{name}: {text}"
        for name, texts in error.message_dict.items()
        for text in texts
    ]

"""Applying a provisioning file: idempotent, all or nothing.

Statuses, locks and passwords apply on creation only, and no import ever raises a subscriber's status.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from operations.provisioning.accounts import AccountsPart
from operations.provisioning.audience import AudiencePart
from operations.provisioning.document import Section
from operations.provisioning.servers import ServersPart


class Provisioner(AccountsPart, ServersPart, AudiencePart):
    """One run over one document; the caller holds the transaction."""

    def __init__(self, document: Section, now: datetime) -> None:
        super().__init__(now)
        self.document = document

    def apply(self) -> None:
        """Everything in the file, in the order its parts refer to each other. Raises ProvisioningError."""
        document = self.document
        if settings := document.section("settings"):
            self._settings(settings)
        steps: tuple[tuple[str, str, Callable[[Section], None]], ...] = (
            ("groups", "group", self._group),
            ("customers", "customer", self._customer),
            ("keys", "key", self._key),
            ("delivery_servers", "delivery server", self._delivery_server),
            ("bounce_servers", "bounce server", self._bounce_server),
            ("lists", "list", self._list),
            ("campaign_groups", "campaign group", self._campaign_group),
            ("monitors", "monitor", self._monitor),
            ("campaigns", "campaign", self._campaign),
        )
        for name, what, take in steps:
            for section in document.sections(name, what):
                take(section)
                section.done()
        document.done()


class _DryRun(Exception):
    """Raised at the end of a dry run to take everything back."""


def provision(document: Section, now: datetime, *, dry_run: bool = False) -> Provisioner:
    """Apply the whole document or nothing of it; the caller tests connections afterwards (`to_connect`)."""
    provisioner = Provisioner(document, now)
    try:
        with transaction.atomic():
            provisioner.apply()
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return provisioner

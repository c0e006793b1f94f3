"""A mailbox's sync history as CSV, for reading only."""

from __future__ import annotations

from typing import Any, ClassVar

from import_export.fields import Field

from mailboxes.models import MessageMatch, ProcessedMessage
from mailboxes.tables import reasons_of
from pages.resources import CustomerResource


class MatchedResource(CustomerResource):
    """Messages that concerned the customer."""

    received_at = Field(attribute="message__received_at", readonly=True)
    sender = Field(attribute="message__sender", readonly=True)
    subject = Field(attribute="message__subject", readonly=True)

    class Meta(CustomerResource.Meta):
        model = MessageMatch
        import_id_fields = ("id",)
        fields: ClassVar = ("id", "received_at", "sender", "subject", "summary")


class UnmatchedResource(CustomerResource):
    """Messages that concern nobody."""

    why = Field(readonly=True)

    class Meta(CustomerResource.Meta):
        model = ProcessedMessage
        import_id_fields = ("id",)
        fields: ClassVar = ("id", "received_at", "sender", "subject", "why")

    def dehydrate_why(self, message: Any) -> str:
        return "; ".join(f"{purpose}: {reason}" for purpose, reason in reasons_of(message))

"""CSV files of the delivery log."""

from __future__ import annotations

from typing import ClassVar

from import_export.fields import Field

from campaigns.models import Delivery
from pages.resources import CustomerResource


class DeliveryResource(CustomerResource):
    """The delivery log, for reading only."""

    campaign_name = Field(column_name="campaign", attribute="campaign__name", readonly=True)
    server_name = Field(column_name="server", attribute="server__name", readonly=True)

    class Meta(CustomerResource.Meta):
        model = Delivery
        import_id_fields = ("id",)
        fields: ClassVar = (
            "id",
            "created_at",
            "campaign_name",
            "recipient",
            "server_name",
            "status",
            "sent_at",
            "sent_message_id",
            "error",
            "error_code",
        )

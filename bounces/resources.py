"""CSV files of bounce servers and of the bounce log."""

from __future__ import annotations

from typing import ClassVar

from import_export.fields import Field

from bounces.forms import BounceServerForm
from bounces.models import Bounce, BounceServer
from pages.features import BOUNCE_SERVERS
from pages.resources import CustomerResource
from servers.resources import ServerResource


class BounceServerResource(ServerResource):
    """API bounce servers as CSV."""

    form_class = BounceServerForm
    feature = BOUNCE_SERVERS

    class Meta(CustomerResource.Meta):
        model = BounceServer
        fields: ClassVar = (
            "uid",
            "customer_name",
            "name",
            "provider",
            "email",
            "key",
            "delete_processed",
            "processed_folder",
            "status",
            "connected_at",
        )


class BounceResource(CustomerResource):
    """The bounce log as CSV, for reading only."""

    campaign_name = Field(column_name="campaign", attribute="campaign__name", readonly=True)

    class Meta(CustomerResource.Meta):
        model = Bounce
        import_id_fields = ("id",)
        fields: ClassVar = (
            "id",
            "created_at",
            "recipient",
            "type",
            "status_code",
            "diagnostic",
            "campaign_name",
            "rule",
            "effect",
        )

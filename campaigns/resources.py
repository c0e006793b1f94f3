"""CSV files of campaigns and of the delivery log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from import_export.fields import Field

from campaigns.forms import CampaignForm, campaign_lock, write_headers
from campaigns.models import Campaign, Delivery
from pages.resources import SEVERAL, CustomerResource


class CampaignResource(CustomerResource):
    """Campaigns as CSV. What an import makes is a draft; one that has begun is not changed by a file."""

    form_class = CampaignForm

    list_name = Field(column_name="list", attribute="list__name")
    group_name = Field(column_name="group", attribute="group__name")
    delivery_servers = Field(column_name="delivery_servers")
    headers = Field(column_name="headers")

    class Meta(CustomerResource.Meta):
        model = Campaign
        fields: ClassVar = (
            "uid",
            "name",
            "list_name",
            "group_name",
            "delivery_servers",
            "subject",
            "from_name",
            "reply_to",
            "html",
            "plain",
            "headers",
        )

    def dehydrate_delivery_servers(self, campaign: Campaign) -> str:
        return f"{SEVERAL} ".join(server.name for server in campaign.delivery_servers.all())

    def dehydrate_headers(self, campaign: Campaign) -> str:
        return write_headers(campaign.headers)

    def filter_export(self, queryset: QuerySet[Any], **kwargs: Any) -> QuerySet[Any]:
        return queryset.prefetch_related("delivery_servers")

    def lock_reason(self, found: Any) -> str:
        return campaign_lock(found)


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

"""CSV files of servers."""

from __future__ import annotations

from typing import Any, ClassVar

from import_export.fields import Field

from pages.features import DELIVERY_SERVERS
from pages.resources import CustomerResource
from servers.forms import DeliveryServerForm
from servers.models import DeliveryServer


class ServerResource(CustomerResource):
    """What every server's file has: the key by its name, and the state for reading only.

    An imported server is not tested: it becomes active by “Connect again”.
    """

    customer_name = Field(column_name="customer", attribute="customer__uid")
    key = Field(column_name="api_key", attribute="api_key__name")
    connected_at = Field(column_name="connected_at", attribute="connected_at", readonly=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.customer is not None:
            self.fields.pop("customer_name", None)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        super().do_instance_save(instance, is_create)
        if not instance.is_connected:
            type(instance)._default_manager.filter(pk=instance.pk).disable()


class DeliveryServerResource(ServerResource):
    """Delivery servers as CSV."""

    form_class = DeliveryServerForm
    feature = DELIVERY_SERVERS

    class Meta(CustomerResource.Meta):
        model = DeliveryServer
        fields: ClassVar = (
            "uid",
            "customer_name",
            "name",
            "type",
            "email",
            "key",
            "from_name",
            "hourly_quota",
            "daily_quota",
            "status",
            "connected_at",
        )

"""CSV files of API keys, without any secret."""

from __future__ import annotations

from typing import ClassVar

from import_export.fields import Field

from keys.forms import ApiKeyForm
from keys.models import ApiKey
from pages.resources import CustomerResource


class ApiKeyResource(CustomerResource):
    """Keys without their secrets. An import changes names and dates; new keys are made by form."""

    form_class = ApiKeyForm

    customer_name = Field(column_name="customer", attribute="customer__uid")
    identity = Field(column_name="identity", attribute="identity", readonly=True)

    class Meta(CustomerResource.Meta):
        model = ApiKey
        fields: ClassVar = ("uid", "customer_name", "provider", "name", "identity", "expires_at", "status")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are
        if self.customer is not None:
            self.fields.pop("customer_name", None)

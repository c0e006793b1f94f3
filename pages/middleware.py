"""Per-request state of the portal."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone


class CustomerTimezone:
    """Show every time in the customer's time zone; the backend sees UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        customer = getattr(request.user, "customer", None)
        if customer is None:
            return self.get_response(request)
        with timezone.override(ZoneInfo(customer.timezone)):
            return self.get_response(request)

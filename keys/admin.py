"""The backend's pages for API keys and tokens; secrets are typed in and never shown again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.backend import BackendAdmin, LogAdmin
from accounts.badges import Tone, expiry, lines, moment, state_badge
from accounts.models import Customer
from keys.models import ApiKey, Token
from providers.registry import PROVIDERS

KEY_LOOKS = {
    ApiKey.Status.ACTIVE: (Tone.GOOD, "check_circle"),
    ApiKey.Status.FAILING: (Tone.BAD, "error"),
    ApiKey.Status.DISABLED: (Tone.QUIET, "pause_circle"),
}
MOST_CHOICES = 500
TOKEN_LOOKS = {
    Token.Status.ACTIVE: (Tone.GOOD, "check_circle"),
    Token.Status.FAILING: (Tone.WARNING, "warning"),
}


@admin.register(ApiKey)
class ApiKeyAdmin(BackendAdmin):
    """Keys of the system and of customers."""

    search_fields = ("name", "identity", "uid")
    list_display = ("named", "provider", "owner", "state", "ends", "worked")
    list_filter: ClassVar = ("provider", ("customer", AutocompleteSelectFilter), "status")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    fields = ("provider", "customer", "name", "expires_at", "status")

    def get_urls(self) -> list[URLPattern]:
        choices = path("choices/", self.admin_site.admin_view(self.choices), name="keys_apikey_choices")
        return [choices, *super().get_urls()]

    def choices(self, request: HttpRequest) -> JsonResponse:
        """The usable keys of a provider (or of a server type's) for a customer, grouped by whose they are."""
        provider, kind = request.GET.get("provider", ""), request.GET.get("type", "")
        provider = provider or next((name for name, one in PROVIDERS.items() if one.server_type == kind), "")
        number = request.GET.get("customer", "")
        customer = Customer.objects.filter(pk=number).first() if number.isdigit() else None
        offered = ApiKey.objects.usable().of_provider(provider).choices_for_backend(customer)
        groups: dict[str, list[dict[str, Any]]] = {"System keys": []}
        if customer is not None:
            groups[f"Keys of {customer.name}"] = []
        for key in offered[:MOST_CHOICES]:
            label = "System keys" if key.is_system or customer is None else f"Keys of {customer.name}"
            groups[label].append({"id": key.pk, "label": key.name})
        return JsonResponse({"groups": [{"label": name, "keys": keys} for name, keys in groups.items()]})

    @display(description="key name", ordering="name")
    def named(self, row: ApiKey) -> SafeString:
        return lines(row.name, row.identity)

    @display(description="customer", ordering="customer__name")
    def owner(self, row: ApiKey) -> str:
        return row.customer.name if row.customer else "System Key"

    @display(description="status", ordering="status")
    def state(self, row: ApiKey) -> SafeString:
        return state_badge(row.status, row.get_status_display(), KEY_LOOKS, row.last_error)

    @display(description="expires", ordering="expires_at")
    def ends(self, row: ApiKey) -> SafeString:
        return expiry(row.expires_at, timezone.now().date())

    @display(description="last worked", ordering="last_ok_at")
    def worked(self, row: ApiKey) -> SafeString:
        return moment(row.last_ok_at)


@admin.register(Token)
class TokenAdmin(LogAdmin):
    """One mailbox's access for one customer; the secret itself is sealed and on no page."""

    list_display = ("email", "provider", "owner", "api_key", "state", "ends", "refreshed")
    list_filter: ClassVar = ("provider", "status", ("customer", AutocompleteSelectFilter))
    list_select_related = ("customer", "api_key")
    address_search = ("email_key",)
    search_help_text = "A mailbox's address."
    fields = (
        "email",
        "provider",
        "owner",
        "api_key",
        "state",
        "ends",
        "refreshed",
        "scope_list",
        "last_error",
    )
    readonly_fields = fields

    @display(description="customer", ordering="customer__name")
    def owner(self, row: Token) -> str:
        return row.customer.name if row.customer else "System"

    @display(description="status", ordering="status")
    def state(self, row: Token) -> SafeString:
        return state_badge(row.status, row.get_status_display(), TOKEN_LOOKS, row.last_error)

    @display(description="expires", ordering="expires_at")
    def ends(self, row: Token) -> SafeString:
        return moment(row.expires_at)

    @display(description="refreshed", ordering="refreshed_at")
    def refreshed(self, row: Token) -> SafeString:
        return moment(row.refreshed_at)

    @display(description="proved scopes")
    def scope_list(self, row: Token) -> str:
        return ", ".join(row.scopes) or "not checked yet"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if term and "@" not in term:
            return queryset.filter(Q(api_key__name__icontains=term)), False
        return super().get_search_results(request, queryset, search_term)

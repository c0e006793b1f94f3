"""The backend's pages for API keys and tokens; secrets are typed in and never shown again."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordToggleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.backend import LogAdmin, Rows, button
from accounts.badges import Tone, lines, moment, state_badge
from accounts.models import Customer
from keys.forms import ApiKeyForm
from keys.models import ApiKey, Token
from keys.removing import remove_key
from keys.resources import ApiKeyResource
from keys.tables import API_KEYS, servers_of
from keys.verifying import verify_key
from pages.admin import TransferAdmin
from providers.credentials import CredentialField
from providers.help import help_for
from providers.registry import PROVIDERS

MOST_CHOICES = 500
TOKEN_LOOKS = {
    Token.Status.ACTIVE: (Tone.GOOD, "check_circle"),
    Token.Status.FAILING: (Tone.WARNING, "warning"),
}


class BackendKeyForm(ApiKeyForm):
    """The shared form with every provider's fields at hand; the page shows those of the chosen type."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            return
        for described in all_credential_fields():
            if described.name not in self.fields:
                self.fields[described.name] = self._input_for(described)
                self.fields[described.name].required = False

    def _input_for(self, described: CredentialField) -> forms.CharField:
        field = super()._input_for(described)
        kind = UnfoldAdminTextInputWidget
        if described.is_secret:
            kind = UnfoldAdminTextareaWidget if described.is_multiline else UnfoldAdminPasswordToggleWidget
        field.widget = kind(attrs={"autocomplete": "new-password", "spellcheck": "false"})
        return field


class VerifyDialog(BaseDialogForm):  # type: ignore[misc]  # django-unfold carries no types
    """Which mailbox to try a key on."""

    email = forms.EmailField(label="Mailbox to try", widget=UnfoldAdminEmailInputWidget, max_length=320)


def all_credential_fields() -> list[CredentialField]:
    return [described for kind in PROVIDERS.values() for described in kind.credential_fields]


@admin.register(ApiKey)
class ApiKeyAdmin(TransferAdmin):
    """Keys of the system and of customers."""

    table = API_KEYS
    resource_classes = (ApiKeyResource,)
    form = BackendKeyForm
    search_fields = API_KEYS.search
    no_customer = "System Key"
    autocomplete_fields = ("customer",)
    readonly_fields = ("owner", "used_by", "trouble")
    actions_detail = ("verify",)
    conditional_fields: ClassVar = {
        described.name: f"provider == '{name}'"
        for name, kind in PROVIDERS.items()
        for described in kind.credential_fields
    }

    def get_queryset(self, request: HttpRequest) -> Rows:
        # Opened by what uses it alone: a list shows even keys whose seal is broken.
        return super().get_queryset(request).defer("credentials")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # Credentials are no columns: the form adds them itself. A viewer gets no field at all.
        if self.has_change_permission(request, obj):
            whose = () if obj else ("customer",)
            kwargs |= {"fields": ("provider", *whose, "name", "expires_at", "status"), "widgets": {}}
        else:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        asked = PROVIDERS[obj.provider].credential_fields if obj else all_credential_fields()
        names = (
            tuple(described.name for described in asked) if self.has_change_permission(request, obj) else ()
        )
        # Whose key it is stays: a customer's key never becomes a system key, nor another customer's.
        plain = ("provider", "owner" if obj else "customer", "name", *names, "expires_at", "status")
        return [
            (None, {"fields": plain}),
            *([("Use", {"fields": ("used_by", "trouble")})] if obj else []),
        ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Masked before and after, so the comparison of columns cannot see it.
        if change and form.credentials is not None:
            self.audit(request, "replace credentials", form.instance)

    @display(description="used by")
    def used_by(self, row: ApiKey) -> SafeString:
        return render_to_string("admin/used_by.html", {"servers": servers_of(row)})

    @display(description="last trouble")
    def trouble(self, row: ApiKey) -> SafeString:
        if not row.last_error:
            return lines(
                f"None. Last worked {row.last_ok_at:%Y-%m-%d %H:%M}" if row.last_ok_at else "None so far."
            )
        topic = help_for(row.provider, row.last_error_code, row.last_error)
        return lines(row.last_error, f"Cause: {topic.cause}", f"Fix: {topic.fix}")

    # --- verifying

    @button(
        "Verify",
        icon="verified_user",
        permission="change",
        asks="Tries the key on a mailbox, step by step. Nothing is sent and nothing in it is changed.",
        form=VerifyDialog,
    )
    def verify(self, request: HttpRequest, form: VerifyDialog, object_id: str) -> HttpResponse:
        key = get_object_or_404(ApiKey, pk=object_id)
        found = verify_key(key, form.cleaned_data["email"], timezone.now())
        self.audit(request, "verify", key)
        return render(request, "admin/verified.html", {"form": form, "steps": found.steps})

    # --- deleting: refused while servers run on it

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        keys = list(objs)
        protected = [str(server) for key in keys for server in servers_of(key)]
        tokens = sum(key.tokens.count() for key in keys)
        count = {ApiKey._meta.verbose_name_plural: len(keys), "tokens": tokens}
        return [str(key) for key in keys], count, set(), protected

    def delete_row(self, row: ApiKey) -> None:
        remove_key(row)

    # --- choices for servers' forms

    def get_urls(self) -> list[URLPattern]:
        choices = path("choices/", self.admin_site.admin_view(self.choices), name="keys_apikey_choices")
        return [choices, *super().get_urls()]

    def choices(self, request: HttpRequest) -> JsonResponse:
        """The usable keys of a provider (or of a server type's) for a customer, grouped by whose they are."""
        provider, kind = request.GET.get("provider", ""), request.GET.get("type", "")
        provider = provider or next((name for name, one in PROVIDERS.items() if one.server_type == kind), "")
        number = request.GET.get("customer", "")
        customer = Customer.objects.filter(pk=number).first() if number.isdigit() else None
        offered = (
            ApiKey.objects.usable().of_provider(provider).choices_for_backend(customer).defer("credentials")
        )
        groups: dict[str, list[dict[str, Any]]] = {"System keys": []}
        if customer is not None:
            groups[f"Keys of {customer.name}"] = []
        for key in offered[:MOST_CHOICES]:
            label = "System keys" if key.is_system or customer is None else f"Keys of {customer.name}"
            groups[label].append({"id": key.pk, "label": key.name})
        return JsonResponse({"groups": [{"label": name, "rows": rows} for name, rows in groups.items()]})


@admin.register(Token)
class TokenAdmin(LogAdmin):
    """One mailbox's access for one customer; the secret itself is sealed and on no page."""

    list_display = ("email", "provider", "owner", "api_key", "state", "ends", "refreshed")
    list_filter: ClassVar = ("provider", "status", ("customer", AutocompleteSelectFilter))
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

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.select_related("customer", "api_key").defer("access_token", "api_key__credentials")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if term and "@" not in term:
            return queryset.filter(Q(api_key__name__icontains=term)), False
        return super().get_search_results(request, queryset, search_term)

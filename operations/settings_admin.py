"""The settings page: providers, limits, blacklist and retention; it says what a switch does before it does it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.backend import BackendAdmin
from accounts.models import CustomerGroup, SystemSettings
from accounts.switches import apply_settings
from bounces.models import BounceServer
from keys.models import ApiKey, Token
from monitors.models import Monitor
from providers.registry import PROVIDERS
from servers.models import DeliveryServer, Server

YES_NO = ((True, "Yes"), (False, "No"))
SWITCHES = (
    "enabled",
    "microsoft_enabled",
    "google_enabled",
    "customer_keys_enabled",
    "customer_blacklist_is_global",
)


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Every switch as Yes or No."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SWITCHES:
            if name in self.fields:
                self.fields[name] = _yes_or_no(self.fields[name])


def _yes_or_no(field: forms.Field) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=field.label,
        help_text=field.help_text,
        choices=YES_NO,
        coerce=lambda value: value == "True",
        widget=UnfoldAdminSelectWidget,
    )


def active_servers(provider: str) -> dict[str, int]:
    """How many active servers of each kind run on `provider`."""
    counts: dict[str, QuerySet[Any]] = {
        "delivery servers": DeliveryServer.objects.filter(type=PROVIDERS[provider].server_type),
        "API bounce servers": BounceServer.objects.filter(provider=provider),
        "API monitors": Monitor.objects.filter(provider=provider),
    }
    return {label: rows.filter(status=Server.Status.ACTIVE).count() for label, rows in counts.items()}


def switch_effect(provider: str, settings: SystemSettings) -> str:
    """What switching `provider` over will do, in words and numbers."""
    kind = PROVIDERS[provider]
    groups = list(CustomerGroup.objects.values_list("allowed_server_types", flat=True))
    having = sum(kind.server_type in types for types in groups)
    servers = ", ".join(f"{count} active {label}" for label, count in active_servers(provider).items())
    kept = f"{ApiKey.objects.of_provider(provider).count()} keys and " + (
        f"{Token.objects.filter(provider=provider).count()} tokens"
    )
    if settings.is_provider_enabled(provider):
        return (
            f"Now on. “No” removes {kind.server_type_label} from {having} of {len(groups)} customer groups; "
            f"{servers} stop sending and reading. {kept} are kept."
        )
    return (
        f"Now off. “Yes” registers {kind.server_type_label} and adds it to {len(groups) - having} of "
        f"{len(groups)} customer groups; {servers} go on. {kept} are there."
    )


def master_effect(settings: SystemSettings) -> str:
    """What the master switch will do, in words and numbers."""
    totals = [active_servers(provider) for provider in PROVIDERS]
    servers = ", ".join(f"{sum(total[label] for total in totals)} active {label}" for label in totals[0])
    if settings.enabled:
        return f"Now on. “No” stops everything: nothing is sent or read by {servers}. Nothing is deleted."
    return f"Now off: nothing is sent or read. “Yes” lets {servers} go on where they stopped."


@admin.register(SystemSettings)
class SystemSettingsAdmin(BackendAdmin):
    """The one row of settings; its list is the form itself."""

    form = SettingsForm
    readonly_fields = ("microsoft_keys", "google_keys")
    change_form_template = "admin/settings_form.html"
    fieldsets: ClassVar = (
        ("API Connect", {"fields": ("enabled",)}),
        ("Microsoft", {"fields": ("microsoft_enabled", "microsoft_keys")}),
        ("Google", {"fields": ("google_enabled", "google_keys")}),
        ("Customers", {"fields": ("customer_keys_enabled", "customer_blacklist_is_global")}),
        (
            "Servers",
            {
                "fields": (
                    "default_max_delivery_servers",
                    "default_max_bounce_servers",
                    "default_max_monitors",
                ),
                "description": "Defaults for every customer; a customer group may override each of them.",
                "classes": ["tab"],
            },
        ),
        ("Retention", {"fields": ("raw_mail_retention_days", "log_retention_days"), "classes": ["tab"]}),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        stored = SystemSettings.load()
        kwargs["help_texts"] = {
            "enabled": master_effect(stored),
            **{f"{name}_enabled": switch_effect(name, stored) for name in PROVIDERS},
            "customer_keys_enabled": "Yes: customers may enter keys of their own. No: they use what you give them.",
        }
        return super().get_form(request, obj, change, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:accounts_systemsettings_change", args=[SystemSettings.load().pk])
        )

    def save_model(self, request: HttpRequest, obj: SystemSettings, form: Any, change: bool) -> None:
        form.audit_before = self.audit_snapshot(SystemSettings.load())
        apply_settings(obj)

    def response_change(self, request: HttpRequest, obj: SystemSettings) -> HttpResponse:
        self.message_user(request, "The settings are saved and in force.", messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="keys")
    def microsoft_keys(self, row: SystemSettings) -> SafeString:
        return keys_button("microsoft")

    @display(description="keys")
    def google_keys(self, row: SystemSettings) -> SafeString:
        return keys_button("google")


def keys_button(provider: str) -> SafeString:
    """The way from a provider's block to its keys."""
    url = f"{reverse('admin:keys_apikey_changelist')}?provider__exact={provider}"
    return render_to_string("admin/keys_button.html", {"url": url})

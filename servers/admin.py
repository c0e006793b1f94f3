"""The backend's pages for delivery servers, and what all servers' pages share."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django_htmx.http import HttpResponseClientRedirect

from accounts.backend import button
from keys.models import ApiKey
from pages.admin import TransferAdmin
from pages.tables import Action
from servers.connecting import connect, first_reading_note
from servers.forms import DeliveryServerForm
from servers.models import DeliveryServer, Server, ServerQuerySet
from servers.resources import DeliveryServerResource
from servers.tables import DELIVERY_SERVERS


class ConnectionFilter(admin.SimpleListFilter):
    """Servers by their connection."""

    title = "connection"
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("connected", "Connected"), ("not", "Not connected"), ("attention", "Needs attention")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "connected":
                return queryset.filter(connected_at__isnull=False)
            case "not":
                return queryset.filter(connected_at__isnull=True)
            case "attention":
                return queryset.exclude(last_error="")
        return queryset


class ServerAdmin(TransferAdmin):
    """What every server's pages share: key choices, lock, and the connection test after a save."""

    autocomplete_fields = ("customer",)
    readonly_fields: ClassVar = ("connection",)
    backend_filters = (ConnectionFilter, "locked")
    backend_actions = (Action(ServerQuerySet.lock, "Lock"), Action(ServerQuerySet.unlock, "Unlock"))
    actions_detail: tuple[str, ...] = ("connect_again",)

    class Media:
        js = ("backend/key-choices.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A list opens no secret: it is quicker, and one that cannot be opened any more stops no page.
        return super().get_queryset(request).defer("api_key__credentials")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # Newest first, which an index answers; by name 100,000 servers of all customers would be sorted.
        return ("-pk",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # Whoever may only look gets no fields, and the shared form needs some to work on.
        if not self.has_change_permission(request, obj):
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "api_key" and field is not None:
            field.label_from_instance = key_label
            field.widget.attrs["data-choices"] = reverse("admin:keys_apikey_choices")
        return field

    @display(description="connection")
    def connection(self, row: Server) -> SafeString:
        return render_to_string("admin/connection.html", {"server": row})

    # --- the connection test

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        request.saved_server = obj  # type: ignore[attr-defined]  # tested once the transaction is over

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save in a transaction as ever, then test the connection outside of it."""
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        server = getattr(request, "saved_server", None)
        if server is None or self.test_connection(request, server):
            return response
        return HttpResponseRedirect(page_of(server))

    def test_connection(self, request: HttpRequest, server: Server) -> bool:
        """Connect, which calls the provider, and say what came of it."""
        connected = connect(server, timezone.now())
        if connected:
            text = f"✓ Connected: {server.email} can be used by “{server.name}”."
            self.message_user(request, f"{text} {first_reading_note(server)}".strip(), messages.SUCCESS)
        else:
            text = f"“{server.name}” is saved, inactive and not connected. {server.last_error}"
            self.message_user(request, text, messages.ERROR)
        return connected

    @button(
        "Connect again",
        icon="refresh",
        permission="change",
        asks="Each step is tested now, with fresh tokens. Nothing is sent or changed.",
    )
    def connect_again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        server = get_object_or_404(self.model.objects.select_related("api_key"), pk=object_id)
        self.test_connection(request, server)
        self.audit(request, "connect again", server)
        return HttpResponseClientRedirect(page_of(server))


def page_of(server: Server) -> str:
    """The server's own page in the backend."""
    return reverse(f"admin:{server._meta.app_label}_{server._meta.model_name}_change", args=[server.pk])


def key_label(key: ApiKey) -> str:
    """A key in a choice, with whose it is."""
    return f"{key.name} (System Key)" if key.is_system else f"{key.name} ({key.identity or 'customer key'})"


@admin.register(DeliveryServer)
class DeliveryServerAdmin(ServerAdmin):
    """Mailboxes that send campaign mail."""

    table = DELIVERY_SERVERS
    resource_classes = (DeliveryServerResource,)
    form = DeliveryServerForm
    search_fields = DELIVERY_SERVERS.search
    fieldsets: ClassVar = (
        (None, {"fields": ("type", "customer", "locked", "name", "email", "api_key", "from_name", "status")}),
        ("Quota", {"fields": ("hourly_quota", "daily_quota", "sends_per_minute")}),
        ("Connection", {"fields": ("connection",)}),
    )

"""The backend's pages for customers, customer groups, users and the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import user_admin  # noqa: F401  registers the users' pages
from accounts.backend import BackendAdmin, LogAdmin
from accounts.badges import EMPTY, Tone, badge, lines, link, moment
from accounts.limits import Kind, Limit, effective_limit
from accounts.models import AuditEntry, Customer, CustomerGroup, SystemSettings
from providers.registry import SERVER_TYPE_CHOICES

LIMIT_LABELS = {
    Kind.DELIVERY_SERVERS: "Max. delivery servers",
    Kind.BOUNCE_SERVERS: "Max. API bounce servers",
    Kind.MONITORS: "Max. API monitors",
}

for model in (Group, AccessAttempt, AccessLog, AccessFailureLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class CustomerGroupForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Limits that may be left to the system, and server types as checkboxes."""

    allowed_server_types = forms.MultipleChoiceField(
        choices=SERVER_TYPE_CHOICES,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Switching a provider on or off in the settings adds or removes its type here.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        system = SystemSettings.load()
        for kind in Kind:
            field = self.fields.get(f"max_{kind}")
            if field is not None:
                default = Limit(getattr(system, f"default_max_{kind}"), "system default").words
                field.widget.attrs["placeholder"] = f"use system default (currently {default})"
                field.help_text = f"{field.help_text} Empty: use system default (currently {default})."


@admin.register(CustomerGroup)
class CustomerGroupAdmin(BackendAdmin):
    """Customer groups: limits and allowed server types."""

    form = CustomerGroupForm
    search_fields = ("name",)
    list_display = (
        "name", "customer_count", "max_delivery_servers", "max_bounce_servers", "max_monitors", "types"
    )  # fmt: skip
    fieldsets: ClassVar = (
        ("General", {"fields": ("name",), "classes": ["tab"]}),
        (
            "Servers",
            {
                "fields": (
                    "max_delivery_servers", "max_bounce_servers", "max_monitors", "allowed_server_types"
                ),
                "classes": ["tab"],
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerGroup]:
        rows: QuerySet[CustomerGroup] = super().get_queryset(request)
        return rows.annotate(customer_total=Count("customers"))

    @display(description="customers", ordering="customer_total")
    def customer_count(self, row: Any) -> SafeString:
        url = reverse("admin:accounts_customer_changelist")
        return link(f"{url}?group__id__exact={row.pk}", str(row.customer_total))

    @display(description="allowed server types")
    def types(self, row: CustomerGroup) -> str:
        labels = dict(SERVER_TYPE_CHOICES)
        return ", ".join(labels.get(kind, kind) for kind in row.allowed_server_types) or "none"


@admin.register(Customer)
class CustomerAdmin(BackendAdmin):
    """Customers, with the limits in force and where each number comes from."""

    search_fields = ("name", "uid")
    list_display = ("name", "uid", "state", "group", "user_count", "timezone", "created")
    list_filter = ("status", ("group", AutocompleteSelectFilter))
    list_select_related = ("group",)
    autocomplete_fields = ("group",)
    readonly_fields = ("effective_limits", "created")
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "uid", "status", "group", "timezone", "created")}),
        ("Limits in force", {"fields": ("effective_limits",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        rows: QuerySet[Customer] = super().get_queryset(request)
        return rows.annotate(user_total=Count("users"))

    @display(description="status", ordering="status")
    def state(self, row: Customer) -> SafeString:
        if row.is_active:
            return badge("Active", Tone.GOOD, "check_circle")
        return badge("Inactive", Tone.QUIET, "pause_circle")

    @display(description="users", ordering="user_total")
    def user_count(self, row: Any) -> SafeString:
        url = reverse("admin:accounts_user_changelist")
        return link(f"{url}?customer__id__exact={row.pk}", str(row.user_total))

    @display(description="created", ordering="created_at")
    def created(self, row: Customer) -> SafeString:
        return moment(row.created_at)

    @display(description="limits")
    def effective_limits(self, row: Customer) -> SafeString | str:
        if row.pk is None:
            return "Shown once the customer is saved."
        system = SystemSettings.load()
        return format_html_join(
            "",
            '<div class="leading-relaxed">{}: <strong>{}</strong> · set by {}</div>',
            (
                (LIMIT_LABELS[kind], limit.words, limit.source)
                for kind in Kind
                if (limit := effective_limit(row, kind, system))
            ),
        )


@admin.register(AccessAttempt)
class SignInTroubleAdmin(LogAdmin):
    """Refused sign-ins; too many lock an address out for a while, and deleting the row lets it in again."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    exact_search = ("username", "ip_address__startswith")
    address_search = ("username",)
    search_help_text = "The address somebody signed in with, or an IP address."
    fields = ("username", "ip_address", "failures_since_start", "attempt_time", "user_agent", "path_info")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser) if request.user.is_authenticated else False


@admin.register(AuditEntry)
class AuditEntryAdmin(LogAdmin):
    """Who did what, before and after; secrets are left out when it is written."""

    list_display = ("when", "who", "action", "what", "customer")
    list_filter = (("customer", AutocompleteSelectFilter), ("at", RangeDateTimeFilter))
    list_select_related = ("customer",)
    exact_search = ("object_id", "object_name", "action")
    address_search = ("actor_email",)
    search_help_text = "A person's address, an action, or an object's exact name or number."
    fields = ("when", "who", "action", "what", "customer", "changes")
    readonly_fields = fields

    @display(description="when", ordering="at")
    def when(self, row: AuditEntry) -> SafeString:
        return moment(row.at)

    @display(description="who")
    def who(self, row: AuditEntry) -> SafeString:
        return lines(row.actor_email or "system", f"acting as {row.acting_as}" if row.acting_as else "")

    @display(description="what")
    def what(self, row: AuditEntry) -> SafeString:
        return lines(row.object_name, f"{row.object_type} {row.object_id}".strip())

    @display(description="before → after")
    def changes(self, row: AuditEntry) -> SafeString:
        if not row.before and not row.after:
            return EMPTY
        shown = format_html_join(
            "",
            '<tr><th class="text-left pr-6 py-1">{}</th><td class="pr-6">{}</td><td>{}</td></tr>',
            (
                (name, row.before.get(name, "–"), row.after.get(name, "–"))
                for name in sorted({*row.before, *row.after})
            ),
        )
        return format_html(
            '<table><tr><th class="text-left pr-6">column</th><th class="text-left pr-6">before</th>'
            '<th class="text-left">after</th></tr>{}</table>',
            shown,
        )

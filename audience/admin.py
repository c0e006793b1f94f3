"""The backend's pages for mailing lists, subscribers, the blacklist, campaign groups and the journal."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from audience import changes
from audience.causes import BACKEND_PAGES, cause_url
from audience.editing import by_person
from audience.forms import BlacklistForm
from audience.journal import why
from audience.models import BlacklistEntry, CampaignGroup, Change, MailingList, Subscriber
from audience.resources import BlacklistResource, ChangeResource, SubscriberResource
from audience.tables import BLACKLIST, GROUPS, JOURNAL, LISTS, SUBSCRIBERS
from mail.addresses import normalize_address
from pages.admin import ExportAdmin, LogTransferAdmin, TableAdmin

MOST_CHOICES = 500
MOST_REASONS = 100


class NamedChoicesAdmin(TableAdmin):
    """Rows that a monitor of their customer may choose, as JSON for its form."""

    autocomplete_fields = ("customer",)
    fields = ("name", "customer")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.choices)
        return [path("choices/", view, name=f"audience_{self.opts.model_name}_choices"), *super().get_urls()]

    def choices(self, request: HttpRequest) -> JsonResponse:
        number = request.GET.get("customer", "")
        owned = self.model._default_manager.filter(customer_id=number if number.isdigit() else 0)
        rows = [{"id": row.pk, "label": row.name} for row in owned[:MOST_CHOICES]]
        return JsonResponse({"groups": [{"label": "", "rows": rows}]})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Moved to another customer, it would take subscribers and campaigns of the first one along.
        return ("customer",) if obj else ()


@admin.register(MailingList)
class MailingListAdmin(NamedChoicesAdmin):
    """Customers' lists."""

    table = LISTS
    search_fields = LISTS.search

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # With its subscribers the proof of who left would go too.
        return False


@admin.register(CampaignGroup)
class CampaignGroupAdmin(NamedChoicesAdmin):
    """Campaigns that belong together."""

    table = GROUPS
    search_fields = GROUPS.search


@admin.register(Subscriber)
class SubscriberAdmin(LogTransferAdmin):
    """Addresses on lists; they change through the journal's verbs, never by hand."""

    table = SUBSCRIBERS
    resource_classes = (SubscriberResource,)
    address_search = ("email_key",)
    exact_search = ("uid",)
    search_help_text = "A whole address, or a subscriber's uid."
    fields = ("email", "list", "owner", "status", "uid", "fields", "created_at", "history")
    readonly_fields = ("owner", "history")

    @display(description="why")
    def history(self, row: Subscriber) -> SafeString:
        found = [
            (reason.text, bool(reason.change.undone_at), cause_url(reason.change, BACKEND_PAGES))
            for reason in why(row)[:MOST_REASONS]
        ]
        return render_to_string("admin/why.html", {"reasons": found})


class NewEntryForm(BlacklistForm):
    """An address to blacklist for one customer, or for all where none is chosen."""

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        key = normalize_address(values.get("email") or "")
        if BlacklistEntry.objects.filter(customer=values.get("customer"), email_key=key).exists():
            self.add_error("email", "This address is on the blacklist already.")
        return values


@admin.register(BlacklistEntry)
class BlacklistEntryAdmin(LogTransferAdmin):
    """Addresses nothing is sent to: for all, or for one customer."""

    table = BLACKLIST
    resource_classes = (BlacklistResource,)
    no_customer = "All customers"
    address_search = ("email_key",)
    search_help_text = "A whole address."
    fields = ("email", "owner", "reason", "created_at")
    readonly_fields = ("owner",)
    form = NewEntryForm
    autocomplete_fields = ("customer",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("audience.add_blacklistentry")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("customer", "email", "reason")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: BlacklistEntry, form: Any, change: bool) -> None:
        """By the journalled verb, like everything that touches the blacklist."""
        form.audit_before = {}
        cause = by_person(request.user, obj.reason)  # type: ignore[arg-type]  # staff: our User
        changes.blacklist(obj.email, obj.customer, cause, timezone.now())
        obj.pk = BlacklistEntry.objects.get(customer=obj.customer, email_key=normalize_address(obj.email)).pk


@admin.register(Change)
class ChangeAdmin(ExportAdmin):
    """The journal: every change to a subscriber or the blacklist, with its cause."""

    table = JOURNAL
    resource_classes = (ChangeResource,)
    no_customer = "All customers"
    address_search = ("email_key",)
    exact_search = ("subscriber_uid", "cause_id")
    search_help_text = "A whole address, a subscriber's uid, or the number of a cause."
    fields: ClassVar = (
        "at", "email", "action", "before", "after", "cause_kind", "cause_text", "cause_id", "actor", "owner",
        "subscriber_uid", "batch", "undone_at", "undone_by",
    )  # fmt: skip
    readonly_fields = ("owner",)

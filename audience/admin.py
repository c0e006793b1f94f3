"""The backend's pages for mailing lists, subscribers, the blacklist, campaign groups and the journal."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path

from audience.models import BlacklistEntry, CampaignGroup, Change, MailingList, Subscriber
from audience.resources import BlacklistResource, ChangeResource, SubscriberResource
from audience.tables import BLACKLIST, GROUPS, JOURNAL, LISTS, SUBSCRIBERS
from pages.admin import ExportAdmin, TableAdmin

MOST_CHOICES = 500


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
class SubscriberAdmin(ExportAdmin):
    """Addresses on lists; they change through the journal's verbs, never by hand."""

    table = SUBSCRIBERS
    resource_classes = (SubscriberResource,)
    address_search = ("email_key",)
    exact_search = ("uid",)
    search_help_text = "A whole address, or a subscriber's uid."
    fields = ("email", "list", "owner", "status", "uid", "fields", "created_at")
    readonly_fields = ("owner",)


@admin.register(BlacklistEntry)
class BlacklistEntryAdmin(ExportAdmin):
    """Addresses nothing is sent to: for all, or for one customer."""

    table = BLACKLIST
    resource_classes = (BlacklistResource,)
    no_customer = "All customers"
    address_search = ("email_key",)
    search_help_text = "A whole address."
    fields = ("email", "owner", "reason", "created_at")
    readonly_fields = ("owner",)


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

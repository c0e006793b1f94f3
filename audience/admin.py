"""The backend's pages for mailing lists, subscribers, the blacklist, campaign groups and the journal."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.paginator import InfinitePaginator

from accounts.backend import BackendAdmin, LogAdmin
from accounts.badges import Tone, badge, lines, moment, state_badge
from audience.models import BlacklistEntry, CampaignGroup, Change, MailingList, Subscriber
from mail.addresses import normalize_address

STATUS_LOOKS = {
    Subscriber.Status.CONFIRMED: (Tone.GOOD, "check_circle"),
    Subscriber.Status.UNCONFIRMED: (Tone.INFO, "schedule"),
    Subscriber.Status.UNSUBSCRIBED: (Tone.QUIET, "unsubscribe"),
    Subscriber.Status.BLACKLISTED: (Tone.BAD, "block"),
    Subscriber.Status.MOVED: (Tone.QUIET, "drive_file_move"),
    Subscriber.Status.DISABLED: (Tone.QUIET, "pause_circle"),
}


class AddressListAdmin(BackendAdmin):
    """A large table of addresses: never counted, searched by the exact address or its beginning."""

    paginator = InfinitePaginator
    search_fields = ("email_key",)
    search_help_text = "An address, or how it begins."

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(email_key=normalize_address(term)), False
        return queryset.filter(email_key__startswith=term.lower()), False


@admin.register(MailingList)
class MailingListAdmin(BackendAdmin):
    """Customers' lists."""

    search_fields = ("name", "uid")
    list_display = ("name", "uid", "customer", "created")
    list_filter = (("customer", AutocompleteSelectFilter),)
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    fields = ("name", "customer")

    @display(description="created", ordering="created_at")
    def created(self, row: MailingList) -> SafeString:
        return moment(row.created_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A list that moved to another customer would take its subscribers' history along.
        return ("customer",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Subscriber)
class SubscriberAdmin(AddressListAdmin):
    """Addresses on lists. A status changes through the journal's verbs, never by hand."""

    list_display = ("email", "list", "customer", "state", "created")
    list_filter: ClassVar = (
        "status",
        ("list", AutocompleteSelectFilter),
        ("customer", AutocompleteSelectFilter),
    )
    list_select_related = ("customer", "list")
    fields = ("email", "list", "customer", "state", "uid", "fields", "created")
    readonly_fields = fields

    @display(description="status", ordering="status")
    def state(self, row: Subscriber) -> SafeString:
        return state_badge(row.status, row.get_status_display(), STATUS_LOOKS)

    @display(description="added", ordering="pk")
    def created(self, row: Subscriber) -> SafeString:
        return moment(row.created_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BlacklistEntry)
class BlacklistEntryAdmin(AddressListAdmin):
    """Addresses nothing is sent to: for all, or for one customer."""

    list_display = ("email", "scope", "reason", "created")
    list_filter: ClassVar = (("customer", AutocompleteSelectFilter),)
    list_select_related = ("customer",)
    fields = ("email", "scope", "reason", "created")
    readonly_fields = fields

    @display(description="holds for")
    def scope(self, row: BlacklistEntry) -> SafeString:
        if row.customer is None:
            return badge("All customers", Tone.BAD, "public")
        return lines(row.customer.name)

    @display(description="since", ordering="pk")
    def created(self, row: BlacklistEntry) -> SafeString:
        return moment(row.created_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CampaignGroup)
class CampaignGroupAdmin(BackendAdmin):
    """Campaigns that belong together."""

    search_fields = ("name", "uid")
    list_display = ("name", "uid", "customer")
    list_filter = (("customer", AutocompleteSelectFilter),)
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    fields = ("name", "customer")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("customer",) if obj else ()


@admin.register(Change)
class ChangeAdmin(LogAdmin):
    """The journal: every change to a subscriber or the blacklist, with its cause."""

    list_display = ("when", "email", "what", "cause", "customer", "standing")
    list_filter: ClassVar = (
        "action", "cause_kind", ("customer", AutocompleteSelectFilter), ("at", RangeDateTimeFilter)
    )  # fmt: skip
    list_select_related = ("customer", "actor")
    address_search = ("email_key",)
    exact_search = ("subscriber_uid", "cause_id")
    search_help_text = "An address, a subscriber's uid, or the number of a cause."
    fields = (
        "when", "email", "what", "cause", "cause_id", "customer", "actor", "subscriber_uid", "before", "after",
        "batch", "standing",
    )  # fmt: skip
    readonly_fields = fields

    @display(description="when", ordering="-pk")
    def when(self, row: Change) -> SafeString:
        return moment(row.at)

    @display(description="what")
    def what(self, row: Change) -> str:
        return row.get_action_display()

    @display(description="cause")
    def cause(self, row: Change) -> SafeString:
        return lines(row.get_cause_kind_display(), row.cause_text or (row.actor.email if row.actor else ""))

    @display(description="stands")
    def standing(self, row: Change) -> SafeString:
        if row.undone_at is None:
            return badge("In force", Tone.GOOD, "check_circle")
        return badge("Undone", Tone.QUIET, "undo", f"{row.undone_at:%Y-%m-%d %H:%M}")

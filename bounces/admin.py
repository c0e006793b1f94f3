"""The backend's pages for API bounce servers and the bounce log."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.badges import EMPTY, lines, link, moment, source_text
from bounces import phrase_admin  # noqa: F401  registers the phrases' pages
from bounces.forms import BounceServerForm
from bounces.models import Bounce, BounceServer, BounceSource
from bounces.resources import BounceResource, BounceServerResource
from bounces.tables import BOUNCE_SERVERS, BOUNCES, bounce_type
from pages.admin import ExportAdmin, shown
from servers.admin import ServerAdmin


@admin.register(BounceServer)
class BounceServerAdmin(ServerAdmin):
    """Mailboxes that are read for bounces and complaints."""

    table = BOUNCE_SERVERS
    resource_classes = (BounceServerResource,)
    form = BounceServerForm
    search_fields = BOUNCE_SERVERS.search
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "provider", "customer", "locked", "email", "api_key", "status")}),
        ("Processing", {"fields": ("delete_processed", "processed_folder", "first_read", "first_read_from")}),
        ("Connection", {"fields": ("connection",)}),
    )


@admin.register(Bounce)
class BounceAdmin(ExportAdmin):
    """Failed recipients, with what proved it and what it did."""

    table = BOUNCES
    resource_classes = (BounceResource,)
    address_search = ("recipient_key",)
    exact_search = ("message__internet_message_id", "message__provider_message_id")
    no_customer = "No delivery matched"
    search_help_text = "A recipient's whole address, or the report's Message-ID."
    fieldsets: ClassVar = (
        (
            None,
            {"fields": ("when", "recipient", "kind", "is_delay", "effect", "owner", "campaign", "sent_as")},
        ),
        ("Why", {"fields": ("status_code", "reply_code", "diagnostic", "rule", "evidence", "matched_by")}),
        ("The report as it came", {"fields": ("mailbox", "source")}),
    )
    readonly_fields = ("when", "kind", "owner", "sent_as", "source")

    @display(description="when")
    def when(self, row: Bounce) -> SafeString:
        return moment(row.created_at)

    @display(description="type")
    def kind(self, row: Bounce) -> SafeString:
        kind: SafeString = shown(bounce_type(row))
        return kind

    @display(description="delivery")
    def sent_as(self, row: Bounce) -> SafeString:
        if row.delivery_id is None:
            return EMPTY
        return link(reverse("admin:campaigns_delivery_change", args=[row.delivery_id]), "Open the delivery")

    @display(description="raw source")
    def source(self, row: Bounce) -> SafeString:
        kept = BounceSource.objects.filter(message_id=row.message_id).first()
        if kept is None:
            return lines("Not kept any more", "The raw mail is purged after its retention time.")
        return source_text(bytes(kept.raw).decode("utf-8", "replace"))

"""The backend's pages for cycles; the settings page and the system status are registered beside it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.backend import LogAdmin
from accounts.badges import EMPTY, Tone, badge, moment, state_badge
from operations import settings_admin  # noqa: F401  registers the settings page
from operations.models import Cycle, Phase, PhaseItem
from operations.reporting import report_of
from operations.status import checks

ITEM_LOOKS = {
    PhaseItem.State.WAITING: (Tone.INFO, "schedule"),
    PhaseItem.State.DONE: (Tone.GOOD, "check_circle"),
    PhaseItem.State.FAILED: (Tone.WARNING, "warning"),
}
ITEMS_SHOWN = 200


@admin.register(Cycle)
class CycleAdmin(LogAdmin):
    """What each cycle did, phase by phase."""

    list_display = ("started", "state", "took", "slot", "note")
    list_filter: ClassVar = ("phase",)
    exact_search = ("slot",)
    search_help_text = "A slot's exact name."
    fieldsets: ClassVar = (
        (None, {"fields": ("slot", "state", "started", "took", "note")}),
        ("Report", {"fields": ("report",)}),
        ("Work, phase by phase", {"fields": ("work",)}),
    )
    readonly_fields = ("state", "started", "took", "report", "work")

    def get_urls(self) -> list[URLPattern]:
        status = path("status/", self.admin_site.admin_view(self.status), name="operations_status")
        return [status, *super().get_urls()]

    def status(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": "System status", "opts": self.opts}
        return TemplateResponse(request, "admin/status.html", {**context, "checks": checks(timezone.now())})

    @display(description="started", ordering="-pk")
    def started(self, row: Cycle) -> SafeString:
        return moment(row.started_at)

    @display(description="state", ordering="phase")
    def state(self, row: Cycle) -> SafeString:
        if row.finished_at is None:
            return badge(f"Running: {row.get_phase_display()}", Tone.INFO, "sync")
        if row.phase != Phase.DONE:
            return badge("Interrupted", Tone.WARNING, "warning", row.note)
        return badge("Done", Tone.GOOD, "check_circle")

    @display(description="took")
    def took(self, row: Cycle) -> SafeString | str:
        if row.finished_at is None:
            return EMPTY
        return f"{(row.finished_at - row.started_at).total_seconds():.1f} s"

    @display(description="report")
    def report(self, row: Cycle) -> SafeString:
        return render_to_string(
            "admin/cycle_report.html", {"lines": list(report_of(row).lines(verbose=True))}
        )

    @display(description="items")
    def work(self, row: Cycle) -> SafeString:
        items = [
            (item, state_badge(item.state, item.get_state_display(), ITEM_LOOKS))
            for item in row.items.all()[:ITEMS_SHOWN]
        ]
        return render_to_string("admin/cycle_items.html", {"items": items, "limit": ITEMS_SHOWN})

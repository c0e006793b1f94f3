"""The customer's dashboard and the help page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.models import SystemSettings
from operations.attention import concerns_of
from operations.dashboards import numbers_of, quota_bars
from operations.first_steps import first_steps
from pages.access import PortalPage
from pages.features import API_KEYS
from providers.help import SECTIONS
from providers.registry import PROVIDERS

# The session's note that somebody put the first steps away.
SKIPPED = "first_steps_skipped"


class DashboardPage(PortalPage):
    """Numbers of the last days, what needs attention and what to do next."""

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        numbers = numbers_of(self.customer, now)
        steps = first_steps(self.customer, SystemSettings.load())
        is_skipped = request.session.get(SKIPPED, False)
        context = {
            "title": "Dashboard",
            "tiles": numbers.tiles(),
            "chart": numbers.chart(),
            "rates": numbers.rates(),
            "quotas": quota_bars(self.customer),
            "concerns": concerns_of(self.customer, timezone.localdate(now)),
            "steps": steps,
            "steps_done": sum(step.is_done for step in steps),
            "shows_steps": not is_skipped and not all(step.is_done for step in steps),
            "is_skipped": is_skipped,
        }
        return render(request, "operations/dashboard.html", context)


class SkipStepsPage(PortalPage):
    """Put the first steps away, or bring them back; a matter of this browser alone, so viewers may too."""

    viewers_may_post = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("dashboard")

    def post(self, request: HttpRequest) -> HttpResponse:
        request.session[SKIPPED] = request.POST.get("skip") == "1"
        return redirect("dashboard")


class SetupPage(PortalPage):
    """A provider's own setup, step by step, with the permissions to copy."""

    provider = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        kind = PROVIDERS[self.provider]
        required = [permission.value for permission in kind.permissions if not permission.is_optional]
        context = {
            "title": f"Set up {kind.label}",
            "name": kind.name,
            "delete_note": kind.delete_note,
            "permissions": kind.permissions,
            "all_names": ",".join(required),
            "can_add": API_KEYS.is_on(self.customer, SystemSettings.load()) and self.user.may_write,
        }
        return render(request, f"operations/setup_{self.provider}.html", context)


class HelpPage(PortalPage):
    """Every trouble the product knows, with cause and fix."""

    def get(self, request: HttpRequest) -> HttpResponse:
        sections = [(title, [topic.help for topic in topics]) for title, topics in SECTIONS]
        return render(request, "operations/help.html", {"title": "Help", "sections": sections})

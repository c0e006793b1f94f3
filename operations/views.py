"""The customer's dashboard and the help page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import SystemSettings
from operations.attention import concerns_of, first_steps
from operations.dashboards import numbers_of, quota_bars
from pages.access import PortalPage
from providers.help import SECTIONS


class DashboardPage(PortalPage):
    """Numbers of the last days, what needs attention and what to do next."""

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        numbers = numbers_of(self.customer, now)
        steps = first_steps(self.customer, SystemSettings.load())
        context = {
            "title": "Dashboard",
            "tiles": numbers.tiles(),
            "chart": numbers.chart(),
            "quotas": quota_bars(self.customer),
            "concerns": concerns_of(self.customer, timezone.localdate(now)),
            "steps": steps,
            "steps_done": sum(step.is_done for step in steps),
            "is_started": all(step.is_done for step in steps),
        }
        return render(request, "operations/dashboard.html", context)


class HelpPage(PortalPage):
    """Every trouble the product knows, with cause and fix."""

    def get(self, request: HttpRequest) -> HttpResponse:
        sections = [(title, [topic.help for topic in topics]) for title, topics in SECTIONS]
        return render(request, "operations/help.html", {"title": "Help", "sections": sections})

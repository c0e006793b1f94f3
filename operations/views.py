"""The customer's dashboard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View


class DashboardPage(View):
    """Numbers of the last days, what needs attention and what to do next."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.customer_id is None:  # type: ignore[union-attr]
            return redirect("admin:index")
        return render(request, "dashboard.html")

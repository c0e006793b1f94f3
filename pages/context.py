"""What every portal page shows around its content: banners and the navigation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.impersonating import IMPERSONATED_BY
from accounts.models import SystemSettings
from accounts.switches import SWITCHED_OFF
from pages.navigation import navigation_for


def site_state(request: HttpRequest) -> dict[str, Any]:
    """The sandbox banner, the master switch's banner and a customer's navigation, found once per request.

    The admin has a look of its own, so it gets the banners only.
    """
    user = getattr(request, "user", None)
    known: tuple[Any, dict[str, Any]] | None = getattr(request, "_site_state", None)
    if known is None or known[0] != user:
        known = (user, _find_state(request, user))
        request._site_state = known  # type: ignore[attr-defined]  # a page has many templates, each asks anew
    return known[1]


def _find_state(request: HttpRequest, user: Any) -> dict[str, Any]:
    if user is None or not user.is_authenticated:
        return {"sandbox": settings.SANDBOX}
    system = SystemSettings.load()
    state: dict[str, Any] = {
        "sandbox": settings.SANDBOX,
        "switched_off": "" if system.enabled else SWITCHED_OFF,
        "is_impersonated": IMPERSONATED_BY in request.session,
    }
    if user.customer_id is not None:
        state["navigation"] = navigation_for(request, user, system)
    return state

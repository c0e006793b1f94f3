"""The page of the row behind a change, in each face. Named, since those rows belong to apps above this one."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse

from audience.models import Change

Kind = Change.Cause
PORTAL_PAGES = {
    Kind.BOUNCE: "bounces-edit",
    Kind.COMPLAINT: "bounces-edit",
    Kind.MONITOR: "monitor-hits-edit",
}
BACKEND_PAGES = {
    Kind.BOUNCE: "admin:bounces_bounce_change",
    Kind.COMPLAINT: "admin:bounces_bounce_change",
    Kind.MONITOR: "admin:monitors_monitorhit_change",
}


def cause_url(change: Change, pages: Mapping[Kind, str]) -> str:
    """Where the bounce, complaint or monitor's hit is shown that caused it; "" where there is no such row."""
    page = pages.get(Kind(change.cause_kind))
    return reverse(page, args=[change.cause_id]) if page and change.cause_id.isdigit() else ""

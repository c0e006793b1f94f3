"""The list of what a customer's team did."""

from __future__ import annotations

from django.contrib.admin import display
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import AuditEntry
from pages.tables import Empty, Table

SHOWN = 6


@display(description="What changed")
def audit_changes(entry: AuditEntry) -> SafeString | str:
    """Before and after of what differs, the first few fields of it."""
    names = sorted({*entry.before, *entry.after})[:SHOWN]
    if not entry.before:
        return ""
    rows = ((name, entry.before.get(name, "–"), entry.after.get(name, "–")) for name in names)
    return format_html_join("", "<div><code>{}</code> {} → {}</div>", rows)


@display(description="Who")
def audit_actor(entry: AuditEntry) -> str:
    """A member of the team by address; the platform's staff only as such."""
    actor = entry.actor
    if actor is None or actor.customer_id is None:
        return "the platform"
    return f"{entry.actor_email} (as {entry.acting_as})" if entry.acting_as else entry.actor_email


ACTIVITY = Table(
    columns=("at", audit_actor, "action", "object_type", "object_name", audit_changes),
    search=("object_name__icontains", "actor_email__istartswith"),
    search_hint="Name or who",
    filters=("at",),
    related=("actor",),
    is_log=True,
    link_first=False,
    empty=Empty("Nothing yet", "Whatever your team changes is written down here."),
)

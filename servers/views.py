"""Testing a server's connection from its page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.auditing import audit
from accounts.models import Customer, SystemSettings
from pages.access import LOCKED, own_row
from pages.lists import SectionPage
from servers.connecting import connect, first_reading_note
from servers.models import Server

KEYS_ARE_OFF = (
    "Your platform keeps the API keys itself, so its administrators create and change servers for you. "
    "Those you have keep running."
)


def why_not_create_server(_customer: Customer) -> str:
    """Why customers cannot make servers of their own, or "" where they can."""
    return "" if SystemSettings.load().customer_keys_enabled else KEYS_ARE_OFF


def connect_and_tell(request: HttpRequest, server: Any) -> None:
    """Test the saved server and say how it went; called outside of any transaction."""
    if not connect(server, timezone.now()):
        messages.warning(
            request, f"“{server.name}” was saved, but it is not connected. The failed step says what to do."
        )
    elif server.is_active:
        messages.success(request, f"“{server.name}” was saved and is connected.")
    else:
        messages.success(request, f"“{server.name}” is connected. Set its status to Active to use it.")
    if note := first_reading_note(server):
        messages.info(request, note)


class ConnectPage(SectionPage):
    """“Connect again”: test with fresh tokens, and activate the server where it works."""

    writes = True

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(self.section.url("edit", pk=own_row(self.rows(), pk).pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        server: Server = own_row(self.rows().select_related("api_key"), pk)
        if server.locked:
            raise PermissionDenied(LOCKED)
        if connect(server, timezone.now()):
            self.rows().filter(pk=pk).enable()  # type: ignore[attr-defined]  # every section of servers has it
            messages.success(request, f"“{server.name}” is connected and active.")
        else:
            messages.warning(request, f"“{server.name}” is not connected. The failed step says what to do.")
        audit(self.user, "connect", server)
        return redirect(self.section.url("edit", pk))

"""Verifying a key on a mailbox."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.auditing import audit
from keys.forms import VerifyForm
from keys.models import ApiKey
from keys.tables import servers_on
from keys.verifying import verify_key
from pages.access import own_row
from pages.editing import EditPage


class KeyPage(EditPage):
    """A key's form, with the box to verify it beside."""

    def context(self, row: Any) -> dict[str, Any]:
        return super().context(row) | {
            "verify_form": VerifyForm(prefix="verify"),
            "used_by": [(reverse(page, args=[server.pk]), server) for page, server in servers_on(row)],
        }


class VerifyPage(KeyPage):
    """Try the key on a mailbox and show every step; sends and changes nothing."""

    writes = True

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(self.section.url("edit", pk=own_row(self.rows(), pk).pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        key: ApiKey = own_row(self.rows(), pk)
        verify_form = VerifyForm(request.POST, prefix="verify")
        context = self.context(key) | {"verify_form": verify_form}
        if verify_form.is_valid():
            found = verify_key(key, verify_form.cleaned_data["email"], timezone.now())
            audit(self.user, "verify", key)
            context |= {"steps": found.steps, "tried": verify_form.cleaned_data["email"]}
        return self.show(self.form(instance=own_row(self.rows(), pk)), **context)

"""What a monitor would do: with a pasted message, or with the newest ones of its mailbox."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from monitors.counting import hits_lately
from monitors.forms import MonitorWithConditionsForm
from monitors.models import Condition, Monitor
from monitors.preview import Previewed, preview_mail, preview_mailbox
from pages.access import own_row
from pages.editing import EditPage
from pages.lists import SectionPage
from providers.errors import ProviderError

MAX_MESSAGE = 256 * 1024
NOT_YOUR_KEY = (
    "This monitor runs on a key of the platform or is locked by it, so only its administrators can look into "
    "the mailbox from here. Paste a message instead."
)
# Of what a form sends, all that is no value of the monitor.
NOT_TYPED = {"csrfmiddlewaretoken", "message"}


class MonitorPage(EditPage):
    """A monitor with what its conditions have done of late."""

    def context(self, row: Any) -> dict[str, Any]:
        return super().context(row) | {"hits": hits_lately(row, timezone.now())}


class PreviewForm(forms.Form):
    """A message to try, headers and all, or nothing to look at the mailbox."""

    message = forms.CharField(
        required=False,
        max_length=MAX_MESSAGE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "class": "code", "spellcheck": "false"}),
        help_text="The raw message: in most mail programs “Show original” or “View source”.",
    )


class PreviewPage(SectionPage):
    """Runs the live function and rolls it back: nothing changes, here or in the mailbox."""

    def show(self, monitor: Monitor, form: PreviewForm, **context: Any) -> HttpResponse:
        shown = {
            "section": self.section,
            "title": f"What “{monitor}” would do",
            "row": monitor,
            "form": form,
            "may_look": may_look(monitor),
            "may_write": self.user.may_write,
        }
        return render(self.request, "monitors/preview.html", shown | context)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.show(own_row(self.rows().select_related("api_key"), pk), PreviewForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        monitor: Monitor = own_row(self.rows().select_related("api_key"), pk)
        return self.preview(monitor, list(monitor.conditions.all()))

    def preview(self, monitor: Monitor, conditions: list[Condition], **context: Any) -> HttpResponse:
        form = PreviewForm(self.request.POST)
        if not form.is_valid():
            return self.show(monitor, form, **context)
        try:
            found = self.previewed(monitor, conditions, form.cleaned_data["message"])
        except ProviderError as problem:
            return self.show(monitor, form, problem=problem, **context)
        return self.show(monitor, form, previewed=found, **context)

    def previewed(self, monitor: Monitor, conditions: list[Condition], raw: str) -> list[Previewed]:
        now = timezone.now()
        if raw.strip():
            return [preview_mail(monitor, conditions, raw.encode(), now)]
        if not may_look(monitor):
            raise PermissionDenied(NOT_YOUR_KEY)
        return preview_mailbox(monitor, conditions, now)


class TryPage(PreviewPage):
    """The same for a monitor that is still being edited: what was typed is tried and not stored."""

    writes = True

    def get(self, request: HttpRequest, pk: int = 0) -> HttpResponse:
        return redirect(
            self.section.url("edit", own_row(self.rows(), pk).pk) if pk else self.section.url("create")
        )

    def post(self, request: HttpRequest, pk: int = 0) -> HttpResponse:
        stored = own_row(self.rows().select_related("api_key"), pk) if pk else None
        if stored is not None:
            self.require_unlocked(stored)
        draft = MonitorWithConditionsForm(data=request.POST, instance=stored, customer=self.customer)
        typed = [
            (name, text) for name, texts in request.POST.lists() for text in texts if name not in NOT_TYPED
        ]
        context = {"typed": typed}
        if not draft.is_valid():
            return self.show(draft.instance, PreviewForm(), mistakes=draft.mistakes(), **context)
        conditions = draft.unsaved_conditions()
        if "message" not in request.POST:
            return self.show(draft.instance, PreviewForm(), **context)
        return self.preview(draft.instance, conditions, **context)


def may_look(monitor: Monitor) -> bool:
    """Only with the customer's own key: a mailbox of the platform may hold everybody's mail."""
    return not monitor.locked and monitor.api_key_id is not None and not monitor.api_key.is_system

"""The backend's preview of a monitor: saved in a dialog, still being edited on a page of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.forms.formsets import all_valid
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.backend import button
from monitors.models import Condition, Monitor
from monitors.preview import preview_mail, preview_mailbox
from pages.forms import flat_errors
from providers.errors import ProviderError
from servers.admin import ServerAdmin

TRY = "_try"
# Of what a form sends, all that is no value of the monitor.
NOT_TYPED = {"csrfmiddlewaretoken", "raw", TRY}


class PreviewForm(forms.Form):
    """A pasted message, or the mailbox's newest ones."""

    raw = forms.CharField(
        label="A message's source",
        required=False,
        max_length=1_000_000,
        widget=UnfoldAdminTextareaWidget,
        help_text="Paste one to try it. Empty: the newest messages of the mailbox are looked at.",
    )


class PreviewDialog(BaseDialogForm, PreviewForm):  # type: ignore[misc]  # django-unfold carries no types
    """The same in a dialog."""


class PreviewAdmin(ServerAdmin):
    """The live function, run and rolled back: nothing changes, here or in the mailbox."""

    change_form_after_template = "admin/try_monitor_button.html"

    @button(
        "Preview",
        icon="visibility",
        permission="view",
        asks="What the saved conditions would do, message by message. Nothing is changed.",
        form=PreviewDialog,
    )
    def preview(self, request: HttpRequest, form: PreviewDialog, object_id: str) -> HttpResponse:
        monitor = get_object_or_404(Monitor.objects.select_related("api_key", "mailbox"), pk=object_id)
        found = previewed(monitor, list(monitor.conditions.all()), form.cleaned_data["raw"])
        return render(request, "admin/previewed.html", {"form": form, **found})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method == "POST" and TRY in request.POST:
            return self.try_typed(request, object_id)
        return super().changeform_view(request, object_id, *args, **kwargs)

    def try_typed(self, request: HttpRequest, object_id: str | None) -> HttpResponse:
        """What is typed, tried and not stored."""
        stored = self.get_object(request, unquote(object_id)) if object_id else None
        may = self.has_change_permission(request, stored) if stored else self.has_add_permission(request)
        if not may:
            raise PermissionDenied
        form = self.get_form(request, stored, change=stored is not None)(request.POST, instance=stored)
        monitor: Monitor = form.instance
        is_valid = form.is_valid()
        formsets, _ = self._create_formsets(request, monitor, change=stored is not None)
        context: dict[str, Any] = {}
        if not all_valid(formsets) or not is_valid:
            context["mistakes"] = _mistakes(form, formsets[0])
        elif "raw" in request.POST:
            context = previewed(monitor, _conditions(formsets[0], monitor), request.POST["raw"])
        return render(request, "admin/try_monitor.html", self._try_context(request, monitor) | context)

    def _try_context(self, request: HttpRequest, monitor: Monitor) -> dict[str, Any]:
        typed = [
            (name, text) for name, texts in request.POST.lists() for text in texts if name not in NOT_TYPED
        ]
        return {
            **self.admin_site.each_context(request),
            "title": f"What “{monitor.name or 'the new monitor'}” would do",
            "opts": self.opts,
            "typed": typed,
            "form": PreviewForm(initial={"raw": request.POST.get("raw", "")}),
        }


def previewed(monitor: Monitor, conditions: list[Condition], raw: str) -> dict[str, Any]:
    """The messages with what would come of each, or the provider's refusal."""
    now = timezone.now()
    try:
        if raw.strip():
            return {"previewed": [preview_mail(monitor, conditions, raw.encode(), now)]}
        return {"previewed": preview_mailbox(monitor, conditions, now)}
    except ProviderError as error:
        return {"problem": error}


def _conditions(rows: Any, monitor: Monitor) -> list[Condition]:
    kept = [row.instance for row in rows.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
    for condition in kept:
        condition.monitor = monitor
    return sorted(kept, key=lambda condition: condition.position)


def _mistakes(form: Any, rows: Any) -> list[str]:
    labels = {name: str(field.label or name) for name, field in form.fields.items()}
    of_rows = [
        text
        for number, row in enumerate(rows.forms, 1)
        for text in flat_errors(row.errors, dict.fromkeys(row.fields, f"Condition {number}"))
    ]
    return [*flat_errors(form.errors, labels), *map(str, rows.non_form_errors()), *of_rows]

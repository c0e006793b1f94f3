"""The backend's own bounce phrases, and the page that explains what the detector says of a mail."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.backend import BackendAdmin
from bounces.models import BouncePhrase
from bounces.phrases import phrases_in_force
from mail.detection.explaining import explain
from providers.registry import PROVIDER_CHOICES

MAX_MAIL_BYTES = 5 * 1024 * 1024


class ExplainForm(forms.Form):
    """A mail, pasted with its headers or as a file."""

    mail = forms.CharField(
        required=False,
        max_length=MAX_MAIL_BYTES,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"}),
        help_text="The whole mail with its headers (“show original”).",
    )
    file = forms.FileField(required=False, help_text="Or its .eml file, at most 5 MB.")
    provider = forms.ChoiceField(
        required=False, choices=[("", "Any provider"), *PROVIDER_CHOICES], widget=UnfoldAdminSelectWidget
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > MAX_MAIL_BYTES:
            raise forms.ValidationError("This file is larger than 5 MB.")
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("mail") and not data.get("file") and not self.errors:
            raise forms.ValidationError("Paste a mail, or choose its file.")
        return data

    def raw(self) -> bytes:
        """The mail's bytes; call it once the form is valid."""
        file = self.cleaned_data["file"]
        return bytes(file.read()) if file else self.cleaned_data["mail"].encode()


@admin.register(BouncePhrase)
class BouncePhraseAdmin(BackendAdmin):
    """Texts that decide a type before the built-in phrases; each counts what it has matched."""

    list_display = ("text", "type", "provider", "enabled", "position", "matched", "last_matched_at")
    list_filter = ("type", "provider", "enabled")
    search_fields = ("text",)
    ordering = ("position", "pk")
    ordering_field = "position"
    list_editable = ("enabled", "position")
    readonly_fields = ("matched", "last_matched_at")
    list_before_template = "admin/explain_button.html"
    fields: ClassVar = ("text", "type", "provider", "enabled", "position", "matched", "last_matched_at")

    def get_urls(self) -> list[URLPattern]:
        explain_page = self.admin_site.admin_view(self.explain_view)
        return [path("explain/", explain_page, name="bounces_bouncephrase_explain"), *super().get_urls()]

    def explain_view(self, request: HttpRequest) -> HttpResponse:
        """What the detector says of a pasted or uploaded mail, and why; nothing is changed."""
        form = ExplainForm(request.POST, request.FILES) if request.method == "POST" else ExplainForm()
        found = None
        if form.is_valid():
            provider = form.cleaned_data["provider"] or None
            found = explain(form.raw(), phrases=phrases_in_force(), provider=provider)
        context = {
            **self.admin_site.each_context(request),
            "title": "Explain a mail",
            "opts": self.model._meta,
            "form": form,
            "found": found,
        }
        return render(request, "admin/explain_mail.html", context)

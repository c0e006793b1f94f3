"""A section's CSV import: a preview with every row's outcome, then all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tablib
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from pages.badges import Badge, Tone
from pages.forms import flat_errors
from pages.lists import SectionPage
from pages.resources import SHOWN_ROWS, CustomerResource, Difference
from pages.spreadsheets import read_rows, read_upload

OUTCOMES = {
    "new": Badge("New", Tone.GOOD, "plus"),
    "update": Badge("Changed", Tone.INFO, "edit"),
    "skip": Badge("Unchanged", Tone.QUIET),
    "delete": Badge("Deleted", Tone.BAD, "trash"),
    "invalid": Badge("Needs attention", Tone.BAD, "alert"),
    "error": Badge("Needs attention", Tone.BAD, "alert"),
}


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What would become of one row of the file."""

    number: int
    name: str
    outcome: Badge
    errors: list[str]
    differences: list[Difference]


class ImportPage(SectionPage):
    """Upload or paste, look at what would happen, import."""

    writes = True

    def resource(self) -> CustomerResource:
        assert self.section.resource_class is not None
        return self.section.resource_class(customer=self.customer, actor=self.user)

    def get(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        try:
            text = self.text()
            resource = self.resource()
            dataset = read_rows(text, resource.columns, resource.passed_over)
        except ValidationError as error:
            return self.show(problem=" ".join(error.messages), text=request.POST.get("text", ""))
        if "confirmed" in request.POST:
            return self.apply(dataset, text)
        return self.preview(dataset, text)

    def refuse(self) -> None:
        reason = self.section.why_not_create(self.customer) if self.section.why_not_create else ""
        if reason:
            raise PermissionDenied(reason)

    def text(self) -> str:
        upload = self.request.FILES.get("file")
        text = read_upload(upload) if upload else self.request.POST.get("text", "")
        if not text.strip():
            raise ValidationError("Choose a CSV file, or paste its text.")
        return text

    def show(self, **context: Any) -> HttpResponse:
        resource = self.resource()
        known = {
            "section": self.section,
            "title": f"Import {inside_sentence(self.section.title)}",
            "columns": resource.columns,
            "passed_over": resource.passed_over,
        }
        return render(self.request, "pages/import.html", known | context)

    def preview(self, dataset: tablib.Dataset, text: str, problem: str = "") -> HttpResponse:
        result = self.run(dataset, dry_run=True)
        rows = preview_rows(result, dataset)
        wrong = [row for row in rows if row.errors]
        general = [str(error.error) for error in result.base_errors]
        return self.show(
            text=text,
            rows=[*wrong, *(row for row in rows if not row.errors)][:SHOWN_ROWS],
            total=len(rows),
            wrong=len(wrong),
            problem=problem or " ".join(general),
            can_import=not wrong and not general,
            totals={OUTCOMES[name]: count for name, count in result.totals.items() if count},
        )

    def apply(self, dataset: tablib.Dataset, text: str) -> HttpResponse:
        result = self.run(dataset, dry_run=False)
        if result.has_errors() or result.has_validation_errors():
            return self.preview(dataset, text, "Nothing was imported: the data changed meanwhile. See below.")
        totals = result.totals
        messages.success(
            self.request,
            f"Imported: {totals['new']} new, {totals['update']} changed, {totals['skip']} unchanged.",
        )
        return redirect(self.section.url())

    def run(self, dataset: tablib.Dataset, *, dry_run: bool) -> Any:
        return self.resource().import_data(
            dataset, dry_run=dry_run, use_transactions=True, rollback_on_validation_errors=True
        )


def inside_sentence(title: str) -> str:
    """“Delivery servers” within a sentence is “delivery servers”; “API monitors” stays."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def preview_rows(result: Any, dataset: tablib.Dataset) -> list[PreviewRow]:
    """Every row of the file with its outcome, in the file's order."""
    names = (
        dataset["name"]
        if "name" in dataset.headers
        else dataset["email"]
        if "email" in dataset.headers
        else None
    )
    return [
        PreviewRow(
            number,
            names[number - 1] if names else "",
            OUTCOMES[row.import_type],
            row_errors(row),
            getattr(row, "differences", []),
        )
        for number, row in enumerate(result.rows, 1)
    ]


def row_errors(row: Any) -> list[str]:
    """What is wrong with a row, as sentences."""
    if row.validation_error:
        error = row.validation_error
        found = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        return flat_errors(found, {})
    return [str(error.error) for error in row.errors]

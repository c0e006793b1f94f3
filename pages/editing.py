"""Creating, editing, copying and deleting one row of a section."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.auditing import audit, snapshot
from pages.access import own_row
from pages.forms import CustomerForm
from pages.limits import require_room
from pages.lists import SectionPage

# Buttons that draw the form again instead of storing it; they work without scripts as well.
REDRAW = {"redraw", "row_action"}


class FormPage(SectionPage):
    """A page with the section's form; what was typed stays until it is stored."""

    def form(self, **kwargs: Any) -> CustomerForm:
        assert self.section.form_class is not None
        return self.section.form_class(customer=self.customer, **kwargs)

    def show(self, form: CustomerForm, **context: Any) -> HttpResponse:
        template = "pages/form_fields.html" if self.request.headers.get("HX-Request") else "pages/form.html"
        return render(self.request, template, {"section": self.section, "form": form, **context})

    def store(self, form: CustomerForm, action: str, before: dict[str, Any]) -> Any:
        """Save and audit in one transaction, then let the section do what follows outside of it."""
        with transaction.atomic():
            if form.instance.pk is None:
                require_room(self.section.feature, self.customer, self.rows())
            else:
                self.require_unlocked(self.rows().select_for_update(of=("self",)).get(pk=form.instance.pk))
            row = self.section.save(form, self.user) if self.section.save else form.save()
            audit(self.user, action, row, before=before, after=snapshot(row))
        return row

    def submit(self, form: CustomerForm, action: str, **context: Any) -> HttpResponse:
        """Validate and store, or show the form again with what is wrong."""
        before = snapshot(form.instance) if form.instance.pk else {}
        if form.is_valid():
            try:
                row = self.store(form, action, before)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self.stored(row)
        return self.show(form, **context)

    def stored(self, row: Any) -> HttpResponse:
        if self.section.after_save:
            self.section.after_save(self.request, row)
        else:
            messages.success(self.request, f"“{row}” was saved.")
        return redirect(self.section.url("edit", row.pk))


class CreatePage(FormPage):
    """A new row; the URL may propose values (`?email=…`)."""

    writes = True

    def context(self) -> dict[str, Any]:
        return {"title": f"New {self.section.singular}", "usage": self.usage(), "submit": "Create"}

    def refuse(self) -> None:
        reason = self.section.why_not_create(self.customer) if self.section.why_not_create else ""
        if reason:
            raise PermissionDenied(reason)

    def get(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        return self.show(self.form(initial=request.GET.dict()), **self.context())

    def post(self, request: HttpRequest) -> HttpResponse:
        self.refuse()
        form = self.form(data=request.POST, files=request.FILES)
        if REDRAW & {*request.POST}:
            return self.show(form.redrawn(), **self.context())
        return self.submit(form, "create", **self.context())


class EditPage(FormPage):
    """One row. Viewers, and everybody where the backend locked it, read only."""

    def context(self, row: Any) -> dict[str, Any]:
        locked = self.section.lock_reason(row)
        may_write = self.user.may_write and not locked
        return {
            "title": str(row),
            "row": row,
            "locked": locked,
            "may_write": may_write,
            "submit": "Save changes",
        }

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = own_row(self.rows(), pk)
        # First: the form makes the row the customer's own, which a shared one is not.
        context = self.context(row)
        form = self.form(instance=row)
        if not context["may_write"]:
            for field in form.fields.values():
                field.disabled = True
        return self.show(form, **context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = own_row(self.rows(), pk)
        self.require_unlocked(row)
        form = self.form(data=request.POST, files=request.FILES, instance=row)
        if REDRAW & {*request.POST}:
            return self.show(form.redrawn(), **self.context(row))
        return self.submit(form, "edit", **self.context(own_row(self.rows(), pk)))


class CopyPage(CreatePage):
    """A new row that starts with another one's values; secrets and state are not copied."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:  # type: ignore[override]  # the row copied
        self.refuse()
        source = self.form(instance=own_row(self.rows(), pk))
        return self.show(self.form(initial=source.values_to_copy()), **self.context())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:  # type: ignore[override]  # the row copied
        own_row(self.rows(), pk)
        return super().post(request)


class DeletePage(SectionPage):
    """Asks once, naming what else stops, then deletes."""

    writes = True

    def row(self, pk: int) -> Any:
        row = own_row(self.rows(), pk)
        self.require_unlocked(row)
        return row

    def ask(self, row: Any, problem: str = "") -> HttpResponse:
        context = {
            "section": self.section,
            "title": f"Delete “{row}”?",
            "items": [row],
            "warnings": self.section.warnings(self.rows().filter(pk=row.pk)),
            "problem": problem,
            "button": "Delete",
            "is_danger": True,
            "back": self.section.url("edit", row.pk),
        }
        return render(self.request, "pages/confirm.html", context)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.ask(self.row(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.row(pk)
        name = str(row)
        try:
            with transaction.atomic():
                self.require_unlocked(self.rows().select_for_update(of=("self",)).get(pk=pk))
                audit(self.user, "delete", row, before=snapshot(row))
                self.remove(row)
        except ProtectedError as refusal:
            return self.ask(row, in_use(refusal))
        except ValidationError as refusal:
            return self.ask(row, " ".join(refusal.messages))
        messages.success(request, f"“{name}” was deleted.")
        return redirect(self.section.url())

    def remove(self, row: Any) -> None:
        if self.section.remove:
            self.section.remove(row, self.user)
        else:
            row.delete()


def in_use(refusal: ProtectedError) -> str:
    """Why a row cannot go: what still needs it, by name."""
    users = sorted({f"{row._meta.verbose_name} “{row}”" for row in refusal.protected_objects})
    shown = ", ".join(users[:5]) + (f" and {len(users) - 5} more" if len(users) > 5 else "")
    return f"It is still in use by {shown}. Change or delete those first."

"""Bulk actions: asked about on a page of their own, then done to unlocked own rows alone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.auditing import audit
from pages.editing import in_use
from pages.lists import SectionPage
from pages.tables import Act, Action, Done

# One page of boxes, a few times over; more is done in several rounds.
MOST_ROWS = 500
SHOWN_ROWS = 20


class BulkPage(SectionPage):
    """POST of the list's boxes asks; POST of the confirmation acts."""

    writes = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(self.section.url())

    def post(self, request: HttpRequest) -> HttpResponse:
        action = self.section.table.action(request.POST.get("action", ""))
        if action is None:
            raise Http404
        rows = self.selected()
        if not rows.exists():
            messages.warning(request, "Nothing was selected that can be changed. Tick the rows first.")
            return redirect(self.section.url())
        if "confirmed" not in request.POST:
            return self.ask(action, rows)
        return self.act(action, rows)

    def selected(self) -> QuerySet[Any]:
        """The ticked rows that are the customer's own; locked ones are left out, whoever forged them in."""
        numbers = [int(value) for value in self.request.POST.getlist("rows") if value.isdigit()]
        return self.unlocked(self.rows().filter(pk__in=numbers[:MOST_ROWS]))

    def unlocked(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        free = [row.pk for row in rows if not self.section.lock_reason(row)]
        return self.rows().filter(pk__in=free)

    def ask(self, action: Action, rows: QuerySet[Any], problem: str = "") -> HttpResponse:
        shown = list(rows[:SHOWN_ROWS])
        count = rows.count()
        context = {
            "section": self.section,
            "title": f"{action.label}: {count} selected",
            "items": shown,
            "more": count - len(shown),
            "warnings": action.warnings(rows),
            "problem": problem,
            "button": f"{action.label} ({count})",
            "is_danger": action.is_danger,
            "hidden": [("action", action.name), *(("rows", pk) for pk in rows.values_list("pk", flat=True))],
            "back": self.section.url(),
        }
        return render(self.request, "pages/confirm.html", context)

    def act(self, action: Action, rows: QuerySet[Any]) -> HttpResponse:
        act = Act(self.user, timezone.now())
        try:
            done = self.act_inside(action, rows, act) if action.is_atomic else self.do(action, rows, act)
        except ProtectedError as refusal:
            return self.ask(action, rows, in_use(refusal))
        except ValidationError as refusal:
            return self.ask(action, rows, " ".join(refusal.messages))
        tell = messages.success if done.changed else messages.warning
        tell(self.request, f"{action.label}: {done.changed} changed.")
        for note in done.notes[:SHOWN_ROWS]:
            messages.warning(self.request, note)
        return redirect(self.section.url())

    def act_inside(self, action: Action, rows: QuerySet[Any], act: Act) -> Done:
        with transaction.atomic():
            # Whoever locks a server at this moment was first, or waits.
            held = rows.select_for_update(of=("self",))
            return self.do(action, self.unlocked(held), act)

    def do(self, action: Action, rows: QuerySet[Any], act: Act) -> Done:
        touched = list(rows)
        done = action.run(rows, act)
        for row in touched:
            audit(self.user, action.name, row)
        return done

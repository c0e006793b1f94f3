"""A subscriber's verbs and undo, from its page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from audience.causes import PORTAL_PAGES, cause_url
from audience.editing import STANDINGS, VERBS, by_person
from audience.journal import why
from audience.models import Change, Subscriber
from audience.undo import undo_change
from pages.access import own_row, own_rows
from pages.editing import EditPage
from pages.lists import SectionPage


class SubscriberPage(EditPage):
    """A subscriber with its history in words: every change, why, and undo."""

    def context(self, row: Any) -> dict[str, Any]:
        reasons = [(reason, cause_url(reason.change, PORTAL_PAGES)) for reason in why(row)]
        return super().context(row) | {"reasons": reasons, "verbs": verbs_for(row)}


def verbs_for(subscriber: Subscriber) -> dict[str, Any]:
    """What may be done to the subscriber, without what it is already."""
    return {verb: named for verb, named in VERBS.items() if STANDINGS[verb] != subscriber.status}


class ChangeStatusPage(SectionPage):
    """One verb on one subscriber."""

    writes = True

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(self.section.url("edit", own_row(self.rows(), pk).pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        subscriber: Subscriber = own_row(self.rows().select_related("list", "customer"), pk)
        if request.POST.get("verb") not in VERBS:
            raise Http404
        label, verb = VERBS[request.POST["verb"]]
        outcome = verb(subscriber, by_person(self.user), timezone.now())
        tell = messages.success if outcome.changed else messages.warning
        tell(request, f"{label}: {outcome.text}.")
        return redirect(self.section.url("edit", pk))


class UndoPage(SectionPage):
    """Undo one change of the journal, and go back to where it was seen."""

    writes = True

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        own_row(self.rows(), pk)
        return redirect(self.section.url())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        change: Change = own_row(self.rows(), pk)
        outcome = undo_change(change, by=self.user, now=timezone.now())
        if outcome.changed:
            messages.success(request, f"Undone: {outcome.text}.")
        else:
            messages.warning(request, f"Not undone: {outcome.text}.")
        subscriber = own_rows(Subscriber, self.customer).filter(uid=change.subscriber_uid).first()
        return redirect("subscribers-edit", subscriber.pk) if subscriber else redirect(self.section.url())

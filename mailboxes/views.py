"""A mailbox's sync history, as far as it concerns the customer or nobody."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property

from mailboxes.models import Mailbox, MessageMatch, SyncRun
from mailboxes.tables import is_shared, mailboxes_of, sync_state
from mailboxes.unmatched import open_since, unmatched_messages
from pages.access import own_row, own_rows
from pages.lists import ExportPage, ListPage, SectionPage

RUNS = 20
TABS = (
    ("mailboxes-edit", "Matched"),
    ("mailboxes-unmatched", "Unmatched"),
    ("mailboxes-readings", "Readings"),
)


class OfMailbox(SectionPage):
    """A page of one mailbox; 404 where no connected server of the customer uses it."""

    @cached_property
    def mailbox(self) -> Mailbox:
        mailbox: Mailbox = own_row(mailboxes_of(self.customer), self.kwargs["pk"])
        return mailbox

    def around(self) -> dict[str, Any]:
        """What every tab shows."""
        return {
            "mailbox": self.mailbox,
            "badge": sync_state(self.mailbox),
            "tabs": TABS,
            "title": str(self.mailbox),
        }


class Matched(OfMailbox):
    """The messages that concerned the customer, whoever else shares the mailbox."""

    def rows(self) -> QuerySet[Any]:
        return own_rows(MessageMatch, self.customer).filter(message__mailbox=self.mailbox)


class Unmatched(OfMailbox):
    """The messages that concern nobody, where the customer could read them in the mailbox as well."""

    @cached_property
    def open_since(self) -> dict[Any, Any]:
        return open_since(self.mailbox, self.customer, timezone.now())

    def rows(self) -> QuerySet[Any]:
        wanted = self.request.GET.get("purpose")
        since = {purpose: at for purpose, at in self.open_since.items() if wanted in (None, "", purpose)}
        return unmatched_messages(self.mailbox, since)


class HistoryPage(OfMailbox, ListPage):
    """A tab with messages."""

    template = "mailboxes/messages.html"
    export = ""

    def context(self) -> dict[str, Any]:
        return super().context() | self.around() | {"export": self.export}


class MatchedPage(Matched, HistoryPage):
    export = "mailboxes-matched-export"


class UnmatchedPage(Unmatched, HistoryPage):
    export = "mailboxes-unmatched-export"

    def context(self) -> dict[str, Any]:
        return super().context() | {"is_closed": not self.open_since}


class MatchedExport(Matched, ExportPage):
    """The matched messages as CSV."""


class UnmatchedExport(Unmatched, ExportPage):
    """The unmatched messages as CSV."""


class ReadingsPage(OfMailbox):
    """The mailbox's readings with their counts, which would tell of others where others' mail was among them."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        shared = is_shared(self.mailbox, self.customer)
        context = {"section": self.section, "is_shared": shared, "runs": [] if shared else self.own_runs()}
        return render(request, "mailboxes/readings.html", context | self.around())

    def own_runs(self) -> list[SyncRun]:
        """The newest readings without those that handled a message of somebody who has left since."""
        runs = list(self.mailbox.runs.all()[:RUNS])
        matches = MessageMatch.objects.filter(message__run__in=runs).exclude(customer=self.customer)
        others = set(matches.values_list("message__run", flat=True))
        return [run for run in runs if run.pk not in others]

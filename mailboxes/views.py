"""A mailbox's sync history, as far as it concerns the customer."""

from __future__ import annotations

from typing import Any

from mailboxes.models import MessageMatch
from mailboxes.tables import is_shared, sync_state
from pages.access import own_rows
from pages.filtering import keyset_page
from pages.lists import DetailPage

RUNS = 20


class MailboxPage(DetailPage):
    """The messages that concerned the customer; the runs too, where nobody else uses the mailbox."""

    def context(self, row: Any) -> dict[str, Any]:
        query = self.request.GET
        matches = own_rows(MessageMatch, self.customer).filter(message__mailbox=row).select_related("message")
        page = keyset_page(matches, before=query.get("before", ""), after=query.get("after", ""))
        shared = is_shared(row, self.customer)
        return super().context(row) | {
            "badge": sync_state(row),
            "matches": page.rows,
            "pager": {
                "newer": f"?after={page.newer}" if page.newer else "",
                "older": f"?before={page.older}" if page.older else "",
            },
            "is_shared": shared,
            "runs": [] if shared else row.runs.all()[:RUNS],
            "tab": query.get("tab", "matched"),
        }

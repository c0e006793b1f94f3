"""What is new in a Gmail mailbox: its history, and label listings where history cannot tell.

https://developers.google.com/workspace/gmail/api/guides/sync: history ids last about a week, at times hours; a
404 means list again. History is asked for without a label, and labels are looked at, or what a filter filed as
spam would never be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from providers.answers import as_mapping, as_rows, as_text
from providers.api import Api
from providers.clock import format_time, parse_time
from providers.errors import AnswerLost, NotFound
from providers.gmail.mailbox import get
from providers.messages import AccessToken, Cursor, Folder, MessageRef, News, Start, StartKind

# A lost history is listed again from the newest message known, and a day before it.
OVERLAP = timedelta(days=1)
SMALLEST_PAGE, LARGEST_PAGE = 50, 500
# Against page tokens that lead in a circle.
MAX_PAGES = 1_000

_LABELS = {Folder.INBOX: "INBOX", Folder.JUNK: "SPAM"}
# What is ours, half-written or thrown away is no news, whatever other label it carries.
_IGNORED = frozenset({"SENT", "DRAFT", "TRASH"})
# A listing that is still to be walked: of mail unread at the first sweep, or of all mail since a time.
_UNREAD = "unread"


@dataclass
class MailboxState:
    """The cursor, opened.

    `history`: where history goes on · `listings`: what is still to be listed, each "unread" or a time · `folder`,
    `page`: where the first of them stands · `read_at`: when history was last read to its end.
    """

    history: str = ""
    listings: list[str] = field(default_factory=list)
    folder: str = ""
    page: str = ""
    read_at: datetime | None = None

    @classmethod
    def from_cursor(cls, cursor: Cursor) -> MailboxState:
        """The state; an empty one for an empty cursor."""
        return cls(
            cursor.get("history", ""),
            cursor.get("listings", "").split(),
            cursor.get("folder", ""),
            cursor.get("page", ""),
            parse_time(cursor.get("read_at", "")),
        )

    def to_cursor(self) -> dict[str, str]:
        """The same as JSON-ready text; what is empty is left out."""
        entries = {
            "history": self.history,
            "listings": " ".join(self.listings),
            "folder": self.folder,
            "page": self.page,
            "read_at": format_time(self.read_at) if self.read_at else "",
        }
        return {name: value for name, value in entries.items() if value}


@dataclass
class Listing:
    """One call's walk over the mailbox, within its budget of references."""

    api: Api
    token: AccessToken
    start: Start
    since: datetime | None
    budget: int
    refs: dict[str, MessageRef] = field(default_factory=dict)
    relisted: bool = False

    def run(self, folders: Sequence[Folder], cursor: Cursor | None) -> News:
        """News of `folders`. One history serves all of them."""
        state = MailboxState.from_cursor(cursor or {})
        if not state.history:
            self._begin(state)
        try:
            is_current = self._follow(folders, state)
        except NotFound:
            self._begin_again(state)
            is_current = self._follow(folders, state)
        for _ in range(MAX_PAGES):
            if not state.listings or self._left() <= 0:
                break
            self._list_page(folders, state)
        is_complete = is_current and not state.listings
        return News(tuple(self.refs.values()), state.to_cursor(), is_complete, self.relisted)

    def _begin(self, state: MailboxState) -> None:
        """The seed comes before the listing, so that nothing falls between."""
        self._seed(state)
        if self.start.kind is StartKind.UNREAD:
            state.listings.append(_UNREAD)
        elif self.start.kind is StartKind.DATE and self.start.date:
            state.listings.append(format_time(self.start.date))

    def _begin_again(self, state: MailboxState) -> None:
        """After a lost history: everything since what is known, read or not."""
        known = min(filter(None, (self.since, state.read_at)), default=self.api.http.clock())
        state.listings.append(format_time(known - OVERLAP))
        self.relisted = True
        self._seed(state)

    def _seed(self, state: MailboxState) -> None:
        state.history = as_text(get(self.api, self.token, "/profile").get("historyId"))
        if not state.history:
            raise AnswerLost("Google's answer holds no history id.", code="answer-lost")

    def _follow(self, folders: Sequence[Folder], state: MailboxState) -> bool:
        """Read history to its end, or that of the budget; whether to its end."""
        params: dict[str, Any] = {"historyTypes": "messageAdded", "startHistoryId": state.history}
        for _ in range(MAX_PAGES):
            if self._left() <= 0:
                return False
            body = get(self.api, self.token, "/history", **params, maxResults=self._page_size())
            records = as_rows(body.get("history"))
            for record in records:
                self._take_added(folders, record)
            page = as_text(body.get("nextPageToken"))
            if not page:
                state.history = as_text(body.get("historyId")) or state.history
                state.read_at = self.api.http.clock()
                return True
            # A record's id is a resume point too, and lasts longer than a page token.
            state.history = next((as_text(row.get("id")) for row in reversed(records)), "") or state.history
            params["pageToken"] = page
        return False

    def _take_added(self, folders: Sequence[Folder], record: Mapping[str, Any]) -> None:
        for added in as_rows(record.get("messagesAdded")):
            message = as_mapping(added.get("message"))
            labels = message.get("labelIds")
            folder = _folder_of(labels, folders) if isinstance(labels, list) else folders[0]
            if folder:
                self._take(message, folder)

    def _list_page(self, folders: Sequence[Folder], state: MailboxState) -> None:
        """One page of the first listing; its folders one after another."""
        folder = Folder(state.folder) if state.folder in set(folders) else folders[0]
        kind = state.listings[0]
        params: dict[str, Any] = {
            "labelIds": [_LABELS[folder]] + (["UNREAD"] if kind == _UNREAD else []),
            "includeSpamTrash": "true",
            "maxResults": self._page_size(),
        }
        if since := parse_time(kind):
            params["q"] = f"after:{int(since.timestamp())}"
        if state.page:
            params["pageToken"] = state.page
        body = get(self.api, self.token, "/messages", **params)
        for row in as_rows(body.get("messages")):
            self._take(row, folder)
        state.folder, state.page = folder.value, as_text(body.get("nextPageToken"))
        if not state.page:
            self._end_folder(folders, folder, state)

    def _end_folder(self, folders: Sequence[Folder], folder: Folder, state: MailboxState) -> None:
        following = folders[folders.index(folder) + 1 :]
        state.folder = following[0].value if following else ""
        if not following:
            state.listings.pop(0)

    def _take(self, row: Mapping[str, Any], folder: Folder) -> None:
        ref = MessageRef(as_text(row.get("id")), folder, thread_id=as_text(row.get("threadId")))
        if ref.id:
            self.refs.setdefault(ref.id, ref)

    def _page_size(self) -> int:
        return min(LARGEST_PAGE, max(SMALLEST_PAGE, self._left()))

    def _left(self) -> int:
        return self.budget - len(self.refs)


def _folder_of(labels: Sequence[Any], folders: Sequence[Folder]) -> Folder | None:
    if _IGNORED.intersection(label for label in labels if isinstance(label, str)):
        return None
    return next((folder for folder in folders if _LABELS[folder] in labels), None)

"""What is new in an Exchange mailbox: a delta link per folder, and listings where it cannot tell.

https://learn.microsoft.com/graph/api/message-delta: per folder only, its links are used as they are, and expire.
The round that seeds a link looks back one hour only, and its link will not report mail received before that, as
when a person moves old mail in; whatever older mail is wanted at first is listed beside it by receive time.
Such a listing never pages by offset, which skips rows as soon as a person reads or moves one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.answers import as_rows, as_text
from providers.api import Api
from providers.clock import format_time, parse_time
from providers.errors import AnswerLost, ProviderError
from providers.graph.mailbox import IMMUTABLE_IDS, SUMMARY_FIELDS, folder_path, read_ref
from providers.messages import AccessToken, Cursor, Folder, MessageRef, News, Start, StartKind

# A lost cursor is listed again from the newest message known, and a day before it.
OVERLAP = timedelta(days=1)
# The seeding round reaches back far enough for any difference of clocks.
SEED_REACH = timedelta(hours=1)
SMALLEST_PAGE, LARGEST_PAGE = 50, 500
# A filtered delta round holds no more rows than this; one that reaches it is completed by a listing.
ROUND_CAP = 5_000
# Against links that lead in a circle.
MAX_PAGES = 1_000
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)

_FOLDER_NAMES = {Folder.INBOX: "inbox", Folder.JUNK: "junkemail"}
_LOST_CODES = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "foreign-link"})
_TIMES = ("news_from", "unread_from", "list_from", "read_at")


@dataclass
class FolderState:
    """One folder's part of the cursor.

    `link`: where the delta goes on · `rows`: seen in its round so far · `news_from`: in the seeding round only mail
    received since then is news · `unread_from`, `list_from`: where a listing of unread mail, of all mail, stands
    · `read_at`: when a round was last followed to its end.
    """

    link: str = ""
    rows: int = 0
    news_from: datetime | None = None
    unread_from: datetime | None = None
    list_from: datetime | None = None
    read_at: datetime | None = None

    @classmethod
    def from_cursor(cls, cursor: Cursor, folder: Folder) -> FolderState:
        """The folder's state; an empty one where the cursor knows nothing of it."""
        rows = cursor.get(f"{folder}.rows", "")
        times = {name: parse_time(cursor.get(f"{folder}.{name}", "")) for name in _TIMES}
        return cls(cursor.get(folder, ""), int(rows) if rows.isdecimal() else 0, **times)

    def to_cursor(self, folder: Folder) -> dict[str, str]:
        """The same as JSON-ready text; what is empty is left out."""
        entries = {folder.value: self.link, f"{folder}.rows": str(self.rows or "")}
        for name in _TIMES:
            moment: datetime | None = getattr(self, name)
            entries[f"{folder}.{name}"] = format_time(moment) if moment else ""
        return {name: value for name, value in entries.items() if value}

    def is_listed(self) -> bool:
        """Whether no listing is left to be finished."""
        return self.unread_from is None and self.list_from is None


@dataclass
class Listing:
    """One call's walk over the folders, within its budget of references."""

    api: Api
    token: AccessToken
    start: Start
    since: datetime | None
    budget: int
    refs: dict[str, MessageRef] = field(default_factory=dict)
    relisted: bool = False

    def run(self, folders: Sequence[Folder], cursor: Cursor | None) -> News:
        """News of `folders`; others keep their part of the cursor. The one longest unread goes first."""
        old = cursor or {}
        entries = {name: value for name, value in old.items() if name.partition(".")[0] not in set(folders)}
        states = {folder: FolderState.from_cursor(old, folder) for folder in folders}
        is_complete = True
        for folder, state in sorted(states.items(), key=lambda item: item[1].read_at or BEGINNING):
            is_complete = self._sweep(folder, state) and is_complete
            entries.update(state.to_cursor(folder))
        return News(tuple(self.refs.values()), entries, is_complete, self.relisted)

    def _sweep(self, folder: Folder, state: FolderState) -> bool:
        """Bring one folder up to date as far as the budget goes; whether it went to the end."""
        if not state.link:
            self._begin(folder, state)
        try:
            is_round_over = self._follow(folder, state)
        except ProviderError as error:
            if not _is_lost(error):
                raise
            self._begin_again(folder, state)
            is_round_over = self._follow(folder, state)
        if state.unread_from:
            state.unread_from = self._list(folder, state.unread_from, " and isRead eq false")
        if state.list_from:
            state.list_from = self._list(folder, state.list_from)
        return is_round_over and state.is_listed()

    def _begin(self, folder: Folder, state: FolderState) -> None:
        """The seed comes before the listing, so that nothing falls between."""
        self._seed(folder, state)
        if self.start.kind is StartKind.UNREAD:
            state.unread_from = BEGINNING
        elif self.start.kind is StartKind.DATE:
            state.list_from = self.start.date or state.news_from

    def _begin_again(self, folder: Folder, state: FolderState) -> None:
        """After a lost link: everything since what is known, read or not."""
        self._list_again(state)
        self._seed(folder, state)

    def _list_again(self, state: FolderState) -> None:
        now = self.api.http.clock()
        known = min(filter(None, (self.since, state.read_at, state.news_from)), default=now) - OVERLAP
        state.list_from = min(known, state.list_from or known)
        self.relisted = True

    def _seed(self, folder: Folder, state: FolderState) -> None:
        now = self.api.http.clock()
        state.rows, state.news_from = 0, now
        state.link = self.api.url(
            f"{folder_path(self.token.email, _FOLDER_NAMES[folder])}/messages/delta",
            {
                "changeType": "created",
                "$select": SUMMARY_FIELDS,
                "$filter": f"receivedDateTime ge {format_time(now - SEED_REACH)}",
            },
        )

    def _follow(self, folder: Folder, state: FolderState) -> bool:
        """Follow the folder's link to the end of its round, or of the budget; whether the round is over."""
        for _ in range(MAX_PAGES):
            if self._left() <= 0:
                break
            body = self._get(state.link, page=min(LARGEST_PAGE, max(SMALLEST_PAGE, self._left())))
            rows = [row for row in as_rows(body.get("value")) if "@removed" not in row]
            state.rows += len(rows)
            self._take(folder, rows, state.news_from)
            next_link = as_text(body.get("@odata.nextLink"))
            state.link = next_link or as_text(body.get("@odata.deltaLink"))
            if not state.link:
                raise AnswerLost(
                    "Microsoft's answer has neither a next nor a delta link.", code="answer-lost"
                )
            if not next_link:
                self._end_round(state)
                return True
        return False

    def _end_round(self, state: FolderState) -> None:
        if state.rows >= ROUND_CAP:
            self._list_again(state)
        state.rows, state.news_from, state.read_at = 0, None, self.api.http.clock()

    def _list(self, folder: Folder, begin: datetime, condition: str = "") -> datetime | None:
        """List by receive time, each page from where the last one ended; None once a page brings nothing new.

        A second that holds more mail than the budget is listed to its end, or the next call would begin in it again.
        """
        if self._left() <= 0:
            return begin
        first = begin
        while self._left() > 0 or begin <= first:
            body = self._get(self._list_url(folder, begin, condition))
            rows = as_rows(body.get("value"))
            while not (taken := self._take(folder, rows)):
                # An empty page, or one full of a single second's mail: only the link leads on.
                link = as_text(body.get("@odata.nextLink"))
                if not link:
                    return None
                body = self._get(link)
                rows = as_rows(body.get("value"))
            begin = max((ref.received_at for ref in taken if ref.received_at), default=begin)
        return begin

    def _list_url(self, folder: Folder, begin: datetime, condition: str) -> str:
        return self.api.url(
            f"{folder_path(self.token.email, _FOLDER_NAMES[folder])}/messages",
            {
                "$filter": f"receivedDateTime ge {format_time(begin)}{condition}",
                "$orderby": "receivedDateTime",
                "$select": SUMMARY_FIELDS,
                "$top": min(LARGEST_PAGE, max(SMALLEST_PAGE, self._left())),
            },
        )

    def _get(self, url: str, page: int = 0) -> dict[str, Any]:
        prefer = f"{IMMUTABLE_IDS}, odata.maxpagesize={page}" if page else IMMUTABLE_IDS
        return self.api.request(self.token, "GET", url, headers={"Prefer": prefer}).fields()

    def _take(
        self, folder: Folder, rows: Iterable[Mapping[str, Any]], news_from: datetime | None = None
    ) -> list[MessageRef]:
        """Keep what is new among `rows`, and received since `news_from` where that is given."""
        taken = []
        for row in rows:
            ref = read_ref(row, folder)
            is_old = news_from and ref.received_at and ref.received_at < news_from.replace(microsecond=0)
            if ref.id and ref.id not in self.refs and not is_old:
                self.refs[ref.id] = ref
                taken.append(ref)
        return taken

    def _left(self) -> int:
        return self.budget - len(self.refs)


def _is_lost(error: ProviderError) -> bool:
    """Whether the resume point is gone: 410, or one of the codes that come with any 4xx."""
    return error.status == 410 or error.code.casefold() in _LOST_CODES

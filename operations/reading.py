"""Reading a mailbox once for all who share it: who may, what is due, and how each reading went.

News is collected for both purposes in the bounce phase, once a cycle; each phase handles its own pending rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db.models import Q, QuerySet

from accounts.models import Customer, SystemSettings
from bounces.models import BounceServer
from bounces.processing import BounceHandler
from keys.models import ApiKey
from mailboxes import leases
from mailboxes.budgets import Budget
from mailboxes.collecting import Collected, collect
from mailboxes.disposing import dispose_handled, wanted
from mailboxes.handling import Handler, handle_pending
from mailboxes.leases import Lease, LeaseLost
from mailboxes.models import Mailbox, ProcessedMessage, Purpose, SyncRun
from mailboxes.opening import OpenMailbox, Source, open_mailbox
from mailboxes.turns import in_turns
from mailboxes.watching import watches_for
from monitors.models import Monitor
from monitors.processing import MonitorHandler
from providers.errors import ProviderError, TemporaryError
from providers.registry import PROVIDERS
from servers.models import ServerQuerySet

logger = structlog.get_logger(__name__)
SyncState = Mailbox.SyncState
SETTLED = (SyncState.VALID, SyncState.PARTIAL, SyncState.ATTENTION)


@dataclass
class ReadReport:
    """What one reading did. `error` needs a person; `note` says why a reading was cut short or left out."""

    listed: int = 0
    handled: int = 0
    matched: int = 0
    left_alone: int = 0
    quarantined: int = 0
    disposed: int = 0
    complete: bool = True
    relisted: bool = False
    note: str = ""
    error: str = ""
    error_code: str = ""


def mailboxes_to_read(settings: SystemSettings) -> list[int]:
    """Mailboxes (their numbers) that an active, connected server with a usable key reads, customers taking turns.

    Only of providers that are on; all others that were read before are shown as stopped.
    """
    enabled = [name for name in PROVIDERS if settings.enabled and settings.is_provider_enabled(name)]
    owners: dict[int, int | None] = {}
    for servers in (BounceServer.objects.all(), Monitor.objects.all()):
        rows = _reading(servers).filter(provider__in=enabled).order_by("pk")
        for mailbox_id, customer_id in rows.values_list("mailbox_id", "customer_id"):
            owners.setdefault(mailbox_id, customer_id)
    others = Mailbox.objects.exclude(pk__in=owners)
    others.exclude(sync_state__in=[SyncState.NEVER, SyncState.STOPPED]).update(sync_state=SyncState.STOPPED)
    return in_turns(owners.items())


def mailboxes_with_more(settings: SystemSettings) -> list[int]:
    """Those of `mailboxes_to_read` that have something left for the monitors, or to dispose of."""
    waiting = Q(purpose=Purpose.MONITORS, state=ProcessedMessage.State.PENDING)
    left = ProcessedMessage.objects.filter(waiting | Q(disposal=ProcessedMessage.Disposal.WANTED))
    numbers = set(left.order_by().values_list("mailbox_id", flat=True).distinct())
    return [number for number in mailboxes_to_read(settings) if number in numbers]


def _reading(servers: ServerQuerySet[Any]) -> QuerySet[Any]:
    """Those that read now. A failing key is left to its own circuit, which tries it again."""
    owned = Q(customer__isnull=True) | Q(customer__status=Customer.Status.ACTIVE)
    connected = servers.active().filter(owned, connected_at__isnull=False)
    return connected.exclude(api_key__status=ApiKey.Status.DISABLED)


def read_bounces(mailbox: Mailbox, now: datetime, within: Lease | None = None) -> ReadReport:
    """Collect the mailbox's news, then handle its pending bounce rows. Never raises ProviderError.

    `within` is the lease of the work that this reading is a part of.
    """
    return _Reading(mailbox, Purpose.BOUNCES, now).run(within, collecting=True)


def read_monitors(mailbox: Mailbox, now: datetime, within: Lease | None = None) -> ReadReport:
    """Handle the mailbox's pending monitor rows; else as `read_bounces`."""
    return _Reading(mailbox, Purpose.MONITORS, now).run(within, collecting=False)


class _Reading:
    """One mailbox, one purpose, one run, under the mailbox's reading lease."""

    def __init__(self, mailbox: Mailbox, purpose: Purpose, now: datetime) -> None:
        self.mailbox = mailbox
        self.purpose = purpose
        self.now = now
        self.servers: list[BounceServer] = self._load(BounceServer.objects.all())
        self.monitors: list[Monitor] = self._load(
            Monitor.objects.prefetch_related("conditions__target_list", "conditions__target_group")
        )
        self.report = ReadReport()
        self.sync = SyncRun(mailbox=mailbox, purpose=purpose, started_at=now)

    def run(self, within: Lease | None, *, collecting: bool) -> ReadReport:
        if not self.servers and not self.monitors:
            return self._put_off("No active server reads this mailbox.")
        if not collecting and not self._pending().exists() and not wanted(self.mailbox).exists():
            return self.report
        if self.mailbox.is_blocked(self.now):
            return self._put_off(
                f"The provider asked for a pause until {self.mailbox.blocked_until:%H:%M} UTC."
            )
        lease = leases.claim(self.mailbox, "reading", within=within)
        if lease is None:
            return self._put_off("Another worker is reading this mailbox.")
        try:
            self._run(lease, collecting=collecting)
        except LeaseLost:
            return self._put_off("Another worker took this mailbox over.")
        finally:
            lease.release()
        return self.report

    def _run(self, lease: Lease, *, collecting: bool) -> None:
        self.mailbox.refresh_from_db()
        state_before = self.mailbox.sync_state
        if self.mailbox.cursor is None:
            self._show(SyncState.RUNNING)
        try:
            self._read(lease, collecting=collecting)
        except ProviderError as error:
            self._record(error)
        except LeaseLost:
            raise
        except Exception:
            self._show(SyncState.ATTENTION, "Reading failed for a reason of ours: see the log.", "internal")
            raise
        self._finish(state_before, collecting=collecting)

    def _put_off(self, note: str) -> ReadReport:
        self.report.note, self.report.complete = note, False
        return self.report

    def _load(self, servers: ServerQuerySet[Any]) -> list[Any]:
        rows = _reading(servers).filter(mailbox=self.mailbox, provider=self.mailbox.provider)
        return list(rows.select_related("api_key", "customer").order_by("pk"))

    def _read(self, lease: Lease, *, collecting: bool) -> None:
        opened = open_mailbox(self.mailbox, [*self.servers, *self.monitors], self.now)
        if collecting:
            self._collect(opened, lease)
        if not opened.is_whole:
            self._put_off("A server's token cannot be renewed for the moment; handling waits for it.")
            return
        if self._pending().exists():
            self._handle(opened, lease)
        if wanted(self.mailbox).exists():
            self.report.disposed = dispose_handled(opened, lease, Budget.for_disposing())

    def _collect(self, opened: OpenMailbox, lease: Lease) -> None:
        users: dict[Purpose, list[Any]] = {Purpose.BOUNCES: self.servers, Purpose.MONITORS: self.monitors}
        purposes = {
            purpose: min(server.created_at for server in servers)
            for purpose, servers in users.items()
            if servers
        }
        collected: Collected = collect(
            opened, watches_for(self.mailbox, purposes), lease, Budget.for_listing()
        )
        self.report.listed = self.sync.listed = collected.listed
        self.report.relisted = self.sync.relisted = collected.relisted
        self.report.complete = self.sync.complete = collected.complete

    def _handler(self, opened: OpenMailbox) -> Handler[Any] | None:
        """The purpose's handler with those servers that were let in; None where none of them was."""
        if self.purpose == Purpose.BOUNCES:
            usable = _let_in(self.servers, opened.sources)
            return BounceHandler(usable, self.now) if usable else None
        watching = _let_in(self.monitors, opened.sources)
        return MonitorHandler(watching, self.now) if watching else None

    def _pending(self) -> QuerySet[ProcessedMessage]:
        return ProcessedMessage.objects.filter(
            mailbox=self.mailbox, purpose=self.purpose, state=ProcessedMessage.State.PENDING
        )

    def _handle(self, opened: OpenMailbox, lease: Lease) -> None:
        handler = self._handler(opened)
        if handler is None:
            return
        self._show(SyncState.RUNNING)
        self.sync.save()
        handle_pending(opened, self.purpose, handler, lease, Budget(), self.sync)

    def _record(self, error: ProviderError) -> None:
        """A pause is the mailbox's, a refusal is for a person, anything else is tried again next time."""
        if retry_at := getattr(error, "retry_at", None):
            self.mailbox.block_until(retry_at)
        self.report.complete = self.sync.complete = False
        self.sync.error, self.sync.error_code = error.message, error.code
        if isinstance(error, TemporaryError):
            self.report.note = error.message
        else:
            fix = f" {error.help.fix}" if error.help else ""
            self.report.error, self.report.error_code = f"{error.message}{fix}", error.code
        logger.warning("reading was cut short", mailbox=self.mailbox.email, code=error.code)

    def _finish(self, state_before: str, *, collecting: bool) -> None:
        for count in ("handled", "matched", "left_alone", "quarantined"):
            setattr(self.report, count, getattr(self.sync, count))
        self.report.complete = self.report.complete and self.sync.complete
        if self.sync.pk or self.report.listed or self.sync.error:
            self.sync.finished_at = self.now
            self.sync.save()
        # The monitors' part alone says nothing of how the collecting before it went: that stays as it was.
        if not collecting and self.report.complete and state_before in SETTLED:
            self._show(state_before, self.mailbox.sync_error, self.mailbox.sync_error_code)
        else:
            self._show(self._state(), self.sync.error, self.sync.error_code)

    def _state(self) -> str:
        if self.report.error:
            return SyncState.ATTENTION
        return SyncState.VALID if self.report.complete else SyncState.PARTIAL

    def _show(self, state: str, error: str = "", code: str = "") -> None:
        shown: dict[str, Any] = {"sync_state": state, "sync_error": error, "sync_error_code": code}
        if state != SyncState.RUNNING and not error:
            shown["last_read_at"] = self.now
        Mailbox.objects.filter(pk=self.mailbox.pk).update(**shown)


def _let_in(servers: Iterable[Any], sources: Iterable[Source]) -> list[Any]:
    allowed = {id(source) for source in sources}
    return [server for server in servers if id(server) in allowed]

"""The backend's pages for mailboxes: state, sync history and the ledger of handled messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter

from accounts.backend import LogAdmin
from accounts.badges import EMPTY, Tone, badge, lines, moment, state_badge
from mailboxes.models import NEEDS_A_PERSON, Mailbox, ProcessedMessage, SyncRun
from mailboxes.retrying import retry
from mailboxes.tables import MAILBOXES, sync_state
from pages.admin import shown

MESSAGE_LOOKS = {
    ProcessedMessage.State.PENDING: (Tone.INFO, "schedule"),
    ProcessedMessage.State.DONE: (Tone.GOOD, "check_circle"),
    ProcessedMessage.State.QUARANTINED: (Tone.WARNING, "warning"),
}
RUNS_SHOWN = 30
SOURCE_SHOWN = 64 * 1024


@admin.register(Mailbox)
class MailboxAdmin(LogAdmin):
    """Mailboxes at the providers, each read once per cycle whoever shares it."""

    list_display = ("named", "provider", "state", "waits", "read", "newest", "throttled")
    list_filter: ClassVar = MAILBOXES.filters
    address_search = ("email_key",)
    exact_search = ("display_name",)
    search_help_text = "A mailbox's whole address."
    ordering = MAILBOXES.order_by
    fieldsets: ClassVar = (
        (None, {"fields": ("named", "provider", "state", "sync_error", "sync_error_code")}),
        ("Reading", {"fields": ("read", "newest", "unread_at_connection", "waits", "leases", "throttled")}),
        ("Sync history", {"fields": ("history",)}),
    )
    readonly_fields: ClassVar = (
        "named", "provider", "state", "sync_error", "sync_error_code", "read", "newest", "unread_at_connection",
        "waits", "leases", "throttled", "history",
    )  # fmt: skip

    @display(description="mailbox", ordering="email")
    def named(self, row: Mailbox) -> SafeString:
        return lines(row.email, row.display_name)

    @display(description="state", ordering="sync_state")
    def state(self, row: Mailbox) -> SafeString:
        state: SafeString = shown(sync_state(row))
        return state

    @display(description="last read", ordering="last_read_at")
    def read(self, row: Mailbox) -> SafeString:
        return moment(row.last_read_at)

    @display(description="newest message", ordering="newest_at")
    def newest(self, row: Mailbox) -> SafeString:
        return moment(row.newest_at)

    @display(description="in use")
    def waits(self, row: Mailbox) -> SafeString:
        now = timezone.now()
        held = [name for name in ("reading", "sending") if _holds(getattr(row, f"{name}_until"), now)]
        return badge(" and ".join(held).capitalize(), Tone.INFO, "sync") if held else EMPTY

    @display(description="leases")
    def leases(self, row: Mailbox) -> SafeString:
        texts = [
            f"{name}: until {until:%Y-%m-%d %H:%M:%S %Z}, number {getattr(row, f'{name}_fence')}"
            for name in ("reading", "sending")
            if (until := getattr(row, f"{name}_until"))
        ]
        return lines(*texts) if texts else lines("free")

    @display(description="throttled", ordering="blocked_until")
    def throttled(self, row: Mailbox) -> SafeString:
        if not row.is_blocked(timezone.now()) or row.blocked_until is None:
            return EMPTY
        until = timezone.localtime(row.blocked_until)
        return badge(f"Waits until {until:%H:%M}", Tone.WARNING, "hourglass", f"{until:%Y-%m-%d %H:%M %Z}")

    @display(description="newest runs first")
    def history(self, row: Mailbox) -> SafeString:
        return runs_table(list(row.runs.all()[:RUNS_SHOWN]))


def runs_table(runs: list[SyncRun]) -> SafeString:
    """A mailbox's readings: when, how much came and what became of it."""
    return render_to_string("admin/runs.html", {"runs": runs})


def _holds(until: datetime | None, now: datetime) -> bool:
    return until is not None and until > now


@admin.register(SyncRun)
class SyncRunAdmin(LogAdmin):
    """Every reading of every mailbox."""

    list_display = ("started", "mailbox", "purpose", "listed", "handled", "matched", "left_alone", "result")
    list_filter: ClassVar = ("purpose", ("mailbox", AutocompleteSelectFilter))
    list_select_related = ("mailbox",)
    fields = (
        "started", "finished_at", "mailbox", "purpose", "listed", "handled", "matched", "left_alone",
        "quarantined", "complete", "relisted", "result", "error",
    )  # fmt: skip
    readonly_fields = fields
    address_search = ("mailbox__email_key",)
    search_help_text = "A mailbox's address."

    @display(description="started", ordering="-pk")
    def started(self, row: SyncRun) -> SafeString:
        return moment(row.started_at)

    @display(description="result")
    def result(self, row: SyncRun) -> SafeString:
        return run_badge(row)


def run_badge(run: SyncRun) -> SafeString:
    if run.error:
        return badge("Needs attention", Tone.BAD, "warning", run.error)
    if run.finished_at is None:
        return badge("Running", Tone.INFO, "sync")
    return (
        badge("Complete", Tone.GOOD, "check_circle")
        if run.complete
        else badge("Partial", Tone.WARNING, "hourglass")
    )


class WaitingFilter(admin.SimpleListFilter):
    """Messages that somebody has to look at."""

    title = "waits for a person"
    parameter_name = "needs_a_person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Set aside, or refused to go")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(NEEDS_A_PERSON) if self.value() == "yes" else queryset


@admin.register(ProcessedMessage)
class ProcessedMessageAdmin(LogAdmin):
    """The ledger: each message of a mailbox, handled once per purpose."""

    list_display = ("received", "mailbox", "purpose", "message", "handled", "outcome", "disposed")
    list_filter: ClassVar = (
        WaitingFilter, "purpose", "state", "disposal", ("mailbox", AutocompleteSelectFilter),
        ("handled_at", RangeDateTimeFilter),
    )  # fmt: skip
    list_select_related = ("mailbox",)
    exact_search = ("provider_message_id", "internet_message_id")
    address_search = ("mailbox__email_key",)
    search_help_text = "A mailbox's address, or a message's exact id."
    actions = ("try_again",)
    fields = (
        "received", "mailbox", "purpose", "folder", "sender", "subject", "handled", "outcome", "detail", "disposed",
        "tries", "listed_at", "handled_at", "internet_message_id", "provider_message_id", "thread_id", "source",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("raw")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("mailboxes.change_processedmessage"))

    @admin.action(description="Try again", permissions=["retry"])
    def try_again(self, request: HttpRequest, rows: QuerySet[ProcessedMessage]) -> None:
        """Messages that were set aside are read, refused disposals carried out, in the next cycle."""
        tried = retry(rows)
        for row in tried:
            self.audit(request, "try again", row)
        if tried:
            self.message_user(
                request, f"{len(tried)} will be tried again in the next cycle.", messages.SUCCESS
            )
        else:
            self.message_user(request, "None of these waits to be tried again.", messages.WARNING)

    @display(description="source")
    def source(self, row: ProcessedMessage) -> SafeString:
        """What came of a message that was set aside; of any other nothing is kept."""
        if not row.raw:
            return EMPTY
        text = bytes(row.raw[:SOURCE_SHOWN]).decode("utf-8", "replace")
        return format_html('<pre class="whitespace-pre-wrap break-all text-xs">{}</pre>', text)

    @display(description="received", ordering="-pk")
    def received(self, row: ProcessedMessage) -> SafeString:
        return moment(row.received_at)

    @display(description="disposal", ordering="disposal")
    def disposed(self, row: ProcessedMessage) -> str:
        return row.disposal_text

    @display(description="message")
    def message(self, row: ProcessedMessage) -> SafeString:
        return lines(row.subject or "(no subject)", row.sender)

    @display(description="state")
    def handled(self, row: ProcessedMessage) -> SafeString:
        return state_badge(row.state, row.get_state_display(), MESSAGE_LOOKS, row.detail[:500])

"""What each phase of the cycle works on, and the one call that does a piece of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from accounts.models import SystemSettings
from keys.refreshing import due_groups, refresh_group
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from operations.models import Phase
from operations.reading import mailboxes_to_read, mailboxes_with_more, read_bounces, read_monitors
from operations.recovering import recover
from providers.registry import PROVIDERS

Report = dict[str, object]


@dataclass(frozen=True, slots=True)
class PhaseWork:
    """A phase: what it works on (one text a piece), and how one piece is done and reported.

    `work` gets the piece's lease: whoever takes longer than LEASE_SECONDS renews it.
    """

    subjects: Callable[[datetime], list[str]]
    work: Callable[[str, datetime, Lease], Report]


def _recovery(_now: datetime) -> list[str]:
    return ["leases"]


def _recover(_subject: str, now: datetime, _lease: Lease) -> Report:
    return asdict(recover(now))


def _due_tokens(now: datetime) -> list[str]:
    settings = SystemSettings.load()
    if not settings.enabled:
        return []
    enabled = {name for name in PROVIDERS if settings.is_provider_enabled(name)}
    return [str(pk) for pk in due_groups(now, enabled)]


def _refresh(subject: str, now: datetime, _lease: Lease) -> Report:
    return asdict(refresh_group(int(subject), now))


def _to_read(_now: datetime) -> list[str]:
    return [str(number) for number in mailboxes_to_read(SystemSettings.load())]


def _with_more(_now: datetime) -> list[str]:
    return [str(number) for number in mailboxes_with_more(SystemSettings.load())]


def _read(
    read: Callable[[Mailbox, datetime, Lease | None], object],
) -> Callable[[str, datetime, Lease], Report]:
    def work(subject: str, now: datetime, lease: Lease) -> Report:
        mailbox = Mailbox.objects.get(pk=int(subject))
        return {"email": mailbox.email, "provider": mailbox.provider, **asdict(read(mailbox, now, lease))}  # type: ignore[call-overload]

    return work


PHASES: dict[Phase, PhaseWork] = {
    Phase.RECOVER: PhaseWork(_recovery, _recover),
    Phase.TOKENS: PhaseWork(_due_tokens, _refresh),
    Phase.BOUNCES: PhaseWork(_to_read, _read(read_bounces)),
    Phase.MONITORS: PhaseWork(_with_more, _read(read_monitors)),
}

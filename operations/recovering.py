"""The cycle's first phase: what died since the last one is given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now

from keys.models import Token
from mailboxes.models import Mailbox


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many leases had run out: of mailboxes being read or sent from, of tokens being renewed."""

    reading: int
    sending: int
    renewing: int


def recover(_now: datetime) -> Recovered:
    """Leases that ran out could be taken anyway; giving them back shows the truth on every page."""
    reading = Mailbox.objects.filter(reading_until__lte=Now())
    stuck = reading.filter(sync_state=Mailbox.SyncState.RUNNING)
    stuck.update(sync_state=Mailbox.SyncState.PARTIAL)
    return Recovered(
        reading=reading.update(reading_until=None),
        sending=Mailbox.objects.filter(sending_until__lte=Now()).update(sending_until=None),
        renewing=Token.objects.filter(renewing_until__lte=Now()).update(renewing_until=None),
    )

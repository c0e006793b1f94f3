"""Row leases: exclusive work on a row, on the database's own clock, with a fencing number.

A lease is claimed by one conditional UPDATE, renewed by its holder, and simply runs out when the holder
dies. Every write of the holder checks the fencing number inside its own transaction (`require`), so that a
holder that was paused past its lease changes nothing. Never a flag that a crash leaves behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.rows import lock_row

LEASE_SECONDS = 120


class LeaseLost(Exception):
    """Another holder took over: whatever this one was about to write is no longer its to write."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A held lease: the row's model and number, the lease's name on it and the fencing number.

    `within` is a lease that is held for the sake of the same work, and renewed together with this one.
    """

    model: type[models.Model]
    pk: int
    name: str
    fence: int
    within: Lease | None = None

    def _held(self) -> models.QuerySet[models.Model]:
        return self.model._default_manager.filter(pk=self.pk, **{f"{self.name}_fence": self.fence})

    def renew(self, seconds: int = LEASE_SECONDS) -> None:
        """Prolong from now on. Raises LeaseLost."""
        if self.within:
            self.within.renew(seconds)
        if not self._held().update(**{f"{self.name}_until": Now() + timedelta(seconds=seconds)}):
            raise LeaseLost(f"{self.name} lease of {self.model.__name__} {self.pk} was taken over")

    def require(self) -> None:
        """Inside a transaction: lock the row and make sure the lease is still ours. Raises LeaseLost."""
        mine = {"pk": self.pk, f"{self.name}_fence": self.fence}
        if not lock_row(self.model, mine, filled=f"{self.name}_until"):
            raise LeaseLost(f"{self.name} lease of {self.model.__name__} {self.pk} was taken over")

    def release(self, **result: object) -> bool:
        """Give it back, writing `result` to the row with it; False, and nothing happens, when it was lost already."""
        return bool(self._held().update(**result, **{f"{self.name}_until": None}))


def claim(
    row: models.Model, name: str, *, within: Lease | None = None, start: dict[str, object] | None = None
) -> Lease | None:
    """Take the lease `name` of `row` for LEASE_SECONDS, or None while somebody else's has not run out.

    `start` is written to the row with it.
    """
    model = type(row)
    free = Q(**{f"{name}_until__isnull": True}) | Q(**{f"{name}_until__lte": Now()})
    until = Now() + timedelta(seconds=LEASE_SECONDS)
    mine = {f"{name}_until": until, f"{name}_fence": F(f"{name}_fence") + 1, **(start or {})}
    # One transaction: its row lock keeps the next holder from raising the number before it is read.
    with transaction.atomic():
        if not model._default_manager.filter(free, pk=row.pk).update(**mine):
            return None
        fence = model._default_manager.values_list(f"{name}_fence", flat=True).get(pk=row.pk)
    return Lease(model, int(row.pk), name, int(fence), within)

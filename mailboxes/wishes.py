"""What becomes of a handled message when several servers have a say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from providers.messages import Disposal

# From the gentlest on.
STRENGTH = (Disposal.LEAVE, Disposal.MOVE, Disposal.DELETE)


class Wisher(Protocol):
    """A server that reads, with what it says of its processed mail."""

    delete_processed: bool
    processed_folder: str

    @property
    def customer_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose access (None: the system's) is to delete a message, or to move it to `folder`."""

    customer_id: int | None
    folder: str = ""


def anybodys_wishes(servers: Sequence[Wisher]) -> list[Wish]:
    """Of servers that each acted for itself: the strongest first, the next where that one is refused."""
    return strongest_first(_wish_of(server) for server in servers if _how(server) is not Disposal.LEAVE)


def common_wishes(servers: Sequence[Wisher]) -> list[Wish]:
    """Of servers that a message concerns together: only what all of them go as far as; none if one leaves it."""
    how = min((_how(server) for server in servers), key=STRENGTH.index, default=Disposal.LEAVE)
    return anybodys_wishes([server for server in servers if _how(server) is how])


def strongest_first(wishes: Iterable[Wish]) -> list[Wish]:
    """Deleting before moving, otherwise in their order; each once."""
    return sorted(dict.fromkeys(wishes), key=lambda wish: bool(wish.folder))


def _how(server: Wisher) -> Disposal:
    if server.delete_processed:
        return Disposal.DELETE
    return Disposal.MOVE if server.processed_folder else Disposal.LEAVE


def _wish_of(server: Wisher) -> Wish:
    return Wish(server.customer_id, "" if server.delete_processed else server.processed_folder)

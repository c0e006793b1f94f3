"""One call of either API, and how a provider words what both can answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.faults import Effect, Fault
from sandbox.mailbox import Mailbox
from sandbox.world import World


class ConnectionDropped(Exception):
    """Leaves the WSGI application when the client must lose its connection."""


class NoAnswer(ConnectionDropped):
    """The client's own read time-out passes before an answer comes."""


class ApiError(Exception):
    """An error answer; each dialect builds it in its own shape."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass
class Call:
    """`values` are the parts of the path; `inner` says that it came inside a batch."""

    name: str
    request: Request
    world: World
    mailbox: Any = None
    grant: Any = None
    values: dict[str, str] = field(default_factory=dict)
    inner: bool = False
    faults: list[Fault] = field(default_factory=list)

    def has_fault(self, effect: Effect) -> bool:
        """Whether the handler itself was asked to go wrong in this way."""
        return any(fault.effect == effect for fault in self.faults)

    def note(self, kind: str, detail: str = "") -> None:
        self.world.note(kind, self.name, self.mailbox, detail)

    @property
    def now(self) -> float:
        return self.world.clock.now()


Handler = Callable[[Call], Response]


class Dialect(ABC):
    """How one provider words what both do."""

    @abstractmethod
    def concurrency(self, world: World) -> int | None: ...

    @abstractmethod
    def too_many_at_once(self, call: Call) -> ApiError: ...

    @abstractmethod
    def throttled(self, call: Call, wait_seconds: float, message: str | None = None) -> ApiError: ...

    @abstractmethod
    def rate_limit_403(self, call: Call, code: str | None, message: str | None) -> ApiError: ...

    @abstractmethod
    def unauthorized(self, call: Call) -> ApiError: ...

    @abstractmethod
    def failure(self, call: Call, fault: Fault) -> ApiError: ...

    @abstractmethod
    def charge(self, call: Call) -> None:
        """Count the call against the provider's quotas; raises ApiError beyond them."""


def told_to_wait(mailbox: Mailbox | None, until: float, *, hold: bool = False) -> None:
    """Remember a Retry-After, so that a client which ignores it shows up in the notes."""
    if mailbox is not None:
        mailbox.usage.told_to_wait_until = max(mailbox.usage.told_to_wait_until, until)
        if hold:
            mailbox.usage.blocked_until = max(mailbox.usage.blocked_until, until)

"""Faults to order: what goes wrong, at which call, of which mailbox, how often and in which order."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

Effect = Literal[
    "throttle",  # 429 with Retry-After
    "rate-limit-403",  # Gmail: 403 userRateLimitExceeded (or `code`)
    "unauthorized",  # 401 as for an expired token
    "status",  # `status` with `code`; before or after acceptance
    "reset",  # the connection breaks; before or after acceptance
    "late",  # no answer now, accepted `seconds` later all the same
    "hang",  # no answer for `seconds`, then 504; before or after acceptance
    "slow-body",  # the answer drips in over `seconds`
    "truncate",  # the answer breaks off half way
    "cut-json",  # a complete answer with half the JSON
    "empty-page",  # a page without rows but with a next link
    "gone",  # delta 410, history 404
    "human",  # a person does `action` to every message of the inbox at that moment
    "hook",  # in-process tests: calls `hook`
]
When = Literal["before", "after"]
# These happen to an answer, so the call has been carried out by then.
ON_ANSWER = frozenset({"slow-body", "truncate", "cut-json"})
# These are asked for by the handler of the call itself.
IN_HANDLER = frozenset({"empty-page", "gone"})


@dataclass
class Fault:
    """Applies to calls whose name matches `call` (`graph.sendMail`, `gmail.messages.*`, `entra.token`)."""

    effect: Effect
    call: str = "*"
    mailbox: str | None = None
    when: When = "before"
    skip: int = 0  # let so many matching calls pass first
    times: int | None = 1  # None: until it is removed
    status: int = 503
    code: str | None = None
    message: str | None = None
    retry_after: float | None = None  # seconds
    hold: bool = False  # throttle: every call of the mailbox waits until then
    seconds: float = 0.0
    action: Literal["mark_read", "delete", "move"] = "mark_read"
    inner: bool | None = None  # True: only inside a batch, False: only outside
    hook: Callable[[], None] | None = None
    id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.effect not in get_args(Effect):
            raise ValueError(f"Unknown effect {self.effect!r}. Known: {', '.join(get_args(Effect))}.")
        if self.when not in get_args(When):
            raise ValueError("`when` is before or after.")

    @property
    def is_after(self) -> bool:
        return self.when == "after" or self.effect in ON_ANSWER

    def matches(self, call: str, mailbox: str | None, *, inner: bool) -> bool:
        return (
            self.times != 0
            and fnmatchcase(call, self.call)
            and (self.mailbox is None or (mailbox or "").lower() == self.mailbox.lower())
            and (self.inner is None or self.inner == inner)
        )

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "hook"}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Fault":
        known = {field.name for field in fields(cls)} - {"hook", "id", "hits"}
        if unknown := sorted(set(document) - known):
            raise ValueError(f"Unknown {', '.join(unknown)}. A fault takes: {', '.join(sorted(known))}.")
        return cls(**document)


class FaultBook:
    """The faults in force, used in the order in which they were added; guarded by the world's lock."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._ids = 0

    def add(self, fault: Fault) -> Fault:
        self._ids += 1
        fault.id = self._ids
        self.faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        self.faults = [fault for fault in self.faults if fault_id is not None and fault.id != fault_id]

    def take(self, call: str, mailbox: str | None, *, inner: bool) -> list[Fault]:
        """The faults of this call, each counted down: at most one before it and one after it."""
        taken: dict[str, Fault] = {}
        for fault in self.faults:
            stage = _stage(fault)
            if stage in taken or not fault.matches(call, mailbox, inner=inner):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            fault.hits += 1
            taken[stage] = fault
        return list(taken.values())


def _stage(fault: Fault) -> str:
    if fault.effect in IN_HANDLER:
        return "handler"
    return "after" if fault.is_after else "before"

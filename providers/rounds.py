"""Work through messages in batches whose parts can fail one by one: what both dialects' batches share."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from providers.errors import (
    AnswerLost,
    AnswerTooLarge,
    NotFound,
    PermissionDenied,
    ProviderError,
    Throttled,
    TokenRefused,
    Unavailable,
)
from providers.messages import MessageRef, Receipt, Submitted
from providers.session import Answer, Http

# A mailbox's lease is held while we wait: a longer wait is the caller's to schedule.
LONGEST_PAUSE = timedelta(seconds=10)
# How often one message is tried after being throttled or failing at the provider.
MAX_TRIES = 3

# Each message's own answer; None where the provider did not try it because another one failed before it.
Results = Mapping[str, Answer | None]
Outcome = Answer | ProviderError


class Rounds:
    """Hands out batches of at most `size` until every message has an answer, or an error of its own.

    `perform` sends one batch and returns answers by message id. A batch whose answer grows too large is
    halved, down to single messages. A short throttle is waited for; a longer one ends the work: every
    message left gets it as its error.
    """

    def __init__(
        self,
        http: Http,
        *,
        size: int,
        perform: Callable[[Sequence[MessageRef]], Results],
        error_for: Callable[[Answer], ProviderError],
    ) -> None:
        self._http = http
        self._full_size = self._size = size
        self._perform = perform
        self._error_for = error_for
        self._tries: Counter[str] = Counter()
        self._omissions: Counter[str] = Counter()

    def run(self, refs: Sequence[MessageRef]) -> Iterator[tuple[MessageRef, Outcome]]:
        """Each message once, in no order. Raises what concerns all of them, such as TokenRefused."""
        pending = deque(refs)
        while pending:
            batch = [pending.popleft() for _ in range(min(self._size, len(pending)))]
            again: list[MessageRef] = []
            throttle: Throttled | None = None
            for ref, outcome in self._outcomes(batch):
                if isinstance(outcome, Throttled):
                    throttle = max(outcome, throttle or outcome, key=lambda error: error.retry_at)
                if outcome is None or isinstance(outcome, Throttled):
                    again.append(ref)
                else:
                    yield ref, outcome
            pending.extendleft(reversed(again))
            if throttle and not self._pause(throttle, again):
                yield from ((ref, throttle) for ref in pending)
                return

    def _outcomes(self, batch: Sequence[MessageRef]) -> Iterator[tuple[MessageRef, Outcome | None]]:
        """What became of each message of one batch; None means once more."""
        try:
            results = self._perform(batch)
        except AnswerTooLarge as error:
            self._size = max(1, len(batch) // 2)
            yield from ((ref, error if len(batch) == 1 else None) for ref in batch)
            return
        self._size = min(self._full_size, self._size * 2)
        for ref in batch:
            yield ref, self._outcome(ref, results)

    def _outcome(self, ref: MessageRef, results: Results) -> Outcome | None:
        answer = results.get(ref.id)
        if answer is None:
            # Each round answers at least the first of a chain, so a whole batch needs no more rounds than parts.
            self._omissions[ref.id] += 1
            return None if self._omissions[ref.id] < self._full_size else _left_out()
        if answer.status < 300:
            return answer
        error = self._error_for(answer)
        if isinstance(error, TokenRefused):
            raise error
        self._tries[ref.id] += 1
        may_pass = isinstance(error, Unavailable) and error.retry_at is None
        return None if may_pass and self._tries[ref.id] < MAX_TRIES else error

    def _pause(self, throttle: Throttled, refs: Sequence[MessageRef]) -> bool:
        """Wait as told, where that is short and has not happened too often; whether it did."""
        wait = throttle.retry_at - self._http.clock()
        if wait > LONGEST_PAUSE or any(self._tries[ref.id] >= MAX_TRIES for ref in refs):
            return False
        self._http.sleep(max(0.0, wait.total_seconds()))
        return True


def _left_out() -> ProviderError:
    return AnswerLost("The provider left this message out of its answer.", code="answer-lost")


def read_look_ups(
    outcomes: Iterable[tuple[MessageRef, Outcome]],
    submitted: Sequence[Submitted],
    read: Callable[[dict[str, Any]], Receipt | None],
) -> list[Receipt | ProviderError | None]:
    """As `MailProvider.look_up`, from the answers by message id; `read` takes a message's row."""
    found = {ref.id: outcome for ref, outcome in outcomes}
    return [_look_up(found.get(one.receipt.provider_message_id), one.receipt, read) for one in submitted]


def _look_up(
    outcome: Outcome | None, known: Receipt, read: Callable[[dict[str, Any]], Receipt | None]
) -> Receipt | ProviderError | None:
    if getattr(outcome, "retry_at", None):
        raise outcome  # type: ignore[misc]  # the mailbox is to be left alone, not only this message
    if isinstance(outcome, PermissionDenied):
        return known  # where the mailbox may not be read, nothing more will ever be known
    if outcome is None or isinstance(outcome, NotFound):
        return None
    return outcome if isinstance(outcome, ProviderError) else read(outcome.fields())

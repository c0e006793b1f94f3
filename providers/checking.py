"""A connection test as seven steps: what was tried, what failed, and what could not be tried after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from providers.errors import CredentialRefused, Help, PermanentError, ProviderError
from providers.messages import AccessToken, Capabilities, Step, StepState

STEP_NAMES = ("credential", "token", "mailbox", "send", "read", "modify", "delete")

T = TypeVar("T")


class Checklist:
    """Collects the steps in any order; what nobody recorded is shown as skipped."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    def attempt(self, name: str, probe: Callable[[], T], detail: str = "") -> T | None:
        """What `probe` returns, as a passed step; None, as a failed one, where the provider refuses."""
        try:
            result = probe()
        except ProviderError as error:
            self.fail(name, error)
            return None
        self.record(name, StepState.PASSED, detail)
        return result

    def take_token(self, acquire: Callable[[], AccessToken]) -> AccessToken | None:
        """The token, with the two steps that one request proves: the key, and what it opens."""
        try:
            token = acquire()
        except CredentialRefused as error:
            self.fail("credential", error)
            return None
        except PermanentError as error:
            # The key itself was recognised; what it asked for was refused.
            self.record("credential", StepState.PASSED)
            self.fail("token", error)
            return None
        except ProviderError as error:
            self.fail("token", error)
            return None
        self.record("credential", StepState.PASSED)
        self.record("token", StepState.PASSED)
        return token

    def fail(self, name: str, error: ProviderError) -> None:
        """Record a refusal with its cause and fix."""
        self._steps[name] = Step(name, StepState.FAILED, error.message, error.help)

    def record(self, name: str, state: StepState, detail: str = "", help: Help | None = None) -> None:
        """Record a step as it is."""
        self._steps[name] = Step(name, state, detail, help)

    def has_passed(self, name: str) -> bool:
        """Whether the step was taken and went well."""
        return name in self._steps and self._steps[name].state is StepState.PASSED

    def steps(self) -> tuple[Step, ...]:
        """All seven, in their order."""
        skipped = "Not tried: an earlier step failed."
        return tuple(self._steps.get(name, Step(name, StepState.SKIPPED, skipped)) for name in STEP_NAMES)

    def to_refusal(self) -> Capabilities:
        """The result of a test that came to nothing."""
        return Capabilities(send=False, read=False, modify=False, delete=False, steps=self.steps())

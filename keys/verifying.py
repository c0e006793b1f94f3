"""Trying a key on a mailbox: the one check behind both faces' Verify and every server's connection test."""

from __future__ import annotations

from datetime import datetime

from keys.clients import client_for
from keys.models import ApiKey
from providers.errors import CredentialRefused
from providers.messages import Capabilities, Step, StepState


def try_key(key: ApiKey, email: str) -> Capabilities:
    """What `key` may do in the mailbox `email`, by fresh tokens; one that cannot be opened is a failed step."""
    try:
        return client_for(key).check(email)
    except CredentialRefused as refused:
        return Capabilities(steps=(Step("credential", StepState.FAILED, refused.message),))


def verify_key(key: ApiKey, email: str, now: datetime) -> Capabilities:
    """As `try_key`; a token that was given out closes the key's circuit."""
    found = try_key(key, email)
    if has_token(found):
        key.record_success(now)
    return found


def has_token(found: Capabilities) -> bool:
    """Whether the check got as far as a token."""
    return any(step.name == "token" and step.state is StepState.PASSED for step in found.steps)

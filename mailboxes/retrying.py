"""Messages that wait for a person: set aside because they could not be read, or refused when they were to go."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from mailboxes.disposing import dispose_again
from mailboxes.handling import try_again
from mailboxes.models import NEEDS_A_PERSON, ProcessedMessage


def set_aside() -> QuerySet[ProcessedMessage]:
    """Messages that could not be read, of all mailboxes. Bounded like the partial index that finds them."""
    waiting = ProcessedMessage.objects.filter(NEEDS_A_PERSON, state=ProcessedMessage.State.QUARANTINED)
    return waiting.defer("raw")


def retry(messages: Iterable[ProcessedMessage]) -> list[ProcessedMessage]:
    """Let the next cycle read or dispose of them once more. Returns those that had been waiting for it."""
    return [message for message in messages if try_again(message) or dispose_again(message)]

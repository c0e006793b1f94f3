"""Deleting a key: refused while a server uses it, and its tokens go with it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from keys.models import ApiKey


@transaction.atomic
def remove_key(key: ApiKey, _actor: Any = None) -> None:
    """Delete the key and its tokens. Raises ProtectedError that names the servers which use it."""
    key.tokens.all().delete()
    key.delete()

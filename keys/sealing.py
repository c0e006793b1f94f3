"""Secrets sealed at rest with Fernet (AES-128-CBC and HMAC-SHA256) under rotatable keys.

The first key of FIELD_ENCRYPTION_KEYS seals, all of them open. https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField


class SealBroken(Exception):
    """A sealed value opens with none of FIELD_ENCRYPTION_KEYS: the key that sealed it was removed."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def keyring() -> MultiFernet:
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


def seal(text: str) -> str:
    return keyring().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text that was sealed. Raises SealBroken."""
    try:
        return keyring().decrypt(sealed).decode()
    except InvalidToken:
        raise SealBroken(
            "A stored secret cannot be opened with FIELD_ENCRYPTION_KEYS. Put the key that sealed it back "
            "at the end of the list, then run “manage.py rotate_encryption_keys”."
        ) from None


def reseal(sealed: str) -> str:
    """The same secret under the first key."""
    return keyring().rotate(sealed).decode()


class SealedJSONField(TextField):
    """A JSON value that is only ever stored sealed; it cannot be searched, and exports leave it out."""

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else seal(json.dumps(value))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(unseal(value))

    def value_to_string(self, obj: models.Model) -> str:
        return "*****"


class SealedTextField(SealedJSONField):
    """A text that is only ever stored sealed."""

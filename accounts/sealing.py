"""Secrets sealed at rest with Fernet (AES-128-CBC and HMAC-SHA256) under rotatable keys.

The first key of FIELD_ENCRYPTION_KEYS seals, all of them open. https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute

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


def is_under_first_key(sealed: str) -> bool:
    """Whether the first key alone opens it."""
    try:
        _fernet((settings.FIELD_ENCRYPTION_KEYS[0],)).decrypt(sealed)
    except InvalidToken:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Sealed:
    """A value as it is stored; it is opened only where it is used."""

    text: str = field(repr=False)


class UnsealingAttribute(DeferredAttribute):
    """Opens the value on first use, so that one broken seal never takes down a list that joins its row."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = json.loads(unseal(value.text))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        """Being there makes Python ask __get__ for values that are set already."""
        instance.__dict__[self.field.attname] = value


class SealedJSONField(TextField):
    """A JSON value that is only ever stored sealed; it cannot be searched, and exports leave it out.

    Reading it from a row raises SealBroken where none of the keys opens it; loading the row does not.
    """

    descriptor_class = UnsealingAttribute

    def get_prep_value(self, value: Any) -> str | None:
        if isinstance(value, Sealed):
            return value.text
        return None if value is None else seal(json.dumps(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """One that was never opened is written back as it was."""
        value = model_instance.__dict__.get(self.attname)
        return value if isinstance(value, Sealed) else super().pre_save(model_instance, add)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def value_to_string(self, obj: models.Model) -> str:
        return "*****"


class SealedTextField(SealedJSONField):
    """A text that is only ever stored sealed."""

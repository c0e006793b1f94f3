"""Credentials as people type them, proved before they are sealed; shared by forms, import and provisioning."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError

from keys.models import ApiKey
from providers.credentials import CredentialInputError
from providers.registry import PROVIDERS


def read_credentials(provider: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The credential in `fields`, ready for storage. Raises ValidationError with a message per field."""
    try:
        return PROVIDERS[provider].read_credential(fields).to_dict()
    except CredentialInputError as error:
        raise ValidationError({name: [text] for name, text in error.errors.items()}) from None


def store_credentials(api_key: ApiKey, credentials: dict[str, str]) -> None:
    """Put new credentials into an unsaved or saved key and close its circuit; the caller saves the key."""
    api_key.credentials = credentials
    api_key.identity = PROVIDERS[api_key.provider].identity_of(credentials)
    if api_key.status == ApiKey.Status.FAILING:
        api_key.status = ApiKey.Status.ACTIVE
    api_key.last_error = api_key.last_error_code = ""
    api_key.refused_at = None

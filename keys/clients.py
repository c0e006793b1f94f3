"""From a key's row to the client of its provider."""

from __future__ import annotations

from django.conf import settings

from keys.models import ApiKey
from keys.sealing import SealBroken
from providers.base import MailProvider
from providers.errors import CredentialRefused
from providers.messages import BaseUrls
from providers.registry import provider_for
from providers.session import shared_http


def base_urls() -> BaseUrls:
    return BaseUrls(
        microsoft_login=settings.MICROSOFT_LOGIN_URL,
        microsoft_graph=settings.MICROSOFT_GRAPH_URL,
        google_token=settings.GOOGLE_TOKEN_URL,
        gmail=settings.GMAIL_URL,
    )


def client_for(api_key: ApiKey) -> MailProvider:
    """The provider client of this key. Raises CredentialRefused where its secret cannot be opened or is incomplete."""
    try:
        return provider_for(api_key.provider, base_urls(), api_key.credentials, http=shared_http())
    except SealBroken as broken:
        raise CredentialRefused(str(broken), code="seal-broken") from None
    except (KeyError, TypeError):
        # The exception would carry the stored fields along: nothing of it is kept.
        raise CredentialRefused(
            f"The API key “{api_key.name}” is incomplete. Type its credentials anew under Manage API Keys.",
            code="key-incomplete",
        ) from None

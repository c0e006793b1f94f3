"""The table of providers: the one place that knows which there are."""

from __future__ import annotations

from collections.abc import Mapping

from providers.base import MailProvider
from providers.google import Gmail
from providers.messages import BaseUrls
from providers.microsoft import MicrosoftGraph
from providers.session import Http

PROVIDERS: dict[str, type[MailProvider]] = {
    MicrosoftGraph.name: MicrosoftGraph,
    Gmail.name: Gmail,
}
PROVIDER_CHOICES = [(name, provider.label) for name, provider in PROVIDERS.items()]
SERVER_TYPE_CHOICES = [(provider.server_type, provider.server_type_label) for provider in PROVIDERS.values()]


def provider_for(
    name: str, urls: BaseUrls, credential: Mapping[str, str], http: Http | None = None
) -> MailProvider:
    """The client of one key. `credential` is what `Credential.to_dict` wrote; KeyError where a field is missing."""
    provider = PROVIDERS[name]
    return provider(urls, provider.load_credential(credential), http)


def provider_of_server_type(server_type: str) -> str:
    """The name of the provider behind a delivery server's type; KeyError where there is none."""
    return _NAME_BY_SERVER_TYPE[server_type]


def by_server_type(server_type: str) -> type[MailProvider]:
    """The provider behind a delivery server's type; KeyError where there is none."""
    return PROVIDERS[provider_of_server_type(server_type)]


_NAME_BY_SERVER_TYPE = {provider.server_type: name for name, provider in PROVIDERS.items()}

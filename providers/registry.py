"""PLACEHOLDER by the lead so that Django boots; the providers engineer replaces this file whole.

Apps already use these names, please keep them: PROVIDERS, PROVIDER_CHOICES, SERVER_TYPE_CHOICES,
provider_of_server_type(type), provider_for(name, urls, credential_fields: dict, http=...), and on each class
read_credential(fields) -> Credential, identity_of(credential_fields) -> str, credential_fields (tuple of CredentialField).
"""

from typing import Any


class _Microsoft:
    name = "microsoft"
    label = "Microsoft"
    server_type = "microsoft-graph-api"
    server_type_label = "Microsoft Graph API"
    email_label = "Microsoft Email"
    token_serves_key = True


class _Google:
    name = "google"
    label = "Google"
    server_type = "gmail-api"
    server_type_label = "Gmail API"
    email_label = "Google Email"
    token_serves_key = False


PROVIDERS: dict[str, Any] = {"microsoft": _Microsoft, "google": _Google}
PROVIDER_CHOICES = [(name, kind.label) for name, kind in PROVIDERS.items()]
SERVER_TYPE_CHOICES = [(kind.server_type, kind.server_type_label) for kind in PROVIDERS.values()]


def provider_of_server_type(server_type: str) -> str:
    return next(name for name, kind in PROVIDERS.items() if kind.server_type == server_type)


def provider_for(name: str, urls: Any, credential: dict[str, str], http: Any = None) -> Any:
    raise NotImplementedError

"""Start-up refuses an unsafe configuration and says why (promise 8)."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

LOOPBACK_NAMES = {"localhost"}

# The providers' own hosts, national clouds included (Microsoft Graph "deployments" page).
PROVIDER_HOSTS = {
    "MICROSOFT_LOGIN_URL": {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.chinacloudapi.cn",
    },
    "MICROSOFT_GRAPH_URL": {
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    },
    "GOOGLE_TOKEN_URL": {"oauth2.googleapis.com"},
    "GMAIL_URL": {"gmail.googleapis.com"},
}


@dataclass(frozen=True, slots=True)
class DevelopmentKeys:
    """Keys for a laptop, made once and kept in a file that only its owner reads."""

    secret_key: str
    field_encryption_keys: str


def load_development_keys(path: Path) -> DevelopmentKeys:
    """The keys in `path`, which is made with mode 0600 on first use; safe when two processes start at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(48),
        "field_encryption_keys": Fernet.generate_key().decode(),
    }
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(made, file)
    try:
        os.link(scratch, path)  # fails where another process was first: theirs is the one to use
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
    return DevelopmentKeys(**json.loads(path.read_text()))


def require_secrets(*, debug: bool, secret_key: str, field_encryption_keys: str) -> None:
    """Raise ImproperlyConfigured where production would run on missing or malformed secrets."""
    if not debug:
        for name, value in (("SECRET_KEY", secret_key), ("FIELD_ENCRYPTION_KEYS", field_encryption_keys)):
            if not value:
                raise ImproperlyConfigured(
                    f"{name} is not set and DEBUG is off. Set {name} in the environment or in .env "
                    "(see .env.example for how to make one)."
                )
    for key in filter(None, (part.strip() for part in field_encryption_keys.split(","))):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                "FIELD_ENCRYPTION_KEYS holds a value that is no Fernet key (32 bytes, url-safe base64). "
                "The first key seals, all open; separate them with commas."
            ) from error


def is_loopback(host: str) -> bool:
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_provider_urls(urls: dict[str, str], *, sandbox: bool) -> None:
    """Raise ImproperlyConfigured unless every URL is a provider's own https host, or loopback with SANDBOX=1."""
    for name, url in urls.items():
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if sandbox:
            if parts.scheme not in {"http", "https"} or not is_loopback(host):
                raise ImproperlyConfigured(
                    f"SANDBOX is on, and {name} points to {host or 'no host'}: with the sandbox only "
                    "addresses of this machine (127.0.0.1, localhost) are allowed."
                )
        elif parts.scheme != "https" or host not in PROVIDER_HOSTS[name] or parts.port not in {None, 443}:
            raise ImproperlyConfigured(
                f"{name} points to {url!r}, which is not one of the provider's own https hosts "
                f"({', '.join(sorted(PROVIDER_HOSTS[name]))}). To use the sandbox set SANDBOX=1."
            )

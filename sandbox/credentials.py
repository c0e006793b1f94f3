"""Credentials to try the sandbox with: keys, service account files, certificates."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.ids import guid

GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a secret


@dataclass(frozen=True)
class ServiceAccountKey:
    """`json` is the file that the Google console offers for download; `public_key` is PEM."""

    client_email: str
    client_id: str
    private_key_id: str
    public_key: str
    private_key: str = field(repr=False)
    json: str = field(repr=False)


def make_service_account(
    client_email: str = "mailer@sandbox-project.iam.gserviceaccount.com",
    *,
    token_uri: str = GOOGLE_TOKEN_URI,
    fresh: bool = False,
) -> ServiceAccountKey:
    """A key file for that account: the same key within a process, unless a `fresh` one is asked for."""
    private, public = _key_pair(client_email if not fresh else secrets.token_hex(8))
    key_id = secrets.token_hex(20) if fresh else guid("key", client_email).replace("-", "")
    client_id = str(int(guid("client", client_email)[:8], 16)).zfill(21)
    document = {
        "type": "service_account",
        "project_id": client_email.partition("@")[2].partition(".")[0],
        "private_key_id": key_id,
        "private_key": private,
        "client_email": client_email,
        "client_id": client_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "universe_domain": "googleapis.com",
    }
    return ServiceAccountKey(client_email, client_id, key_id, public, private, json.dumps(document, indent=2))


@lru_cache(maxsize=64)
def _key_pair(name: str) -> tuple[str, str]:
    """Private (PKCS#8) and public key in PEM; making one takes a while, so they are kept by name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def public_key_of(private_key: str) -> str:
    """The public half of a PEM private key; raises ValueError when it is none."""
    key = serialization.load_pem_private_key(private_key.encode(), None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def make_client_secret() -> str:
    """A secret value in the form the Azure portal shows once."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(30)).decode().rstrip("=")
    return f"{text[:3]}8Q~{text[3:34]}"

"""What a key is made of, and everything that can be found wrong with it before anyone is asked."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# A key file has about 2,400 characters; anything far longer is something else.
LONGEST_INPUT = 65_536
SMALLEST_KEY_BITS = 2048

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,253}")
_PEM_KINDS = ("PRIVATE KEY", "RSA PRIVATE KEY")


class CredentialInputError(ValueError):
    """A key as typed cannot be right. `errors` says per field what is wrong and what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class Credential(Protocol):
    """A key's secret part, as the vault keeps it."""

    def to_dict(self) -> dict[str, str]:
        """Every field, secrets included: for sealed storage only."""
        ...

    @classmethod
    def from_dict(cls, fields: Mapping[str, str]) -> Self:
        """The credential that `to_dict` wrote; KeyError where a field is missing."""
        ...


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One input of a key's form."""

    name: str
    label: str
    help_text: str = ""
    is_secret: bool = False
    is_multiline: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class MicrosoftCredential:
    """An Entra app registration and its client secret."""

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)

    def to_dict(self) -> dict[str, str]:
        """Every field, the secret included: for sealed storage only."""
        return {
            "tenant_id": self.tenant_id,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, str]) -> Self:
        """The credential that `to_dict` wrote; KeyError where a field is missing."""
        return cls(fields["tenant_id"], fields["client_id"], fields["client_secret"])


@dataclass(frozen=True, slots=True)
class GoogleCredential:
    """A service account and its private key (PEM). Where tokens are asked for is never part of it."""

    client_email: str
    private_key: str = field(repr=False)
    private_key_id: str = ""

    def to_dict(self) -> dict[str, str]:
        """Every field, the private key included: for sealed storage only."""
        return {
            "client_email": self.client_email,
            "private_key": self.private_key,
            "private_key_id": self.private_key_id,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, str]) -> Self:
        """The credential that `to_dict` wrote; KeyError where a field is missing."""
        return cls(fields["client_email"], fields["private_key"], fields.get("private_key_id", ""))


def check_microsoft_input(fields: Mapping[str, str]) -> MicrosoftCredential:
    """The credential in `fields` (tenant_id, client_id, client_secret). Raises CredentialInputError."""
    tenant, client, secret = (
        str(fields.get(name) or "").strip() for name in ("tenant_id", "client_id", "client_secret")
    )
    problems = {
        "tenant_id": _tenant_problem(tenant),
        "client_id": _client_problem(client, tenant),
        "client_secret": _secret_problem(secret),
    }
    _raise_if_any(problems)
    return MicrosoftCredential(tenant, client, secret)


def parse_google_key(source: str | Mapping[str, str]) -> GoogleCredential:
    """The service account in a whole key file, or in fields of which `private_key` may hold that file.

    A private key alone (PKCS#1 or PKCS#8) needs `client_email` beside it. The key is proved by signing with it.
    A `token_uri` in the file is ignored: tokens are asked for at Google only. Raises CredentialInputError.
    """
    fields = {"private_key": source} if isinstance(source, str) else source
    pasted = str(fields.get("private_key") or "").strip().lstrip("\ufeff")
    typed_email = str(fields.get("client_email") or "").strip()
    key_id = str(fields.get("private_key_id") or "").strip()
    if len(pasted) > LONGEST_INPUT:
        raise CredentialInputError(
            {"private_key": "This is far too long for a key file. Paste the JSON file only."}
        )
    if pasted.startswith("{"):
        file = _read_key_file(pasted)
        pasted, key_id = file["private_key"], file.get("private_key_id", "")
        typed_email = _one_email(typed_email, file["client_email"])
    pem, problem = normalize_pem(pasted)
    _raise_if_any(
        {"client_email": _email_problem(typed_email), "private_key": problem or _signing_problem(pem)}
    )
    return GoogleCredential(typed_email, pem, key_id)


def normalize_pem(text: str) -> tuple[str, str]:
    """(PEM, "") with clean lines, or ("", problem). Escaped line breaks, quotes and stray spaces are mended."""
    plain = text.replace("\\r", "").replace("\\n", "\n").strip().strip("\"',").strip()
    if not plain:
        return "", "Paste the private key, or the whole JSON key file."
    for kind in _PEM_KINDS:
        _, opening, rest = plain.partition(f"-----BEGIN {kind}-----")
        if opening:
            return _rewrap(kind, rest)
    return "", _foreign_pem_problem(plain)


def _rewrap(kind: str, rest: str) -> tuple[str, str]:
    body, closing, _ = rest.partition(f"-----END {kind}-----")
    if not closing:
        return (
            "",
            f"The key is cut off: its last line must be -----END {kind}-----. Copy it again to its end.",
        )
    packed = "".join(body.split())
    try:
        base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return (
            "",
            "The key is damaged: something between its first and last line does not belong there. Copy it again.",
        )
    lines = [packed[at : at + 64] for at in range(0, len(packed), 64)]
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", "")), ""


def _foreign_pem_problem(text: str) -> str:
    if "ENCRYPTED PRIVATE KEY" in text:
        return "This key is protected by a passphrase. Paste the key as Google's JSON file holds it."
    if "PUBLIC KEY" in text or "CERTIFICATE" in text:
        return "This is the public half of the key. Paste the private_key of the JSON key file."
    return (
        "This is no private key: it must begin with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----."
        " Paste private_key of the JSON key file, or the whole file."
    )


def _signing_problem(pem: str) -> str:
    """What keeps this key from signing, found out by signing; empty where nothing does."""
    proof = b"API Connect proves this key"
    try:
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            return "Google signs with RSA keys, and this is another kind. Create a JSON key for the service account."
        if key.key_size < SMALLEST_KEY_BITS:
            return (
                f"This key has {key.key_size} bits, Google's have {SMALLEST_KEY_BITS}. Create a new JSON key."
            )
        key.public_key().verify(
            key.sign(proof, PKCS1v15(), hashes.SHA256()), proof, PKCS1v15(), hashes.SHA256()
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        return (
            "The private key is damaged and cannot sign. Download the JSON key file anew and paste all of it."
        )
    return ""


def _read_key_file(text: str) -> dict[str, str]:
    try:
        # Pasting through a form may turn the escaped line breaks of the file into real ones.
        value: Any = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CredentialInputError(
            {
                "private_key": "This is no readable JSON key file: it is cut off or changed. Paste the whole"
                " file."
            }
        )
    problem = _key_file_problem(value)
    _raise_if_any({"private_key": problem})
    return {name: text for name, text in value.items() if isinstance(text, str)}


def _key_file_problem(value: Mapping[str, Any]) -> str:
    if "installed" in value or "web" in value:
        return "This is an OAuth client file. Create a key under the service account: Keys → Add Key → JSON."
    if value.get("type", "service_account") != "service_account":
        return (
            f"This file is of type {str(value['type'])[:40]!r}; a service account's JSON key file is needed."
        )
    missing = [name for name in ("client_email", "private_key") if not isinstance(value.get(name), str)]
    if missing:
        return f"The file lacks {' and '.join(missing)}. Download the service account's JSON key file again."
    return ""


def _one_email(typed: str, filed: str) -> str:
    if typed and typed.casefold() != filed.casefold():
        raise CredentialInputError(
            {
                "client_email": f"The key file belongs to {filed}. Leave this field empty, or paste that"
                " account's file."
            }
        )
    return filed


def _tenant_problem(tenant: str) -> str:
    if not tenant:
        return "Enter the Directory (tenant) ID of the app registration's overview page."
    if tenant.casefold() in {"common", "organizations", "consumers"}:
        return f"“{tenant}” works for people signing in only. Enter your own Directory (tenant) ID."
    if not (_GUID.fullmatch(tenant) or _DOMAIN.fullmatch(tenant)):
        return "This is neither a GUID nor a domain such as example.onmicrosoft.com. Copy the Directory (tenant) ID."
    return ""


def _client_problem(client: str, tenant: str) -> str:
    if not client:
        return "Enter the Application (client) ID of the app registration's overview page."
    if not _GUID.fullmatch(client):
        return "The client ID is a GUID. Copy the Application (client) ID of the app registration's overview page."
    if client.casefold() == tenant.casefold():
        return "The same ID stands in both fields. Copy the Application (client) ID, not the Directory (tenant) ID."
    return ""


def _secret_problem(secret: str) -> str:
    if not secret:
        return "Enter the client secret's Value."
    if _GUID.fullmatch(secret):
        return (
            "This is the Secret ID, not the secret. The Value stands in the column beside it and is shown only"
            " once: if it is gone, create a new client secret and copy its Value."
        )
    if len(secret) > 512 or not secret.isascii() or any(character.isspace() for character in secret):
        return "A client secret is one word of about 40 characters. Copy the Value again."
    return ""


def _email_problem(email: str) -> str:
    if not email:
        return (
            "Enter the service account's email (client_email of the JSON key file), or paste the whole file."
        )
    if not _ADDRESS.fullmatch(email):
        return "This is no email address. Enter client_email, such as name@project.iam.gserviceaccount.com."
    return ""


def _raise_if_any(problems: Mapping[str, str]) -> None:
    found = {name: problem for name, problem in problems.items() if problem}
    if found:
        raise CredentialInputError(found)

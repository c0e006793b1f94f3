"""The sandbox's own signing key, as Entra has one for its access tokens."""

import base64
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_ID = "sandbox-signing-key"


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """Made once in a process, at first use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": KEY_ID})


def public_keys() -> dict[str, Any]:
    """The JSON Web Key Set (RFC 7517)."""
    numbers = signing_key().public_key().public_numbers()
    key = {"kty": "RSA", "use": "sig", "kid": KEY_ID, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
    return {"keys": [key]}


def _base64url(number: int) -> str:
    size = (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode()

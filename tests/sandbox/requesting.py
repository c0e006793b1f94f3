"""Names of the small test world, and bodies of requests."""

import base64
from typing import Any

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SECRET = "abc8Q~correct.horse_battery~staple"
MICROSOFT = "news@acme.example"
GOOGLE = "news@globex.example"
FULL = "https://mail.google.com/"
AUTH = "https://www.googleapis.com/auth/gmail."
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


def as_mime(raw: bytes) -> dict[str, Any]:
    """The arguments of a Graph request whose body is MIME."""
    return {"data": base64.b64encode(raw), "headers": {"Content-Type": "text/plain"}}


def as_raw(raw: bytes) -> dict[str, str]:
    """The JSON of a Gmail message."""
    return {"raw": base64.urlsafe_b64encode(raw).decode().rstrip("=")}

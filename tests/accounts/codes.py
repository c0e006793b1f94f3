"""What an authenticator app shows."""

from __future__ import annotations

import base64
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from accounts.models import SecondFactor


def code_at(factor: SecondFactor, at: datetime) -> str:
    totp = TOTP(base64.b32decode(factor.secret), 6, SHA1(), 30)
    return totp.generate(int(at.timestamp())).decode()

"""The second factor: codes of an authenticator app (TOTP, RFC 6238) and backup codes for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import segno
import structlog
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import transaction

from accounts.models import SecondFactor, User
from accounts.sealing import SealBroken

logger = structlog.get_logger(__name__)

ISSUER = "API Connect"
SECRET_BYTES = 20
STEP_SECONDS = 30
DIGITS = 6
# A clock may be one step early or late.
SKEW_STEPS = 1
BACKUP_CODES = 10
# Whoever knows the password gets this many guesses in a row from all addresses together, then waits.
MOST_WRONG, WRONG_WAIT = 10, timedelta(minutes=15)


def begin(user: User) -> SecondFactor:
    """The user's factor, made where there is none; it is in force once `confirm` has seen its first code."""
    fresh = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return SecondFactor.objects.get_or_create(user=user, defaults={"secret": fresh})[0]


def enrolment_uri(factor: SecondFactor) -> str:
    """What the app scans: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    totp = TOTP(base64.b32decode(factor.secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  RFC 6238
    # Apps show a plus as it is.
    return totp.get_provisioning_uri(factor.user.email, ISSUER).replace("+", "%20")


def enrolment_image(factor: SecondFactor) -> str:
    """The same as a QR code: an SVG image as a data URI."""
    return segno.make(enrolment_uri(factor)).svg_data_uri(scale=5, border=4, light="#fff")


@transaction.atomic
def confirm(user: User, code: str, now: datetime) -> list[str]:
    """Put the factor in force by a first code of the app; the backup codes, or nothing where it is wrong.

    They are told this one time: only their hashes are kept.
    """
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=True).first()
    if factor is None or not _accept(factor, code, now):
        return []
    codes = [_new_backup_code() for _ in range(BACKUP_CODES)]
    factor.confirmed_at = now
    factor.backup_codes = [_hash(factor, code) for code in codes]
    factor.save()
    return codes


@transaction.atomic
def verify(user: User, code: str, now: datetime) -> bool:
    """Whether `code` is the app's at present or a backup code that is left; either opens once."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    if factor is None:
        return False
    is_right = _accept(factor, code, now)
    factor.save()
    return is_right


def turn_off(user: User) -> bool:
    """Whether there was one to remove."""
    return SecondFactor.objects.filter(user=user).delete()[0] > 0


def _accept(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Use the code up, or count it as wrong; does not save."""
    if factor.wrong_at is None or now - factor.wrong_at >= WRONG_WAIT:
        factor.wrong_codes = 0
    if factor.wrong_codes >= MOST_WRONG:
        return False
    typed = "".join(code.split()).replace("-", "").lower()
    if _use_app_code(factor, typed, now) or _use_backup_code(factor, typed):
        factor.wrong_codes, factor.wrong_at = 0, None
        return True
    factor.wrong_codes, factor.wrong_at = factor.wrong_codes + 1, now
    return False


def _use_app_code(factor: SecondFactor, typed: str, now: datetime) -> bool:
    try:
        hotp = HOTP(base64.b32decode(factor.secret), DIGITS, SHA1())  # noqa: S303  RFC 6238, and what apps know
    except SealBroken as broken:
        logger.error("second factor cannot be opened", user=factor.user_id, reason=str(broken))
        return False
    present = int(now.timestamp()) // STEP_SECONDS
    for step in range(max(present - SKEW_STEPS, factor.last_step + 1), present + SKEW_STEPS + 1):
        if hmac.compare_digest(hotp.generate(step), typed.encode()):
            factor.last_step = step
            return True
    return False


def _use_backup_code(factor: SecondFactor, typed: str) -> bool:
    hashed = _hash(factor, typed)
    if hashed not in factor.backup_codes:
        return False
    factor.backup_codes = [left for left in factor.backup_codes if left != hashed]
    return True


def _new_backup_code() -> str:
    """80 random bits, in groups that can be copied by hand."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _hash(factor: SecondFactor, code: str) -> str:
    # Fast, and right for a code of 80 random bits: nobody tries them all.
    return hashlib.sha256(f"{factor.user_id}:{code.replace('-', '')}".encode()).hexdigest()

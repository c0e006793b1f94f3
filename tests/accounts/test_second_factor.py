"""Codes of an app and backup codes: each opens once, near its time only, and guessing ends soon."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from accounts import secondfactor
from accounts.models import SecondFactor
from accounts.secondfactor import begin, confirm, enrolment_uri, turn_off, verify
from keys.rotating import rotate
from tests.accounts.codes import code_at
from tests.factories import make_customer, make_user

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user(make_customer(), email="ada@acme.example")


@pytest.fixture
def codes(user) -> list[str]:
    """The backup codes of a user whose app was set up a while ago."""
    begun = NOW - timedelta(days=1)
    return confirm(user, code_at(begin(user), begun), begun)


def seconds(count: int) -> datetime:
    return NOW + timedelta(seconds=count)


def right_code(user, at: datetime) -> str:
    return code_at(SecondFactor.objects.get(user=user), at)


def test_codes_are_those_of_the_rfc():
    # RFC 6238, appendix B: the secret “12345678901234567890”, the last six of eight digits.
    factor = SecondFactor(secret=base64.b32encode(b"12345678901234567890").decode())
    for at, expected in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert code_at(factor, datetime.fromtimestamp(at, UTC)) == expected
        assert secondfactor._use_app_code(factor, expected, datetime.fromtimestamp(at, UTC))


def test_it_is_in_force_only_after_a_first_code(user):
    factor = begin(user)
    assert not user.has_second_factor
    assert confirm(user, "000000", NOW) == []
    assert not verify(user, code_at(factor, NOW), NOW)
    assert len(confirm(user, code_at(factor, NOW), NOW)) == 10
    assert user.has_second_factor


def test_looking_twice_at_the_page_keeps_the_secret_that_was_scanned(user):
    assert begin(user).secret == begin(user).secret


@pytest.mark.parametrize(
    ("skew", "is_right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_one_step_off(user, codes, skew, is_right):
    assert verify(user, right_code(user, seconds(skew)), NOW) == is_right


def test_a_code_opens_once_and_none_older_than_it(user, codes):
    older, newer = right_code(user, seconds(-30)), right_code(user, NOW)
    assert verify(user, newer, NOW)
    assert not verify(user, newer, seconds(5))
    assert not verify(user, older, seconds(5))
    assert verify(user, right_code(user, seconds(30)), seconds(30))


def test_the_code_that_turned_it_on_does_not_sign_in(user):
    code = code_at(begin(user), NOW)
    assert confirm(user, code, NOW)
    assert not verify(user, code, NOW)


def test_a_backup_code_opens_once_however_it_is_typed(user, codes):
    assert len(set(codes)) == 10
    assert verify(user, codes[0], NOW)
    assert not verify(user, codes[0], NOW)
    assert verify(user, codes[1].replace("-", " ").upper(), NOW)
    assert len(SecondFactor.objects.get(user=user).backup_codes) == 8


def test_nobody_elses_codes_open(user, codes):
    other = make_user(make_customer())
    confirm(other, code_at(begin(other), NOW), NOW)
    assert not verify(other, codes[0], NOW)
    assert not verify(user, right_code(other, NOW), NOW)


@pytest.mark.parametrize("code", ["", "x", "１２３４５６", "-1", "0" * 40, "\x00"])
def test_odd_input_is_a_wrong_code(user, codes, code):
    assert not verify(user, code, NOW)


def test_guessing_ends_for_a_while_even_with_the_right_code(user, codes):
    for _ in range(secondfactor.MOST_WRONG):
        assert not verify(user, "wrong", NOW)
    assert not verify(user, right_code(user, NOW), NOW)
    assert not verify(user, codes[0], NOW)
    later = NOW + secondfactor.WRONG_WAIT
    assert verify(user, right_code(user, later), later)


def test_the_database_holds_no_secret_and_no_code(user, codes):
    factor = SecondFactor.objects.get(user=user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_secondfactor")
        stored = str(cursor.fetchall())
    assert factor.secret not in stored
    assert not [code for code in codes if code in stored or code.replace("-", "") in stored]


def test_the_secret_moves_to_a_new_encryption_key(user, codes, settings):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]
    assert ("second factors", 1) in list(rotate())
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    assert verify(user, right_code(user, NOW), NOW)


def test_a_lost_encryption_key_leaves_the_backup_codes(user, codes, settings):
    code = right_code(user, NOW)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert not verify(user, code, NOW)
    assert verify(user, codes[0], NOW)


def test_turned_off_it_leaves_nothing(user, codes):
    assert turn_off(user)
    assert not turn_off(user)
    assert not verify(user, codes[0], NOW)
    assert not user.has_second_factor


def test_apps_show_who_it_is_for(user):
    uri = enrolment_uri(begin(user))
    assert uri.startswith("otpauth://totp/API%20Connect:ada%40acme.example?")
    assert "issuer=API%20Connect" in uri

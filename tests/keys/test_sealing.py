"""Promise 4: secrets are sealed at rest under rotatable keys."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import SecondFactor
from accounts.secondfactor import begin
from keys.clients import client_for
from keys.models import ApiKey, Token
from keys.rotating import count_older, rotate, sealed_columns
from keys.sealing import SealBroken, reseal
from providers.errors import CredentialRefused
from tests.factories import MICROSOFT_CREDENTIALS, make_customer, make_key, make_token, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def stored(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{table}"')
        return str(cursor.fetchone()[0])


def test_what_is_stored_shows_nothing_of_the_secret():
    key = make_key()
    make_token(key, "news@acme.example", access_token="bearer-value")
    assert MICROSOFT_CREDENTIALS["client_secret"] not in stored("keys_apikey", "credentials")
    assert "bearer-value" not in stored("keys_token", "access_token")
    assert ApiKey.objects.get().credentials == MICROSOFT_CREDENTIALS


def test_a_new_first_key_seals_and_the_old_one_still_opens(settings):
    old = settings.FIELD_ENCRYPTION_KEYS[0]
    make_key()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), old]
    assert ApiKey.objects.get().credentials == MICROSOFT_CREDENTIALS


def test_rotation_makes_the_old_key_needless(settings, capsys):
    key = make_key()
    make_token(key, "news@acme.example", access_token="bearer-value")
    fresh = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [fresh, *settings.FIELD_ENCRYPTION_KEYS]
    call_command("rotate_encryption_keys")
    settings.FIELD_ENCRYPTION_KEYS = [fresh]
    assert ApiKey.objects.get().credentials == MICROSOFT_CREDENTIALS
    assert key.tokens.get().access_token == "bearer-value"
    assert "older keys can be removed" in capsys.readouterr().out


def test_every_sealed_column_is_rotated_whichever_model_has_it(settings):
    """Found by walking the models: keys, tokens, users' second factors, and whatever comes."""
    token = make_token(make_key(), "news@acme.example", access_token="bearer-value")
    factor = begin(make_user(make_customer()))
    secret = factor.secret
    columns = sealed_columns()
    assert {column.table for column in columns} >= {
        "keys_apikey", "keys_token", "accounts_secondfactor",
    }  # fmt: skip
    fresh = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [fresh, *settings.FIELD_ENCRYPTION_KEYS]
    assert count_older() == len(columns)

    list(rotate())

    settings.FIELD_ENCRYPTION_KEYS = [fresh]
    for column in columns:
        assert Fernet(fresh).decrypt(stored(column.table, column.name))
    assert SecondFactor.objects.get().secret == secret
    assert Token.objects.get(pk=token.pk).access_token == "bearer-value"


def test_a_rotation_that_was_killed_goes_on_where_it_stopped(settings, monkeypatch):
    monkeypatch.setattr("keys.rotating.BATCH", 2)
    for _ in range(5):
        make_key()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]

    killed = rotate()
    assert next(killed) == ("API keys", 2)
    killed.close()
    assert count_older() == 3

    assert ("API keys", 3) in list(rotate())
    assert count_older() == 0
    assert {done for _, done in rotate()} == {0}


def test_what_somebody_changes_during_a_rotation_stays_as_they_left_it(settings, monkeypatch):
    key = make_key()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]

    def reseal_while_somebody_saves(sealed: str) -> str:
        ApiKey.objects.filter(pk=key.pk).update(credentials={"client_secret": "newer"})
        return reseal(sealed)

    monkeypatch.setattr("keys.rotating.reseal", reseal_while_somebody_saves)
    list(rotate())

    assert ApiKey.objects.get().credentials == {"client_secret": "newer"}
    assert count_older() == 0


def test_a_process_that_still_seals_under_the_old_key_is_noticed(settings, monkeypatch):
    make_key()
    old = settings.FIELD_ENCRYPTION_KEYS[0]
    new = Fernet.generate_key().decode()

    def rotate_while_an_old_process_saves():
        yield from rotate()
        settings.FIELD_ENCRYPTION_KEYS = [old]
        make_key()
        settings.FIELD_ENCRYPTION_KEYS = [new, old]

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    module = "keys.management.commands.rotate_encryption_keys.rotate"
    monkeypatch.setattr(module, rotate_while_an_old_process_saves)
    with pytest.raises(CommandError, match="1 secrets were sealed under an older key"):
        call_command("rotate_encryption_keys")


def test_a_lost_key_is_said_in_words(settings):
    make_key()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SealBroken, match="FIELD_ENCRYPTION_KEYS"):
        assert ApiKey.objects.get().credentials
    with pytest.raises(CommandError, match="end of the list"):
        call_command("rotate_encryption_keys")


def test_a_broken_seal_takes_down_neither_lists_nor_other_columns(settings):
    key = make_key()
    make_token(key, "news@acme.example")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    loaded = ApiKey.objects.get()
    assert loaded.readable_credentials == {}
    loaded.name = "Renamed"
    loaded.save()
    assert ApiKey.objects.get().name == "Renamed"
    assert not Token.objects.select_related("api_key").get().is_valid(timezone.now())


def test_a_row_that_was_never_opened_is_written_back_as_it_was():
    make_key()
    before = stored("keys_apikey", "credentials")
    ApiKey.objects.get().save()
    assert stored("keys_apikey", "credentials") == before


def test_a_client_of_a_broken_or_incomplete_key_is_refused_in_words_and_without_its_fields(settings):
    incomplete = make_key(credentials={"client_secret": "hunter2hunter2"})
    with pytest.raises(CredentialRefused, match="incomplete") as refused:
        client_for(incomplete)
    assert refused.value.__cause__ is None
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CredentialRefused, match="FIELD_ENCRYPTION_KEYS"):
        client_for(ApiKey.objects.get())

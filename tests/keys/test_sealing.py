"""Promise 4: secrets are sealed at rest under rotatable keys."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from keys.clients import client_for
from keys.models import ApiKey, Token
from keys.sealing import SealBroken
from providers.errors import CredentialRefused
from tests.factories import MICROSOFT_CREDENTIALS, make_key, make_token

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

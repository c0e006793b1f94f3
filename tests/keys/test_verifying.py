"""Verify on both faces: steps in words, also for a key whose stored secret cannot be opened."""

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from keys.models import ApiKey
from keys.verifying import verify_key
from tests.factories import make_key

pytestmark = pytest.mark.django_db


def test_a_token_that_was_given_out_closes_the_circuit(sandbox_world):
    sandbox_world.add_mailbox("microsoft", "news@acme.example")
    key = make_key()
    key.record_refusal("refused before", "AADSTS7000215", timezone.now())
    verify_key(key, "news@acme.example", timezone.now())
    key.refresh_from_db()
    assert key.status == ApiKey.Status.ACTIVE


def test_a_broken_seal_is_a_failed_step_and_no_exception(settings):
    make_key()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    found = verify_key(ApiKey.objects.get(), "news@acme.example", timezone.now())
    assert [(step.name, step.state) for step in found.steps] == [("credential", "failed")]
    assert "FIELD_ENCRYPTION_KEYS" in found.steps[0].detail

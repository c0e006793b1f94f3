"""What the tick sets off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from operations.tasks import tick
from tests.factories import make_admin, make_key


@pytest.mark.django_db
def test_a_tick_warns_of_keys_that_end(monkeypatch):
    monkeypatch.setattr("campaigns.ticking.ring", lambda now: None)
    make_admin()
    make_key(name="Production", expires_at=timezone.localdate() + timedelta(days=3))
    tick()
    tick()
    assert [message.subject for message in mail.outbox] == ["API key “Production” ends in 3 days"]

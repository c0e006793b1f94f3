"""“Why?” leads to what caused a change, in both faces."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import SystemSettings
from tests.factories import make_admin, make_user
from tests.mailroom import Mailroom, human_reply


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def subscribers(db, sandbox_world):
    """One blacklisted by a bounce, one unsubscribed by a monitor."""
    SystemSettings.load()
    room = Mailroom(sandbox_world)
    SystemSettings.objects.update(customer_blacklist_is_global=False)
    room.add_bounce_server()
    room.add_monitor({"value": "stop", "action": "unsubscribe"})
    room.open_for_business()
    bounced, replied = room.subscribe("ada@receiver.example"), room.subscribe("bob@receiver.example")
    room.bounce(bounced)
    room.arrive(human_reply("bob@receiver.example", "Please stop."))
    room.read()
    return bounced, replied


@pytest.mark.parametrize("is_portal", [True, False])
def test_each_reason_links_to_its_cause(subscribers, is_portal):
    client = sign_in(make_user(subscribers[0].customer) if is_portal else make_admin())
    page = "subscribers-edit" if is_portal else "admin:audience_subscriber_change"
    for subscriber, told in zip(subscribers, ("5.1.1", "stop"), strict=True):
        shown = client.get(reverse(page, args=[subscriber.pk])).content.decode()
        (link,) = re.findall(r'href="([^"]+)">What caused it', shown)
        cause = client.get(link)
        assert cause.status_code == 200
        assert told in cause.content.decode()

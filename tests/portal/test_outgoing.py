"""Whatever a customer types, anywhere, this installation sends no request but to the providers' own hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign
from tests.outgoing import EVIL, Enemy, http_to
from tests.portal.test_isolation import PORTAL, url_of

# One of each way to mislead; tests/providers/test_origins.py has them all.
HOSTILE = (EVIL[0], EVIL[3], EVIL[7], "x@evil.example/..")


@pytest.fixture
def enemy(monkeypatch) -> Enemy:
    """In place of the network, under the product's own session."""
    enemy = Enemy(EVIL[3])
    http = http_to(enemy)
    monkeypatch.setattr("keys.clients.shared_http", lambda: http)
    return enemy


def forms_of(client: Client, house: Any) -> Iterator[tuple[str, forms.BaseForm]]:
    """Every form of the portal, filled in as its page shows it."""
    for name, arguments in PORTAL:
        url = url_of(name, arguments, house)
        response = client.get(url)
        form = (response.context or {}).get("form") if response.status_code == 200 else None
        if isinstance(form, forms.BaseForm):
            yield url, form


def filled_in(form: forms.BaseForm) -> dict[str, Any]:
    values = {bound.html_name: bound.value() for bound in form}
    return {name: value for name, value in values.items() if value not in (None, "", False)}


def texts_of(form: forms.BaseForm) -> list[str]:
    return [
        bound.html_name for bound in form
        if isinstance(bound.field, forms.CharField) and not isinstance(bound.field, forms.ChoiceField)
    ]  # fmt: skip


def test_no_text_that_a_customer_types_makes_a_request_elsewhere(acme, owner, enemy):
    tried = 0
    for url, form in list(forms_of(owner, acme)):
        for name in texts_of(form):
            if "password" in name:
                continue  # it would end the session that the others need
            for text in HOSTILE:
                owner.post(url, {**filled_in(form), name: text})
                tried += 1
    assert tried > 150
    assert enemy.asked, "nothing was asked of a provider: the test proves nothing"
    assert enemy.went_astray() == []


def test_a_message_full_of_addresses_is_composed_and_shown_without_fetching_any(acme, owner, enemy):
    campaign = acme.rows["campaigns"]
    links = "".join(
        f'<img src="{url}"><a href="{url}">x</a><link rel=stylesheet href="{url}">' for url in EVIL
    )
    Campaign.objects.filter(pk=campaign.pk).update(
        html=links, reply_to="x@evil.example", headers={"X-A": EVIL[0]}
    )
    for name in ("campaigns-preview", "campaigns-frame"):
        assert owner.get(reverse(name, args=[campaign.pk])).status_code == 200
    owner.post(reverse("campaigns-test", args=[campaign.pk]), {"email": "me@acme.example"})
    assert enemy.went_astray() == []

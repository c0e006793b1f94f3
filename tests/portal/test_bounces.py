"""The bounce log: what a bounce did can be taken back from its page and in bulk."""

from __future__ import annotations

import html

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import SystemSettings
from audience.blacklisting import ONLY_BACKEND
from bounces.consequences import act
from tests.portal.conftest import sign_in


@pytest.fixture
def bounce(acme):
    """A hard bounce that has blacklisted its recipient for Acme."""
    SystemSettings.objects.update(customer_blacklist_is_global=False)
    bounce = acme.rows["bounces"]
    act(bounce, "hard bounce", timezone.now())
    bounce.save()
    return bounce


def test_it_is_undone_from_its_page_once_confirmed(acme, owner, bounce):
    page = owner.get(reverse("bounces-edit", args=[bounce.pk])).content.decode()
    assert "Undo what it did" in page
    data = {"action": "undo", "rows": [bounce.pk]}
    assert "Undo: 1 selected" in owner.post(reverse("bounces-bulk"), data).content.decode()
    acme.rows["subscribers"].refresh_from_db()
    assert acme.rows["subscribers"].status == "blacklisted"
    owner.post(reverse("bounces-bulk"), {**data, "confirmed": "1"})
    acme.rows["subscribers"].refresh_from_db()
    assert acme.rows["subscribers"].status == "confirmed"
    assert "Undo what it did" not in owner.get(reverse("bounces-edit", args=[bounce.pk])).content.decode()


def test_a_viewer_is_offered_nothing(viewer, bounce):
    assert "Undo what it did" not in viewer.get(reverse("bounces-edit", args=[bounce.pk])).content.decode()


def test_another_customer_undoes_nothing(acme, rival, bounce):
    data = {"action": "undo", "rows": [bounce.pk], "confirmed": "1"}
    sign_in(rival.owner).post(reverse("bounces-bulk"), data)
    bounce.refresh_from_db()
    assert bounce.effect_state == "applied"


def test_what_is_shared_with_everybody_is_lifted_by_the_platform_alone(acme, owner):
    bounce = acme.rows["bounces"]
    act(bounce, "hard bounce", timezone.now())
    bounce.save()
    page = owner.post(
        reverse("bounces-bulk"), {"action": "undo", "rows": [bounce.pk], "confirmed": "1"}, follow=True
    ).content.decode()
    assert ONLY_BACKEND in html.unescape(page)
    acme.rows["subscribers"].refresh_from_db()
    assert acme.rows["subscribers"].status == "blacklisted"

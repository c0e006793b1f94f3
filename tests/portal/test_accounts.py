"""Signing in, passwords and the team."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.factories import PASSWORD, make_admin, make_customer, make_user
from tests.portal.conftest import sign_in


def sign_in_by_form(email: str, password: str = PASSWORD):
    client = Client(REMOTE_ADDR="192.0.2.7")
    return client, client.post(reverse("login"), {"username": email, "password": password})


def test_a_customers_user_comes_to_the_dashboard_and_staff_to_the_admin(db):
    make_user(make_customer(), email="owner@acme.example")
    make_admin(email="admin@platform.example")
    assert sign_in_by_form("OWNER@acme.example")[1].url == reverse("dashboard")
    assert sign_in_by_form("admin@platform.example")[1].url == reverse("admin:index")


def test_a_wrong_password_says_so_without_telling_who_exists(db):
    make_user(make_customer(), email="owner@acme.example")
    known = sign_in_by_form("owner@acme.example", "wrong")[1].content.decode()
    unknown = sign_in_by_form("nobody@acme.example", "wrong")[1].content.decode()
    assert "do not fit together" in known
    assert "do not fit together" in unknown


def test_many_wrong_passwords_close_the_door_for_every_spelling(db, settings):
    make_user(make_customer(), email="owner@acme.example")
    spellings = ["owner@acme.example", "Owner@acme.example", " OWNER@ACME.EXAMPLE "]
    for attempt in range(settings.AXES_FAILURE_LIMIT):
        sign_in_by_form(spellings[attempt % 3], "wrong")
    for face in ("login", "admin:login"):
        response = Client(REMOTE_ADDR="192.0.2.7").post(
            reverse(face), {"username": "owner@ACME.example", "password": PASSWORD}
        )
        assert response.status_code == 429, face


def test_an_inactive_customers_user_cannot_sign_in(db):
    make_user(make_customer(status="inactive"), email="owner@acme.example")
    assert "switched off" in sign_in_by_form("owner@acme.example")[1].content.decode()


def test_a_forgotten_password_is_set_by_the_link_of_a_mail(db):
    user = make_user(make_customer(), email="owner@acme.example")
    client = Client()
    client.post(reverse("password_reset"), {"email": "Owner@Acme.example"})
    link = re.search(r"http://\S+(/password/set/\S+)", mail.outbox[0].body)
    assert link
    page = client.get(link.group(1), follow=True)
    form = page.redirect_chain[-1][0]
    client.post(form, {"new_password1": "new-horse-battery", "new_password2": "new-horse-battery"})
    user.refresh_from_db()
    assert user.check_password("new-horse-battery")


def test_a_reset_says_the_same_for_an_unknown_address_and_is_rate_limited(db):
    make_user(make_customer(), email="owner@acme.example")
    client = Client()
    unknown = client.post(reverse("password_reset"), {"email": "nobody@acme.example"})
    for _ in range(9):
        known = client.post(reverse("password_reset"), {"email": "owner@acme.example"})
    assert known.url == unknown.url
    assert len(mail.outbox) <= 5


def test_an_owner_invites_somebody_who_sets_a_password(acme, owner):
    owner.post(reverse("team-invite"), {"email": "new@acme.example", "role": "manager"})
    user = User.objects.get(email="new@acme.example")
    assert (user.customer, user.role, user.has_usable_password()) == (acme.customer, "manager", False)
    assert "/password/set/" in mail.outbox[0].body


def test_nobody_is_made_an_owner_by_accident(owner):
    page = owner.get(reverse("team-invite")).content.decode()
    assert '<option value="manager" selected>' in page
    assert "Owners manage the team" in page


def test_nobody_is_invited_twice_or_taken_from_another_team(acme, rival, owner):
    data = {"email": rival.owner.email.upper(), "role": "viewer"}
    assert "signs in with this address already" in owner.post(reverse("team-invite"), data).content.decode()


@pytest.mark.parametrize("role", ["manager", "viewer"])
def test_only_owners_change_the_team(acme, role):
    client = sign_in(getattr(acme, role))
    assert client.get(reverse("team")).status_code == 200
    assert (
        client.post(reverse("team-invite"), {"email": "x@acme.example", "role": "owner"}).status_code == 403
    )
    member = reverse("team-member", args=[acme.viewer.pk])
    assert client.post(member, {"role": "owner", "is_active": "on"}).status_code == 403
    acme.viewer.refresh_from_db()
    assert acme.viewer.role == "viewer"


def test_the_last_owner_stays(acme, owner):
    page = owner.post(reverse("team-member", args=[acme.owner.pk]), {"role": "viewer", "is_active": "on"})
    assert "last owner" in page.content.decode()


def test_a_manager_cannot_change_the_companys_settings(acme):
    client = sign_in(acme.manager)
    response = client.post(reverse("profile"), {"form": "company", "timezone": "Asia/Tokyo"})
    assert response.status_code == 403
    acme.customer.refresh_from_db()
    assert acme.customer.timezone == "UTC"


def test_an_owner_sets_the_time_zone(acme, owner):
    owner.post(reverse("profile"), {"form": "company", "timezone": "Asia/Tokyo"})
    acme.customer.refresh_from_db()
    assert acme.customer.timezone == "Asia/Tokyo"


def test_a_changed_password_ends_other_sessions(acme, owner):
    other = sign_in(acme.owner)
    data = {
        "old_password": PASSWORD,
        "new_password1": "new-horse-battery",
        "new_password2": "new-horse-battery",
    }
    owner.post(reverse("password_change"), data)
    assert owner.get(reverse("dashboard")).status_code == 200
    assert other.get(reverse("dashboard")).status_code == 302

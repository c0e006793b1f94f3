"""Users, roles, and logging in as a customer's user."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Customer, User
from accounts.secondfactor import begin, confirm
from tests import factories as make
from tests.accounts.codes import code_at
from tests.admin.conftest import sign_in

ADD = "admin:accounts_user_add"
PASSWORD = "correct-horse-battery"


def new_user(**fields: Any) -> dict[str, Any]:
    return {
        "email": "ada@acme.example",
        "role": "owner",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **fields,
    }


def test_a_customers_user_is_created_with_a_password(backend: Client, acme: Customer) -> None:
    assert backend.post(reverse(ADD), new_user(customer=acme.pk)).status_code == 302
    user = User.objects.get(email="ada@acme.example")
    assert (user.customer, user.is_staff, user.check_password(PASSWORD)) == (acme, False, True)
    assert AuditEntry.objects.get(action="create").after["password"] == "*****"


def test_without_a_customer_it_is_staff(backend: Client) -> None:
    backend.post(reverse(ADD), new_user())
    assert User.objects.get(email="ada@acme.example").is_staff


@pytest.mark.parametrize(
    "fields",
    [
        {"is_superuser": "on"},
        {"password2": "another-horse-battery"},
        {"password1": "12345", "password2": "12345"},
    ],
)
def test_bad_input_makes_no_user(backend: Client, acme: Customer, fields: dict[str, str]) -> None:
    assert backend.post(reverse(ADD), new_user(customer=acme.pk, **fields)).status_code == 200
    assert not User.objects.filter(email="ada@acme.example").exists()


def test_a_customers_user_never_becomes_staff(backend: Client, acme: Customer) -> None:
    user = make.make_user(acme)
    page = backend.post(
        reverse("admin:accounts_user_change", args=[user.pk]), {"email": user.email, "role": "owner"}
    )
    user.refresh_from_db()
    assert "never becomes backend staff" in page.content.decode()
    assert (user.customer, user.is_staff) == (acme, False)


def test_a_new_password_is_audited_without_it(backend: Client, acme: Customer) -> None:
    user = make.make_user(acme)
    data = {"password1": "new-horse-battery-staple", "password2": "new-horse-battery-staple"}
    backend.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)
    user.refresh_from_db()
    assert user.check_password("new-horse-battery-staple")
    entry = AuditEntry.objects.get(action="change password")
    assert "new-horse" not in f"{entry.before}{entry.after}"


def log_in_as(client: Client, user: User) -> Any:
    return client.post(reverse("admin:accounts_user_log_in_as", args=[user.pk]))


def test_a_superuser_logs_in_as_a_customers_user_and_returns(
    backend: Client, superuser: User, acme: Customer
) -> None:
    user = make.make_user(acme)
    before = (user.password, user.last_login)
    assert (
        "Log in as" in backend.get(reverse("admin:accounts_user_log_in_as", args=[user.pk])).content.decode()
    )
    assert log_in_as(backend, user)["Location"] == reverse("dashboard")
    assert backend.session["_auth_user_id"] == str(user.pk)
    assert backend.get(reverse("admin:index")).status_code == 302
    back: Any = backend.post(reverse("admin:accounts_user_return"))
    assert back["Location"] == reverse("admin:accounts_user_change", args=[user.pk])
    assert backend.session["_auth_user_id"] == str(superuser.pk)
    user.refresh_from_db()
    assert (user.password, user.last_login) == before
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor", "customer")) == [
        ("log in as", superuser.pk, acme.pk),
        ("log out as", superuser.pk, acme.pk),
    ]


def test_what_a_superuser_does_as_somebody_names_the_superuser(
    backend: Client, superuser: User, acme: Customer
) -> None:
    user = make.make_user(acme)
    server = make.make_bounce_server(acme)
    log_in_as(backend, user)
    assert "Back to the backend" in backend.get(reverse("dashboard")).content.decode()
    backend.post(reverse("bounce-servers-bulk"), {"action": "disable", "rows": [server.pk], "confirmed": "1"})
    entry = AuditEntry.objects.get(action="disable")
    assert (entry.actor, entry.acting_as) == (superuser, user.email)


def test_credentials_and_team_stay_as_they_are_meanwhile(
    quiet_log: None, backend: Client, acme: Customer
) -> None:
    user = make.make_user(acme)
    log_in_as(backend, user)
    for page in ("password_change", "profile", "team-invite"):
        assert backend.post(reverse(page), {"email": "new@acme.example"}).status_code == 403
    assert acme.users.count() == 1


def test_nobody_else_logs_in_as_anyone(quiet_log: None, acme: Customer) -> None:
    user = make.make_user(acme)
    operator = make.make_user(None)
    operator.groups.add(Group.objects.get(name="Operator"))
    client = sign_in(operator)
    assert log_in_as(client, user).status_code == 403
    assert client.session["_auth_user_id"] == str(operator.pk)
    assert sign_in(user).post(reverse("admin:accounts_user_return")).status_code == 403


@pytest.mark.parametrize("kind", ["staff", "inactive", "inactive customer"])
def test_only_an_active_user_of_an_active_customer_is_logged_in_as(
    quiet_log: None, backend: Client, acme: Customer, kind: str
) -> None:
    if kind == "inactive customer":
        Customer.objects.filter(pk=acme.pk).update(status="inactive")
    target = make.make_user(None if kind == "staff" else acme, is_active=kind != "inactive")
    assert log_in_as(backend, target).status_code == 403
    assert not AuditEntry.objects.exists()


def test_an_operator_runs_servers_and_touches_no_users_or_settings(quiet_log: None, acme: Customer) -> None:
    operator = make.make_user(None)
    operator.groups.add(Group.objects.get(name="Operator"))
    client = sign_in(operator)
    server = make.make_bounce_server(acme)
    data = {"action": "disable", "_selected_action": [server.pk], "confirmed": "yes"}
    client.post(reverse("admin:bounces_bounceserver_changelist"), data)
    server.refresh_from_db()
    assert not server.is_active
    assert client.get(reverse(ADD)).status_code == 403
    assert client.post(reverse("admin:accounts_systemsettings_change", args=[1]), {}).status_code == 403


def reset_second_factor(client: Client, user: User) -> Any:
    url = reverse("admin:accounts_user_reset_second_factor", args=[user.pk])
    return client.post(url, {"_form_submitted": "on"}, follow=True)


def enrol(user: User) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    assert confirm(user, code_at(begin(user), yesterday), yesterday)


def test_a_superuser_resets_a_lost_second_factor(backend: Client, superuser: User, acme: Customer) -> None:
    user = make.make_user(acme)
    page = reverse("admin:accounts_user_change", args=[user.pk])
    assert not user.has_second_factor
    enrol(user)
    assert "verified_user" in backend.get(page).content.decode()
    reset_second_factor(backend, user)
    assert not user.has_second_factor
    reset_second_factor(backend, user)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.customer) == ("reset second factor", superuser, acme)


def test_nobody_else_resets_one(quiet_log: None, acme: Customer) -> None:
    user, operator = make.make_user(acme), make.make_user(None)
    operator.groups.add(Group.objects.get(name="Operator"))
    enrol(user)
    for client in (sign_in(operator), sign_in(user)):
        reset_second_factor(client, user)
    assert user.has_second_factor


def test_the_backend_leads_to_ones_own_second_factor(backend: Client) -> None:
    assert reverse("security") in backend.get(reverse("admin:index")).content.decode()
    assert backend.get(reverse("security")).status_code == 200

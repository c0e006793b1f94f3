"""The second step of signing in on both faces, setting it up, and the browsers one is signed in with."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.impersonating import IMPERSONATED_BY
from accounts.models import AuditEntry, BrowserSession, SecondFactor
from accounts.secondfactor import begin, confirm
from accounts.sessions import NOTED, describe_browser, sessions_of
from tests.accounts.codes import code_at
from tests.factories import PASSWORD, make_admin, make_customer, make_user
from tests.portal.conftest import sign_in

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


def enrol(user) -> list[str]:
    yesterday = timezone.now() - timedelta(days=1)
    return confirm(user, code_at(begin(user), yesterday), yesterday)


def app_code(user, at: datetime | None = None) -> str:
    return code_at(SecondFactor.objects.get(user=user), at or timezone.now())


def give_password(user, face: str = "login", client: Client | None = None, **extra):
    client = client or Client(REMOTE_ADDR="192.0.2.7", **extra)
    return client, client.post(reverse(face), {"username": user.email, "password": PASSWORD})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def ada(db):
    return make_user(make_customer(), email="ada@acme.example")


@pytest.fixture
def root(db):
    return make_admin(email="root@platform.example")


# --- signing in


@pytest.mark.parametrize("face", ["login", "admin:login"])
@pytest.mark.parametrize(("who", "home"), [("ada", "dashboard"), ("root", "admin:index")])
def test_signing_in_asks_for_the_code_on_either_face(request, face, who, home):
    user = request.getfixturevalue(who)
    enrol(user)
    client, response = give_password(user, face)
    assert response.url == reverse("login-code")
    assert not is_signed_in(client)
    for page in ("dashboard", "admin:index", "security"):
        assert "/login/" in client.get(reverse(page)).url
    response = client.post(reverse("login-code"), {"code": app_code(user)})
    assert response.url == reverse(home)
    assert is_signed_in(client)


def test_who_has_none_signs_in_as_before_on_either_face(ada, root):
    assert give_password(ada, "admin:login")[1].url == reverse("dashboard")
    assert give_password(root, "admin:login")[1].url == reverse("admin:index")


def test_the_page_asked_for_opens_after_the_code_if_it_is_ones_own(ada):
    enrol(ada)
    for asked, opened in (("/team/", "/team/"), ("/admin/", "/"), ("https://evil.example/", "/")):
        client = Client()
        client.post(f"{reverse('login')}?next={asked}", {"username": ada.email, "password": PASSWORD})
        SecondFactor.objects.update(last_step=0)  # the same code serves again
        assert client.post(reverse("login-code"), {"code": app_code(ada)}).url == opened


def test_a_customers_user_at_the_backends_door_goes_home_without_a_loop(ada):
    response = sign_in(ada).get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0] == reverse("dashboard")


def test_a_backup_code_signs_in(ada):
    code = enrol(ada)[0]
    client, _ = give_password(ada)
    client.post(reverse("login-code"), {"code": code})
    assert is_signed_in(client)


def test_a_wrong_code_says_so_and_signs_nobody_in(ada):
    enrol(ada)
    client, _ = give_password(ada)
    assert "This code is wrong" in client.post(reverse("login-code"), {"code": "000000"}).content.decode()
    assert not is_signed_in(client)


def test_wrong_codes_count_like_wrong_passwords(ada, settings):
    enrol(ada)
    client, _ = give_password(ada)
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert client.post(reverse("login-code"), {"code": "000000"}).status_code == 200
    assert client.post(reverse("login-code"), {"code": "000000"}).status_code == 429
    assert AccessAttempt.objects.get().username == "ada@acme.example"
    assert client.post(reverse("login-code"), {"code": app_code(ada)}).status_code == 429
    assert give_password(ada)[1].status_code == 429
    assert not is_signed_in(client)


def test_signing_in_clears_the_count(ada):
    enrol(ada)
    client, _ = give_password(ada)
    client.post(reverse("login-code"), {"code": "000000"})
    client.post(reverse("login-code"), {"code": app_code(ada)})
    assert is_signed_in(client)
    assert not AccessAttempt.objects.exists()


def test_the_password_alone_clears_no_count(ada, settings):
    enrol(ada)
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client, _ = give_password(ada)
        client.post(reverse("login-code"), {"code": "000000"})
    assert give_password(ada)[1].status_code == 429


def test_the_second_step_does_not_wait_for_ever(ada):
    enrol(ada)
    client, _ = give_password(ada)
    session = client.session
    session["awaiting_code"] = {**session["awaiting_code"], "at": timezone.now().timestamp() - 301}
    session.save()
    response = client.post(reverse("login-code"), {"code": app_code(ada)}, follow=True)
    assert "took too long" in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("change", ["password", "active"])
def test_what_changed_between_the_steps_counts(ada, change):
    enrol(ada)
    client, _ = give_password(ada)
    if change == "password":
        ada.set_password("another-horse-battery")
    else:
        ada.is_active = False
    ada.save()
    assert client.post(reverse("login-code"), {"code": app_code(ada)}).url == reverse("login")
    assert not is_signed_in(client)


def test_without_a_password_there_is_no_second_step(ada):
    enrol(ada)
    assert Client().get(reverse("login-code")).url == reverse("login")


# --- setting it up


@pytest.mark.parametrize("who", ["ada", "root"])
def test_it_is_set_up_by_a_code_and_the_password(request, who):
    user = request.getfixturevalue(who)
    client = sign_in(user)
    page = client.get(reverse("second-factor"))
    assert 'src="data:image/svg+xml' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert not user.has_second_factor
    data = {"code": app_code(user), "password": PASSWORD}
    shown = client.post(reverse("second-factor"), data).content.decode()
    assert len(re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", shown)) == 10
    assert user.has_second_factor
    assert "10 of your backup codes" in client.get(reverse("security")).content.decode()
    assert client.get(reverse("second-factor")).url == reverse("security")
    assert AuditEntry.objects.get().action == "turn on second factor"


@pytest.mark.parametrize("wrong", [{"code": "000000"}, {"password": "wrong"}, {"code": ""}])
def test_a_wrong_code_or_password_sets_nothing_up(ada, wrong):
    client = sign_in(ada)
    client.get(reverse("second-factor"))
    client.post(reverse("second-factor"), {"code": app_code(ada), "password": PASSWORD, **wrong})
    assert not ada.has_second_factor


def test_turning_it_on_ends_sessions_that_had_only_the_password(ada):
    client, other = sign_in(ada), sign_in(ada)
    client.get(reverse("second-factor"))
    client.post(reverse("second-factor"), {"code": app_code(ada), "password": PASSWORD})
    assert client.get(reverse("security")).status_code == 200
    assert other.get(reverse("security")).status_code == 302


def test_turning_it_off_needs_the_password(ada):
    enrol(ada)
    client = sign_in(ada)
    wrong = client.post(reverse("second-factor-off"), {"password": "wrong"}).content.decode()
    assert "not your password" in wrong
    assert ada.has_second_factor
    client.post(reverse("second-factor-off"), {"password": PASSWORD})
    assert not ada.has_second_factor
    assert AuditEntry.objects.get().action == "turn off second factor"


def test_guessing_the_password_there_is_counted_too(ada, settings):
    enrol(ada)
    client = sign_in(ada)
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = client.post(reverse("second-factor-off"), {"password": "wrong"})
    assert response.status_code == 429
    assert client.post(reverse("second-factor-off"), {"password": PASSWORD}).status_code == 429
    assert ada.has_second_factor


# --- logged in as somebody


@pytest.fixture
def as_ada(root, ada) -> Client:
    client = sign_in(root)
    client.post(reverse("admin:accounts_user_log_in_as", args=[ada.pk]))
    assert IMPERSONATED_BY in client.session
    return client


def test_logging_in_as_somebody_is_not_stopped_by_their_second_factor(root, ada):
    enrol(ada)
    client = sign_in(root)
    client.post(reverse("admin:accounts_user_log_in_as", args=[ada.pk]))
    assert client.get(reverse("security")).status_code == 200
    assert client.post(reverse("admin:accounts_user_return")).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("page", ["second-factor", "second-factor-off", "security"])
def test_whoever_is_logged_in_as_somebody_changes_none_of_it(as_ada, ada, page):
    data = {"code": "000000", "password": PASSWORD}
    assert as_ada.post(reverse(page), data).status_code == 403
    assert not AuditEntry.objects.exclude(action="log in as").exists()


def test_nor_do_they_see_the_secret_of_a_factor_in_the_making(as_ada, ada):
    assert as_ada.get(reverse("second-factor")).status_code == 403
    assert not SecondFactor.objects.exists()


def test_the_superusers_own_browser_stays_listed_as_theirs(as_ada, root, ada):
    as_ada.get(reverse("security"))
    assert sessions_of(ada, timezone.now()).count() == 0
    row = sessions_of(root, timezone.now()).get()
    assert as_ada.session[NOTED]["row"] == row.pk
    as_ada.post(reverse("admin:accounts_user_return"))
    assert "This one" in as_ada.get(reverse("security")).content.decode()


# --- where one is signed in


def test_the_browsers_are_listed(ada):
    client, _ = give_password(ada, HTTP_USER_AGENT=CHROME)
    sign_in(ada)
    sign_in(make_user(make_customer("Rival"))).get(reverse("security"))
    page = client.get(reverse("security")).content.decode()
    assert "Chrome on Linux" in page
    assert "192.0.2.7" in page
    assert page.count("This one") == 1
    assert page.count('data-label="Browser"') == 2


def test_signing_out_everywhere_else_leaves_this_browser_alone(ada, root):
    client, other, stranger = sign_in(ada), sign_in(ada), sign_in(root)
    client.post(reverse("security"))
    assert client.get(reverse("security")).content.decode().count('data-label="Browser"') == 1
    assert other.get(reverse("dashboard")).status_code == 302
    assert stranger.get(reverse("admin:index")).status_code == 200
    assert AuditEntry.objects.get().action == "sign out everywhere else"


def test_a_new_password_takes_the_others_off_the_list(ada):
    client, _ = sign_in(ada), sign_in(ada)
    new = "new-horse-battery"
    client.post(
        reverse("password_change"), {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )
    page = client.get(reverse("security")).content.decode()
    assert page.count('data-label="Browser"') == page.count("This one") == 1


def test_a_new_password_in_the_backend_keeps_this_browser_on_the_list(root):
    client, new = sign_in(root), "new-horse-battery"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post(reverse("admin:password_change"), data)
    assert client.get(reverse("security")).content.decode().count("This one") == 1


def test_signing_out_takes_the_browser_off_the_list(ada):
    client = sign_in(ada)
    client.post(reverse("logout"))
    assert not BrowserSession.objects.exists()


def test_what_is_over_goes_with_the_next_sign_in(ada, settings):
    sign_in(ada)
    over = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    BrowserSession.objects.update(seen_at=over)
    assert not sessions_of(ada, timezone.now()).exists()
    sign_in(ada)
    assert BrowserSession.objects.count() == 1


def test_last_seen_is_noted_every_few_minutes(ada):
    client = sign_in(ada)
    long_ago = timezone.now() - timedelta(hours=1)
    BrowserSession.objects.update(seen_at=long_ago)
    client.get(reverse("dashboard"))
    assert BrowserSession.objects.get().seen_at == long_ago
    session = client.session
    session[NOTED] = {**session[NOTED], "at": long_ago.timestamp()}
    session.save()
    client.get(reverse("dashboard"), REMOTE_ADDR="198.51.100.4")
    row = BrowserSession.objects.get()
    assert row.seen_at > long_ago
    assert row.ip_address == "198.51.100.4"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (CHROME, "Chrome on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("curl/8", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_as_people_do(user_agent, words):
    assert describe_browser(user_agent) == words

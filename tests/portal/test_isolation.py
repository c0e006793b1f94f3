"""Isolation is swept, not sampled: every portal URL and method, walked from the resolver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.factories import make_admin
from tests.portal.conftest import sign_in

# Open to everybody, each for a reason of its own.
PUBLIC = {
    "login": "signing in",
    "login-code": "signing in, after the password",
    "logout": "signing out",
    "password_reset": "forgotten password",
    "password_reset_done": "forgotten password",
    "password_reset_confirm": "the link of a mail is the proof",
    "unsubscribe": "the link of a mail is the proof",
    "tracked-link": "the link of a mail",
    "healthz": "probes",
    "readyz": "probes",
    "metrics": "guarded by a token of its own",
}
# Pages of one's own account, which any role may change.
OWN_ACCOUNT = {
    "password_change", "profile", "first-steps", "security", "second-factor", "second-factor-off"
}  # fmt: skip
READING = ("get", "head", "options")
WRITING = ("post", "put", "patch", "delete")


def walk(patterns, kwargs=()) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name or pattern.namespace:
                continue  # the admin, which has its own sweep
            yield from walk(pattern.url_patterns, kwargs)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, tuple(pattern.pattern.converters)


PORTAL = sorted(
    {(name, arguments) for name, arguments in walk(get_resolver().url_patterns) if name not in PUBLIC}
)
PAGES_OF_ROWS = [(name, arguments) for name, arguments in PORTAL if arguments]
PLAIN_PAGES = [name for name, arguments in PORTAL if not arguments]


def row_for(name: str, furnished):
    """The sample row of a URL: a new URL with an argument fails here until it has one."""
    if name.startswith("team-"):
        return furnished.viewer
    slug = max((slug for slug in furnished.rows if name.startswith(f"{slug}-")), key=len, default=None)
    assert slug, f"the URL {name!r} has no sample row: add one to tests/portal/conftest.py"
    return furnished.rows[slug]


def url_of(name: str, arguments: tuple[str, ...], furnished) -> str:
    if not arguments:
        return reverse(name)
    assert arguments == ("pk",), f"the URL {name!r} takes {arguments}, and only pk has sample values"
    return reverse(name, kwargs={"pk": row_for(name, furnished).pk})


@pytest.mark.parametrize("method", [*READING, *WRITING])
def test_a_stranger_is_sent_to_sign_in(acme, method):
    for name, arguments in PORTAL:
        response = getattr(Client(), method)(url_of(name, arguments, acme))
        assert response.status_code == 302, name
        assert response.url.startswith(reverse("login")), name


def test_another_customers_row_is_not_found(acme, rival, owner):
    for name, arguments in PAGES_OF_ROWS:
        theirs, own = url_of(name, arguments, rival), url_of(name, arguments, acme)
        assert owner.get(theirs).status_code == owner.head(theirs).status_code == 404, name
        posted = owner.post(theirs, {"verb": "confirm"}).status_code
        # A page that is only read takes no POST, whoever's row it shows.
        assert posted == 404 or posted == owner.post(own, {"verb": "confirm"}).status_code == 405, name


def test_every_page_opens_for_its_owner(acme, owner):
    for name, arguments in PORTAL:
        response = owner.get(url_of(name, arguments, acme))
        assert response.status_code in {200, 302}, (name, response.status_code)
        # Nothing of it stays in a shared browser once they have signed out.
        assert response.status_code == 302 or "no-store" in response["Cache-Control"], name


@pytest.mark.parametrize("method", WRITING)
def test_a_viewer_cannot_write(acme, viewer, method):
    for name, arguments in PORTAL:
        if name in OWN_ACCOUNT:
            continue
        data = {"confirmed": "1", "action": "delete"} if method == "post" else None
        response = getattr(viewer, method)(url_of(name, arguments, acme), data)
        assert response.status_code in {403, 405}, name
        if response.status_code == 403:
            assert b"Not possible" in response.content


def test_a_viewer_is_told_so_before_filling_in_a_form(acme, viewer):
    for name in [name for name in PLAIN_PAGES if name.endswith(("-create", "-import"))]:
        assert viewer.get(reverse(name)).status_code == 403, name


def test_every_list_shows_own_rows_only(acme, rival, owner):
    for slug, row in rival.rows.items():
        response = owner.get(reverse(slug))
        assert response.status_code == 200
        assert str(row) not in response.content.decode(), slug


def test_every_export_holds_own_rows_only(acme, rival, owner):
    exports = [name for name in PLAIN_PAGES if name.endswith("-export")]
    assert exports
    for name in exports:
        text = b"".join(owner.get(reverse(name))).decode()
        theirs = rival.rows[name.removesuffix("-export")]
        secret = (
            getattr(theirs, "email", "") or getattr(theirs, "recipient", "") or getattr(theirs, "name", "")
        )
        assert not secret or secret not in text, name


def test_no_bulk_action_touches_foreign_rows(acme, rival, owner):
    for name in [name for name in PLAIN_PAGES if name.endswith("-bulk")]:
        section = name.removesuffix("-bulk")
        row = rival.rows[section]
        for action in ("delete", "disable", "cancel", "unsubscribe", "lift-from-the-blacklist", "undo"):
            owner.post(reverse(name), {"action": action, "rows": [row.pk], "confirmed": "1"})
        after = type(row).objects.get(pk=row.pk)
        assert getattr(after, "status", None) == getattr(row, "status", None)
        assert getattr(after, "undone_at", None) is None


def test_every_form_offers_own_rows_only(acme, rival, owner):
    for name in [name for name in PLAIN_PAGES if name.endswith("-create")]:
        content = owner.get(reverse(name)).content.decode()
        for row in rival.rows.values():
            assert getattr(row, "name", "") == "" or row.name not in content, (name, row)


def test_every_filter_offers_own_rows_only(acme, rival, owner):
    for slug in acme.rows:
        content = owner.get(reverse(slug)).content.decode()
        for row in rival.rows.values():
            assert getattr(row, "name", "") == "" or row.name not in content, (slug, row)


def test_a_foreign_choice_is_refused_however_it_is_sent(acme, rival, owner):
    data = {
        "name": "Forged",
        "provider": "microsoft",
        "email": "forged@acme.example",
        "api_key": rival.rows["api-keys"].pk,
        "status": "active",
        "customer": rival.customer.pk,
    }
    response = owner.post(reverse("bounce-servers-create"), data)
    assert response.status_code == 200
    assert "Select a valid choice" in response.content.decode()
    assert not type(acme.rows["bounce-servers"]).objects.filter(name="Forged").exists()


def test_the_backend_is_sent_to_the_admin(db):
    response = sign_in(make_admin()).get(reverse("dashboard"))
    assert response.url == reverse("admin:index")


def test_users_of_an_inactive_customer_are_turned_away(acme, owner):
    acme.customer.status = "inactive"
    acme.customer.save()
    for name in ("subscribers", "team", "team-invite", "profile"):
        response = owner.get(reverse(name))
        assert response.status_code == 403, name
        assert b"switched off" in response.content

"""Promise 8: with the sandbox every page says so, on both faces and before signing in."""

import pytest

from tests.factories import make_admin, make_customer, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/login/", "/", "/campaigns/", "/help/"])
def test_every_portal_page_says_that_it_is_the_sandbox(client, settings, path):
    if path != "/login/":
        client.force_login(make_user(make_customer()))
    settings.SANDBOX = True
    assert "Sandbox" in client.get(path).content.decode()
    settings.SANDBOX = False
    assert "Sandbox" not in client.get(path).content.decode()


def test_the_backend_says_so_too(client, settings):
    client.force_login(make_admin())
    settings.SANDBOX = True
    assert "Sandbox" in client.get("/admin/").content.decode()
    settings.SANDBOX = False
    assert "Sandbox" not in client.get("/admin/").content.decode()

"""Every page of both faces: quiet in light and dark, named controls, nothing for axe, no overflow on a phone."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator

import pytest
import requests
from django.contrib import admin
from django.urls import Resolver404, URLPattern, get_resolver, resolve, reverse
from lxml import html
from playwright.sync_api import Browser

from tests.browser.conftest import Opener
from tests.browser.sites import ACME, ADMIN, Site
from tests.browser.watching import obstacles

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text()
# Serious and critical ones stop somebody from using the page.
VIOLATIONS = """async (only) => {
  const options = only ? { runOnly: { type: "rule", values: [only] } } : {};
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...options });
  return violations.filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => `axe ${found.id}: ${found.nodes[0].html.slice(0, 200)} ${found.nodes[0].failureSummary}`);
}"""
# Pages that no link leads to, with the reason why nobody opens them.
NOT_OPENED = {
    "login": "before signing in",
    "password_reset": "before signing in",
    "password_reset_done": "before signing in",
    "password_reset_confirm": "from a mail",
    "logout": "takes a POST alone",
    "password_change": "takes a POST alone or is a part of the profile",
}
# Parts of pages, downloads, and what a form posts to.
PARTS = re.compile(r"-(bulk|export|do|test|status|undo|connect|verify|progress|frame|return)$")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def portal_paths(browser: Browser, site: Site) -> list[str]:
    return crawl(site, site.session_of(browser, ACME))


def crawl(site: Site, session: dict) -> list[str]:
    """One address of each kind of page that a customer's links lead to."""
    client = requests.Session()
    for cookie in session["cookies"]:
        client.cookies.set(cookie["name"], cookie["value"])
    found, waiting = {"dashboard": "/"}, ["/"]
    while waiting:
        answer = client.get(site.origin + waiting.pop(0), timeout=20)
        assert answer.status_code == 200, f"{answer.url} is linked and answers {answer.status_code}"
        for path in links_of(answer.text):
            name = name_of(path)
            if name and name not in found and not PARTS.search(name):
                found[name] = path
                waiting.append(path)
    return list(found.values())


def links_of(text: str) -> Iterator[str]:
    for address in html.fromstring(text).xpath("//a/@href"):
        path = str(address).partition("#")[0].partition("?")[0]
        if path.startswith("/") and not path.startswith(("/admin/", "/static/")):
            yield path


def name_of(path: str) -> str | None:
    try:
        return resolve(path).url_name
    except Resolver404:
        return None


def portal_names() -> set[str]:
    """Every page of the portal that a GET opens, as the URL table has it."""
    included = [entry for entry in get_resolver().url_patterns if not isinstance(entry, URLPattern)]
    of_portal = [entry for entry in included if not str(entry.pattern).startswith("admin")]
    names = {pattern.name for entry in of_portal for pattern in entry.url_patterns}
    return {name for name in names if name and not PARTS.search(name)} - {*NOT_OPENED}


def admin_paths() -> list[str]:
    """Every list and add page of the backend, its dashboard and its status."""
    names = ["index", "operations_status"]
    for model in admin.site._registry:
        names += [
            f"{model._meta.app_label}_{model._meta.model_name}_{kind}" for kind in ("changelist", "add")
        ]
    return [reverse(f"admin:{name}") for name in names]


def test_every_page_of_the_url_table_is_reached_by_links(portal_paths: list[str]) -> None:
    reached = {name_of(path) for path in portal_paths}
    assert portal_names() - reached == set()


def test_every_portal_page_is_quiet_and_open_to_everybody(open_as: Opener, portal_paths: list[str]) -> None:
    page, found = open_as(ACME), []
    for path in portal_paths:
        page.emulate_media(color_scheme="light")
        page.goto(path)
        page.evaluate(AXE)
        troubles = [*open_as.heard(page), *obstacles(page), *page.evaluate(VIOLATIONS)]
        page.emulate_media(color_scheme="dark")
        # Colours alone differ in the dark.
        troubles += [*open_as.heard(page), *page.evaluate(VIOLATIONS, "color-contrast")]
        found += [f"{path} {trouble}" for trouble in troubles]
    assert not found, "\n".join(found)


def test_every_portal_page_fits_a_phone(open_as: Opener, portal_paths: list[str]) -> None:
    page, found = open_as(ACME, **PHONE), []
    for path in portal_paths:
        page.goto(path)
        found += [f"{path} {trouble}" for trouble in [*open_as.heard(page), *obstacles(page, width=True)]]
    assert not found, "\n".join(found)


def test_every_list_and_add_page_of_the_backend_is_quiet(open_as: Opener) -> None:
    page, found, opened = open_as(ADMIN), [], 0
    for path in admin_paths():
        page.emulate_media(color_scheme="light")
        answer = page.goto(path)
        if answer and answer.status == 403 and path.endswith("/add/"):
            # Logs are written by the product, not by people.
            open_as.heard(page)
            continue
        opened += 1
        troubles = obstacles(page)
        page.emulate_media(color_scheme="dark")
        found += [f"{path} {trouble}" for trouble in [*troubles, *obstacles(page), *open_as.heard(page)]]
    assert opened > 30
    assert not found, "\n".join(found)

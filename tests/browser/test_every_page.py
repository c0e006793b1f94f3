"""Every page of both faces: quiet in light and dark, named controls, nothing for axe, no overflow on a phone."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import requests
from django.contrib import admin
from django.urls import Resolver404, URLPattern, get_resolver, resolve, reverse
from lxml import html
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Opener
from tests.browser.sites import ACME, ADMIN, Site
from tests.browser.watching import obstacles

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text()
VIOLATIONS = """async ([only, known]) => {
  const rules = only ? { runOnly: { type: "rule", values: [only] } } : {};
  const options = { resultTypes: ["violations"], preload: false, iframes: false, ...rules };
  const { violations } = await axe.run(document, options);
  const isKnown = ({ id }, node) => known[id] && document.querySelector(node.target.join(" "))?.matches(known[id]);
  return violations
    .map((found) => [found, found.nodes.find((node) => !isKnown(found, node))])
    .filter(([, node]) => node)
    .map(([found, node]) => `axe ${found.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`);
}"""
# What the backend's theme writes itself and offers no way to change: the rule, and the elements that break it.
OF_THE_THEME = {
    # The sidebar and the list each scroll in a frame that the theme's script calls “scrollable content”,
    # and the sidebar is a second, nameless navigation where a page has tabs.
    "landmark-unique": ".simplebar-content-wrapper, #nav-sidebar-inner",
    # Import and Export are links right inside a list.
    "list": "ul.object-tools",
    # The column of boxes that take an inline row away has no heading.
    "empty-table-header": "[data-inline-type=tabular] th, .inline-group th",
}
# Pages for strangers, and what only a mail, a form or a second factor leads to.
ELSEWHERE = {
    "login", "login-code", "logout", "password_reset", "password_reset_done", "password_reset_confirm",
    "unsubscribe", "tracked-link", "first-steps", "second-factor-off",
}  # fmt: skip
# Parts of pages, downloads, and what a form posts to.
PARTS = re.compile(
    r"-(bulk|export|do|files|test|status|undo|connect|verify|progress|frame|return|try|try-changes)$"
)
# Each of them ends well before a test is taken for hanging, on a busy machine as well.
PARTS_OF_PORTAL = 4
PARTS_OF_BACKEND = 6
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def portal_paths(browser: Browser, site: Site) -> list[str]:
    session = site.session_of(browser, ACME)
    page = browser.new_context(base_url=site.origin, storage_state=session).new_page()
    # The demo blacklists for everybody alone; this entry is Acme's own.
    page.goto("/blacklist/create/")
    page.get_by_label("Email").fill("nobody@receiver.example")
    page.get_by_role("main").get_by_role("button", name="Create").click()
    page.context.close()
    return crawl(site, session)


def crawl(site: Site, session: Any) -> list[str]:
    """One address of each kind of page that a customer's links lead to."""
    client = client_of(session)
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


def client_of(session: Any) -> requests.Session:
    """Somebody's session without a browser."""
    client = requests.Session()
    for cookie in session["cookies"]:
        client.cookies.set(cookie["name"], cookie["value"])
    return client


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
    return {name for name in names if name and not PARTS.search(name)} - ELSEWHERE


def admin_lists() -> list[str]:
    """Every list of the backend."""
    names = [f"{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry]
    return [reverse(f"admin:{name}") for name in names]


@pytest.fixture(scope="module")
def backend_paths(browser: Browser, site: Site) -> list[str]:
    """The backend's dashboard, its status, every list, and of each the page of a new row and that of its first one."""
    client = client_of(site.session_of(browser, ADMIN))
    found = [reverse("admin:index"), reverse("admin:operations_status")]
    for path in admin_lists():
        page = html.fromstring(client.get(site.origin + path, timeout=20).text)
        rows = page.xpath("//table[@id='result_list']//a[contains(@href, '/change/')]/@href")
        new = page.xpath(f"//a[starts-with(@href, '{path}add/')]/@href")
        found += [path, *(address.partition("?")[0] for address in (*rows[:1], *new[:1]))]
    return list(dict.fromkeys(found))


def test_every_page_of_the_url_table_is_reached_by_links(portal_paths: list[str]) -> None:
    reached = {name_of(path) for path in portal_paths}
    assert portal_names() - reached == set()


def troubles_on(
    paths: Iterable[str], page: Page, open_as: Opener, known: dict[str, str] | None = None
) -> Iterator[str]:
    """What is wrong with each page in light but for what is `known`, then what its colours spoil in the dark."""
    for path in paths:
        page.emulate_media(color_scheme="light")
        page.goto(path)
        page.evaluate(AXE)
        troubles = [*obstacles(page), *page.evaluate(VIOLATIONS, [None, known or {}])]
        page.emulate_media(color_scheme="dark")
        # The backend's theme looks at the scheme once, as the page opens.
        page.evaluate("document.documentElement.classList.add('dark')")
        troubles += [*page.evaluate(VIOLATIONS, ["color-contrast", {}]), *open_as.heard(page)]
        yield from (f"{path} {trouble}" for trouble in troubles)


@pytest.mark.parametrize("part", range(PARTS_OF_PORTAL))
def test_every_portal_page_is_quiet_and_open_to_everybody(
    open_as: Opener, portal_paths: list[str], part: int
) -> None:
    found = list(troubles_on(portal_paths[part::PARTS_OF_PORTAL], open_as(ACME), open_as))
    assert not found, "\n".join(found)


def test_pages_for_strangers_are_quiet_and_open_to_everybody(open_as: Opener, site: Site) -> None:
    sent = site.installation.world.mailbox("news@acme.example").all_messages()
    ways_out = [
        match for copy in sent if (match := re.search(rb"List-Unsubscribe:[^/]+//[^/]+([^>]+)>", copy.raw))
    ]
    assert ways_out
    paths = ["/login/", "/password/forgotten/", "/password/sent/", ways_out[0][1].decode()]
    found = list(troubles_on(paths, open_as(None), open_as))
    assert not found, "\n".join(found)


def test_every_portal_page_fits_a_phone(open_as: Opener, portal_paths: list[str]) -> None:
    page, found = open_as(ACME, **PHONE), []
    for path in portal_paths:
        page.goto(path)
        found += [f"{path} {trouble}" for trouble in [*open_as.heard(page), *obstacles(page, width=True)]]
    assert not found, "\n".join(found)


def test_the_backends_pages_are_all_there(backend_paths: list[str]) -> None:
    assert len([path for path in backend_paths if path.endswith("/add/")]) >= 10
    assert len([path for path in backend_paths if path.endswith("/change/")]) >= 15


@pytest.mark.parametrize("part", range(PARTS_OF_BACKEND))
def test_every_page_of_the_backend_is_quiet_and_open_to_everybody(
    open_as: Opener, backend_paths: list[str], part: int
) -> None:
    found = list(
        troubles_on(backend_paths[part::PARTS_OF_BACKEND], open_as(ADMIN), open_as, known=OF_THE_THEME)
    )
    assert not found, "\n".join(found)

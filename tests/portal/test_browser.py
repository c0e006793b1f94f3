"""The portal in a real browser: pages that change without a reload, no console error, nothing for axe to find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import factories
from tests.portal.conftest import sign_in

CHROMIUM = "/usr/bin/chromium"
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 390)}

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's own event loop runs in this thread; the database is used between its calls, never inside.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


class Reader:
    """A signed-in person before a browser; whatever the console complains about is kept."""

    def __init__(self, browser: Browser, base: str, user: Any, look: str = "light") -> None:
        scheme, width = LOOKS[look]
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]  # one of Playwright's own words
            viewport={"width": width, "height": 860},
        )
        session = sign_in(user).cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
        self.base, self.page, self.complaints = base, context.new_page(), []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page


@pytest.fixture
def person(browser, live_server, acme):
    return Reader(browser, live_server.url, acme.owner)


def test_the_keys_follow_the_provider_without_a_reload(acme, person):
    factories.make_key(acme.customer, "google", name="Google key", credentials={"client_email": "x"})
    page = person.open(reverse("bounce-servers-create"))
    page.evaluate("window.sameDocument = true")
    page.fill("#id_name", "Typed before")
    page.select_option("#id_provider", "google")
    page.wait_for_selector("#id_api_key option:has-text('Google key')", state="attached")
    assert page.locator("#id_api_key").inner_text().count(acme.rows["api-keys"].name) == 0
    assert page.input_value("#id_name") == "Typed before"
    assert page.evaluate("window.sameDocument") is True
    assert person.complaints == []


def test_a_monitor_is_built_row_by_row_and_connected(acme, person, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "watch@acme.example")
    page = person.open(reverse("monitors-create"))
    page.fill("#id_name", "Watch")
    page.fill("#id_email", "watch@acme.example")
    page.select_option("#id_api_key", str(acme.rows["api-keys"].pk))
    page.fill("#id_conditions-0-value", "unsubscribe*")
    page.click("text=Add condition")
    page.fill("#id_conditions-1-value", "wrong person")
    page.select_option("#id_conditions-1-action", "move_to_list")
    page.select_option("#id_conditions-1-target_list", str(acme.rows["lists"].pk))
    page.click("[aria-label='Move condition 2 up']")
    expect(page.locator("#id_conditions-0-value")).to_have_value("wrong person")
    page.drag_and_drop("[data-place='1'] .drag", "[data-place='0']")
    expect(page.locator("#id_conditions-0-value")).to_have_value("unsubscribe*")
    page.click(".form-buttons .button-main")
    page.wait_for_selector(".step-passed")
    monitor = acme.rows["monitors"].__class__.objects.get(name="Watch")
    assert [condition.value for condition in monitor.conditions.all()] == ["unsubscribe*", "wrong person"]
    assert monitor.is_connected
    assert person.complaints == []


def test_boxes_are_counted_and_a_bulk_action_asks_first(acme, person):
    page = person.open(reverse("bounce-servers"))
    page.check("[data-select-all]")
    assert page.inner_text("[data-count]") == "(1)"
    page.click("button[value=disable]")
    assert "is no longer read" in page.inner_text("main")
    page.click("text=Disable (1)")
    page.wait_for_selector(".notice-success")
    acme.rows["bounce-servers"].refresh_from_db()
    assert not acme.rows["bounce-servers"].is_active


def test_the_chosen_theme_stays(acme, person):
    page = person.open(reverse("lists"))
    page.click("[data-theme-toggle]")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_form_works_without_scripts(acme, browser, live_server):
    plain = browser.new_context(java_script_enabled=False)
    session = sign_in(acme.owner).cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
    plain.add_cookies([cookie])  # type: ignore[list-item]  # a plain dictionary is what it takes
    page = plain.new_page()
    page.goto(live_server.url + reverse("monitors-create"))
    page.click("text=Add condition")
    assert page.locator("[name=conditions-1-value]").count() == 1


def paths_of(acme, look: str) -> list[str]:
    """Every kind of page; all of them in light, the ones that differ in build in dark and on a phone."""
    edits = {
        slug: reverse(f"{slug}-edit", args=[row.pk]) for slug, row in acme.rows.items() if slug in EDITABLE
    }
    creates = [reverse(f"{slug}-create") for slug in ("api-keys", "monitors", "campaigns")]
    if look != "light":
        some = [edits[slug] for slug in ("monitors", "subscribers", "campaigns", "deliveries")]
        return [reverse("dashboard"), reverse("bounce-servers"), reverse("setup-google"), *some]
    plain = ("dashboard", "team", "help", "setup-google", "activity", "profile", "bounce-servers-import")
    return [reverse(name) for name in (*acme.rows, *plain)] + [*edits.values(), *creates]


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_an_error_an_overflow_or_an_obstacle(acme, browser, live_server, look):
    axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    source = next(Path(axe.__file__).parent.rglob("axe.min.js")).read_text()
    reader = Reader(browser, live_server.url, acme.owner, look)
    for path in paths_of(acme, look):
        page = reader.open(path)
        assert reader.complaints == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path


EDITABLE = (
    "api-keys",
    "delivery-servers",
    "monitors",
    "subscribers",
    "campaigns",
    "deliveries",
    "bounces",
    "mailboxes",
)

"""What scripts add to the portal's pages, and that the pages work without them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.sites import ACME


def test_the_chosen_theme_stays(open_as: Opener) -> None:
    page = open_as(ACME, color_scheme="light")
    page.goto("/lists/")
    page.get_by_role("button", name="Switch between light and dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_ticked_rows_are_counted(open_as: Opener) -> None:
    page = open_as(ACME)
    page.goto("/bounce-servers/")
    page.get_by_role("checkbox", name="Select all rows on this page").check()
    expect(page.locator("[data-count]")).to_have_text("(1)")
    page.get_by_role("checkbox", name="Select Acme bounces").uncheck()
    expect(page.locator("[data-count]")).to_be_empty()


def test_a_copied_scope_says_so(open_as: Opener) -> None:
    page = open_as(ACME, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/help/google/")
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("https://www.googleapis.com/auth/")


def test_forms_are_built_without_scripts_too(open_as: Opener) -> None:
    page = open_as(ACME, java_script_enabled=False)
    page.goto("/monitors/create/")
    page.get_by_role("button", name="Add condition").click()
    expect(page.locator("[name=conditions-1-value]")).to_be_visible()
    page.get_by_label("Provider").select_option("google")
    page.get_by_role("button", name="Update the choices").click()
    expect(page.get_by_label("API Key")).not_to_contain_text("Acme production")


def test_headings_of_a_long_table_stay_in_sight(open_as: Opener) -> None:
    page = open_as(ACME, viewport={"width": 1280, "height": 420})
    page.goto("/subscribers/")
    heading = page.get_by_role("columnheader", name="Email")
    page.get_by_role("region", name="Subscribers").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(heading).to_be_in_viewport()

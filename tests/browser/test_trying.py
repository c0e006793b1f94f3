"""Trying a monitor that is being edited: in a tab of its own, beside a form that can still be saved."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.sites import ACME

MAIL = "From: ada@receiver.example\nSubject: unsubscribe me\n\nThanks.\n"


def test_a_preview_opens_beside_the_form_which_is_saved_afterwards(open_as: Opener) -> None:
    page = open_as(ACME)
    page.goto("/monitors/")
    page.get_by_role("main").get_by_role("link", name="Acme replies").first.click()
    with page.context.expect_page() as opened:
        page.get_by_role("main").get_by_role("button", name="Preview").click()
    tab = opened.value
    tab.get_by_label("Message").fill(MAIL)
    tab.get_by_role("button", name="Try this message").click()
    expect(tab.get_by_role("main")).to_contain_text("Found ada@receiver.example")
    tab.close()
    page.get_by_role("main").get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("was saved and is connected")).to_be_visible()

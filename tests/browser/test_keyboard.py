"""The portal without a mouse, and its menu on a phone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.sites import ACME

# Whether the browser draws something around what has the focus. A date's calendar button lies inside of the
# field, where no script sees it; Chromium draws its ring itself.
OUTLINE = """() => {
  if (document.activeElement.matches("[type=date], [type=datetime-local]")) return true;
  const style = getComputedStyle(document.activeElement);
  return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
}"""


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_the_first_key_offers_to_skip_the_menu(open_as: Opener) -> None:
    page = open_as(ACME)
    page.goto("/subscribers/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_focus_is_seen_wherever_it_is(open_as: Opener) -> None:
    page = open_as(ACME)
    page.goto("/monitors/create/")
    unseen, steps = [], page.locator("a[href], button, input:not([type=hidden]), select, textarea").count()
    for _ in range(steps):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        if not page.evaluate(OUTLINE):
            unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
    assert unseen == []


def test_a_list_can_be_worked_by_keys_alone(open_as: Opener) -> None:
    page = open_as(ACME)
    page.goto("/monitors/")
    page.get_by_role("checkbox", name="Select Acme replies").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Select Acme replies")).to_be_checked()
    page.get_by_role("button", name="Disable").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("Acme replies")
    page.get_by_role("link", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("API monitors")


def test_news_of_a_campaign_leave_the_focus_and_the_peace(open_as: Opener) -> None:
    page = open_as(ACME)
    page.goto("/campaigns/")
    page.get_by_role("link", name="December news", exact=True).click()
    page.get_by_role("button", name="Release for sending").focus()
    page.locator("#progress").evaluate("node => node.setAttribute('data-old', '')")
    page.evaluate(
        "htmx.ajax('GET', location.pathname + 'progress/', { target: '#progress', swap: 'outerHTML' })"
    )
    expect(page.locator("#progress[data-old]")).to_have_count(0)
    expect(page.get_by_role("button", name="Release for sending")).to_be_focused()
    expect(page.get_by_role("status")).to_be_empty()


def test_the_menu_on_a_phone_opens_leads_on_and_closes(open_as: Opener) -> None:
    page = open_as(ACME, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto("/")
    menu, entry = (
        page.get_by_role("button", name="Menu"),
        page.get_by_role("link", name="Campaigns", exact=True),
    )
    expect(entry).to_be_hidden()
    expect(menu).to_have_attribute("aria-expanded", "false")
    menu.tap()
    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(entry).to_be_visible()
    menu.focus()
    page.keyboard.press("Enter")
    expect(entry).to_be_hidden()
    menu.tap()
    entry.tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
    expect(page.get_by_role("link", name="Campaigns", exact=True)).to_be_hidden()

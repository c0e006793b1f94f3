"""The guide as a customer follows it: from the first key to a monitor that has unsubscribed somebody, and back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from sandbox.ids import guid
from sandbox.replies import Script, compose_reply
from tests.browser.conftest import Opener
from tests.browser.sites import INITECH, Site

NEWS, BOUNCES = "news@initech.example", "bounces@initech.example"
ADA = "ada@initech-reader.example"
KEY = "Initech Microsoft"


@pytest.fixture
def page(open_as: Opener) -> Page:
    return open_as(INITECH)


def test_from_the_first_key_to_a_monitor_that_unsubscribed_somebody(page: Page, site: Site) -> None:
    follow_the_first_steps(page)
    create_a_key(page, site)
    verify_the_key(page)
    create_a_delivery_server(page)
    create_a_bounce_server(page)
    create_a_list_with_a_subscriber(page)
    create_a_campaign(page)
    look_at_the_preview(page)
    send_it_and_watch(page, site)
    create_a_monitor(page)
    preview_the_monitor(page)
    let_ada_reply(site)
    report = site.installation.manage("api_connect_cron")
    assert re.search(r"monitor", report, re.IGNORECASE), report
    see_why_and_undo(page)
    expect_all_steps_done(page)


def go(page: Page, entry: str, button: str) -> None:
    """Through the sidebar, as a person goes, to the page behind a button there."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=entry, exact=True).click()
    page.get_by_role("link", name=button).first.click()


def choose(page: Page, label: str, value: str) -> None:
    """Choose what other fields follow from, and wait until they were drawn again.

    What is typed before that is lost: see `redraw` in static/app.js.
    """
    fields = page.locator("#fields")
    fields.evaluate("node => node.setAttribute('data-stale', '')")
    page.get_by_label(label).last.select_option(value)
    expect(page.locator("#fields[data-stale]")).to_have_count(0)


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).last.click()


def follow_the_first_steps(page: Page) -> None:
    page.goto("/")
    steps = page.get_by_role("region", name="First steps")
    expect(steps).to_contain_text("0 of ")
    page.get_by_role("link", name="Help").click()
    page.get_by_role("main").get_by_role("link", name="Microsoft 365").click()
    expect(page.get_by_role("heading", name="Grant the permissions")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    steps.get_by_role("link", name="Add an API key", exact=True).click()
    expect(page).to_have_title(re.compile("New API key"))


def create_a_key(page: Page, site: Site) -> None:
    choose(page, "Type", "google")
    expect(page.get_by_label("Private Key")).to_be_visible()
    expect(page.get_by_label("Client Secret")).to_have_count(0)
    page.get_by_label("Key Name").fill(KEY)
    choose(page, "Type", "microsoft")
    expect(page.get_by_label("Client Secret")).to_be_visible()
    expect(page.get_by_label("Private Key")).to_have_count(0)
    expect(page.get_by_label("Key Name")).to_have_value(KEY)
    page.get_by_label("Client ID").fill(site.microsoft["client_id"])
    page.get_by_label("Tenant ID").fill(site.microsoft["tenant_id"])
    # The Secret ID that Azure shows beside the value.
    page.get_by_label("Client Secret").fill(guid("secret id"))
    press(page, "Create")
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Secret ID")
    expect(page.get_by_label("Client ID")).to_have_value(site.microsoft["client_id"])
    expect(page.get_by_label("Key Name")).to_have_value(KEY)
    page.get_by_label("Client Secret").fill(site.microsoft["client_secret"])
    press(page, "Create")
    expect(page.get_by_role("heading", name="Verify")).to_be_visible()
    assert site.microsoft["client_secret"] not in page.content()


def verify_the_key(page: Page) -> None:
    page.get_by_label("Mailbox to try").fill(NEWS)
    press(page, "Verify")
    expect(page.locator(".step-passed").first).to_be_visible()
    expect(page.locator(".step-failed")).to_have_count(0)


def fill_in_a_server(page: Page, name: str, email: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("[name=email]").fill(email)
    page.get_by_label("API Key").select_option(label=KEY)


def expect_connected(page: Page) -> None:
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    expect(page.locator(".step-passed").first).to_be_visible()
    expect(page.locator(".step-failed")).to_have_count(0)


def create_a_delivery_server(page: Page) -> None:
    go(page, "Delivery servers", "New delivery server")
    choose(page, "Type", "microsoft-graph-api")
    expect(page.get_by_label("Microsoft Email")).to_be_visible()
    fill_in_a_server(page, "Initech news", NEWS)
    page.get_by_label("From Name").fill("Initech News")
    page.get_by_label("Hourly Quota").fill("100")
    press(page, "Create")
    expect_connected(page)


def create_a_bounce_server(page: Page) -> None:
    go(page, "API bounce servers", "New API bounce server")
    choose(page, "Provider", "microsoft")
    fill_in_a_server(page, "Initech bounces", BOUNCES)
    press(page, "Create")
    expect_connected(page)


def create_a_list_with_a_subscriber(page: Page) -> None:
    go(page, "Mailing lists", "New mailing list")
    page.get_by_label("Name").fill("Readers")
    press(page, "Create")
    go(page, "Subscribers", "New subscriber")
    page.get_by_label("Mailing list").select_option(label="Readers")
    page.get_by_label("Email").fill(ADA)
    page.get_by_label("Values").fill("FNAME: Ada")
    press(page, "Create")
    expect(page.get_by_role("region", name="Why?")).to_contain_text(f"Person: {INITECH}")


def create_a_campaign(page: Page) -> None:
    go(page, "Campaigns", "New campaign")
    page.get_by_label("Name", exact=True).fill("First letter")
    page.get_by_label("Mailing list").select_option(label="Readers")
    page.get_by_label("Initech news").check()
    page.get_by_label("Subject").fill("Hello [FNAME]")
    page.get_by_label("HTML text").fill("<p>Hello [FNAME]</p>")
    press(page, "Create")
    expect(page.get_by_text("Before it can be sent")).to_be_visible()
    expect(page.get_by_role("button", name="Release for sending")).to_be_disabled()
    page.get_by_label("HTML text").fill(
        "<p>Hello [FNAME]</p><p>[DS_FROM_NAME]</p><p><a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>"
    )
    press(page, "Save changes")
    expect(page.get_by_role("button", name="Release for sending")).to_be_enabled()


def look_at_the_preview(page: Page) -> None:
    page.get_by_role("link", name="Preview").click()
    expect(page.get_by_role("heading", name="Hello Ada")).to_be_visible()
    mail = page.frame_locator("iframe[title='The rendered mail']")
    expect(mail.get_by_text("Initech News")).to_be_visible()
    page.get_by_role("link", name="First letter").click()


def send_it_and_watch(page: Page, site: Site) -> None:
    press(page, "Release for sending")
    expect(page.get_by_text("Confirmed subscribers of")).to_contain_text("1")
    press(page, "Release for sending")
    # The page follows by itself; nobody reloads it.
    expect(page.get_by_role("progressbar", name="Done")).to_have_attribute("value", "100", timeout=30_000)
    expect(page.locator("#progress")).to_contain_text("Sent")
    # Screen readers are told as well.
    expect(page.get_by_role("status")).to_have_text(re.compile("^(Sending, 100 % done|Sent)$"))
    assert [copy.sender for copy in site.installation.world.ledger.find(recipient=ADA)] == [NEWS]


def create_a_monitor(page: Page) -> None:
    go(page, "API monitors", "New API monitor")
    choose(page, "Provider", "microsoft")
    fill_in_a_server(page, "Initech replies", NEWS)
    values = page.get_by_label("Value")
    values.nth(0).fill("unsubscribe*")
    press(page, "Add condition")
    expect(values).to_have_count(2)
    values.nth(1).fill("wrong person")
    choose(page, "Action", "move_to_list")
    page.get_by_label("To list").select_option(label="Readers")
    press(page, "Move condition 2 up")
    expect(values.nth(0)).to_have_value("wrong person")
    press(page, "Move condition 1 down")
    expect(values.nth(0)).to_have_value("unsubscribe*")
    for first in ("wrong person", "unsubscribe*"):
        page.drag_and_drop("[data-place='1'] .drag", "[data-place='0']")
        expect(values.nth(0)).to_have_value(first)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Initech replies")
    press(page, "Create")
    expect_connected(page)


def preview_the_monitor(page: Page) -> None:
    page.get_by_role("link", name="Preview").click()
    page.locator("textarea").fill(
        f"From: Ada <{ADA}>\nTo: {NEWS}\nSubject: Re: Hello Ada\n\nPlease unsubscribe me.\n"
    )
    press(page, "Try this message")
    expect(page.get_by_role("region", name="What would happen")).to_contain_text("Unsubscribe")


def let_ada_reply(site: Site) -> None:
    world = site.installation.world
    sent = next(copy for copy in world.mailbox(NEWS).all_messages() if ADA.encode() in copy.raw)
    to, raw = compose_reply(sent.raw, ADA, Script("Please unsubscribe me, thank you."), world.clock.now())
    world.deliver(raw, to)


def see_why_and_undo(page: Page) -> None:
    page.get_by_role("link", name="Subscribers").click()
    page.get_by_role("searchbox", name="Search").fill(ADA)
    press(page, "Apply")
    page.get_by_role("link", name=ADA, exact=True).click()
    status, why = page.get_by_role("region", name="Status"), page.get_by_role("region", name="Why?")
    expect(status).to_contain_text("Unsubscribed")
    expect(why).to_contain_text("Initech replies")
    why.get_by_role("button", name=re.compile("^Undo Unsubscribed")).click()
    expect(status).to_contain_text("Confirmed")
    expect(page.locator("#messages")).to_contain_text("Undone")


def expect_all_steps_done(page: Page) -> None:
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(page.get_by_role("region", name="First steps")).to_have_count(0)

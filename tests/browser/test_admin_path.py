"""The guide's sections 5 to 9 as a backend admin follows them, on pages that are never reloaded by hand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import sign_in
from tests.browser.conftest import Opener
from tests.browser.sites import ADMIN, GLOBEX, PASSWORD, Site

LETTERS = "letters@initech.example"
SYSTEM_KEY, GLOBEX_KEY, ACME_KEY = "Platform Google", "Globex workspace", "Acme production"


@pytest.fixture
def page(open_as: Opener) -> Page:
    return open_as(ADMIN)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def choose_customer(page: Page, name: str) -> None:
    page.locator("#id_customer + .select2").click()
    page.locator(".select2-search__field").last.fill(name)
    page.locator(".select2-results__option", has_text=name).click()


def press_and_confirm(page: Page, name: str, **fields: str) -> Locator:
    """Press a button that opens a dialog, fill in its fields, go on; the dialog."""
    # Not exact: the names of the backend's icons are a part of what its links are called.
    page.get_by_role("link", name=name).click()
    dialog = page.locator("#dialog")
    for field, value in fields.items():
        dialog.locator(f"[name={field}]").fill(value)
    dialog.locator("[type=submit]").click()
    return dialog


def test_settings_say_in_words_what_a_switch_does(page: Page, site: Site) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Settings").click()
    expect(
        page.get_by_text(re.compile(r"“No” removes Gmail API from \d of \d customer groups"))
    ).to_be_visible()
    switch(page, google_enabled="False", enabled="False")
    expect(page.get_by_text("API Connect is switched off").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"Now off. “Yes” registers Gmail API"))).to_be_visible()
    groups = site.installation.query("SELECT allowed_server_types FROM accounts_customergroup")
    assert groups
    assert not any("gmail-api" in types for (types,) in groups)
    switch(page, google_enabled="True", enabled="True")
    expect(page.get_by_text("API Connect is switched off")).to_have_count(0)
    groups = site.installation.query("SELECT allowed_server_types FROM accounts_customergroup")
    assert all("gmail-api" in types for (types,) in groups)
    page.get_by_text("Servers", exact=True).last.click()
    for name in ("Max. API bounce servers", "Max. API monitors", "Max. delivery servers"):
        expect(page.get_by_label(name)).to_be_visible()


def switch(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.select_option(f"[name={name}]", value)
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("The settings are saved and in force.")).to_be_visible()


def test_keys_then_servers_then_a_monitor(page: Page, open_as: Opener, site: Site) -> None:
    create_a_system_key(page, site)
    create_a_delivery_server(page)
    create_a_locked_bounce_server(page)
    expect_a_lock_in_the_portal(open_as(GLOBEX))
    create_a_monitor(page, site)


def create_a_system_key(page: Page, site: Site) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Manage API Keys").click()
    page.get_by_role("link", name="Create New").first.click()
    page.select_option("[name=provider]", "microsoft")
    expect(page.get_by_label("Client Secret")).to_be_visible()
    expect(page.get_by_label("Private Key")).to_be_hidden()
    page.select_option("[name=provider]", "google")
    expect(page.get_by_label("Client Secret")).to_be_hidden()
    page.fill("[name=name]", SYSTEM_KEY)
    # The whole file that Google's console offers; the account's address is taken from it.
    page.get_by_label("Private Key").fill(site.google_json)
    save(page)
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.get_by_role("link", name=SYSTEM_KEY).first.click()
    dialog = press_and_confirm(page, "Verify", email=LETTERS)
    expect(dialog.locator("ol")).to_contain_text("(passed)")
    expect(dialog.locator("ol")).not_to_contain_text("(failed)")
    assert "PRIVATE KEY" not in page.content()


def create_a_delivery_server(page: Page) -> None:
    page.goto("/admin/servers/deliveryserver/add/")
    page.evaluate("window.sameDocument = true")
    keys = page.locator("[name=api_key]")
    page.select_option("[name=type]", "gmail-api")
    expect(keys).to_contain_text(SYSTEM_KEY)
    expect(keys).not_to_contain_text(GLOBEX_KEY)
    choose_customer(page, "Globex")
    expect(keys).to_contain_text(GLOBEX_KEY)
    expect(keys).to_contain_text(SYSTEM_KEY)
    choose_customer(page, "Acme")
    expect(keys).not_to_contain_text(GLOBEX_KEY)
    page.select_option("[name=type]", "microsoft-graph-api")
    expect(keys).to_contain_text(ACME_KEY)
    expect(keys).not_to_contain_text(SYSTEM_KEY)
    choose_customer(page, "Globex")
    page.select_option("[name=type]", "gmail-api")
    expect(keys).to_contain_text(SYSTEM_KEY)
    assert page.evaluate("window.sameDocument")
    assert page.locator("[name*=smtp], [name=hostname], [name=port]").count() == 0
    page.fill("[name=name]", "Globex through the platform")
    page.fill("[name=email]", LETTERS)
    choose_key(keys, SYSTEM_KEY)
    save(page)
    expect(page.get_by_text("✓ Connected")).to_be_visible()


def choose_key(keys: Locator, name: str) -> None:
    keys.select_option(keys.locator("option", has_text=name).first.get_attribute("value"))


def create_a_locked_bounce_server(page: Page) -> None:
    page.goto("/admin/bounces/bounceserver/add/")
    page.fill("[name=name]", "Globex locked bounces")
    page.select_option("[name=provider]", "google")
    choose_customer(page, "Globex")
    page.fill("[name=email]", LETTERS)
    keys = page.locator("[name=api_key]")
    expect(keys).to_contain_text(SYSTEM_KEY)
    choose_key(keys, SYSTEM_KEY)
    page.get_by_label("Locked").check()
    save(page)
    expect(page.get_by_text("✓ Connected")).to_be_visible()


def expect_a_lock_in_the_portal(page: Page) -> None:
    page.goto("/bounce-servers/")
    page.get_by_role("link", name="Globex locked bounces").click()
    expect(page.get_by_role("main")).to_contain_text("locked")
    expect(page.locator("[name=name]")).to_be_disabled()
    expect(page.get_by_role("button", name="Save changes")).to_have_count(0)


def create_a_monitor(page: Page, site: Site) -> None:
    page.goto("/admin/monitors/monitor/add/")
    page.fill("[name=name]", "Globex letters watched")
    page.select_option("[name=provider]", "google")
    choose_customer(page, "Globex")
    page.fill("[name=email]", LETTERS)
    keys = page.locator("[name=api_key]")
    expect(keys).to_contain_text(SYSTEM_KEY)
    choose_key(keys, SYSTEM_KEY)
    for number, value, action in ((0, "STOP", "unsubscribe"), (1, "not me", "blacklist")):
        page.get_by_text("Add another Condition").click()
        page.fill(f"[name=conditions-{number}-value]", value)
        page.select_option(f"[name=conditions-{number}-action]", action)
    save(page)
    expect(page.get_by_text("✓ Connected")).to_be_visible()
    rows = site.installation.query(
        "SELECT c.value FROM monitors_condition c JOIN monitors_monitor m ON m.id = c.monitor_id"
        " WHERE m.name = 'Globex letters watched' ORDER BY c.position"
    )
    assert rows == [("STOP",), ("not me",)]
    page.get_by_role("link", name="Globex letters watched").first.click()
    mail = f"From: x@receiver.example\nTo: {LETTERS}\nSubject: Re\n\nThat is not me\n"
    dialog = press_and_confirm(page, "Preview", raw=mail)
    expect(dialog).to_contain_text("not me")


def test_a_bulk_action_names_what_follows_before_it_acts(page: Page, site: Site) -> None:
    page.goto("/admin/monitors/monitor/")
    page.get_by_role("row", name=re.compile("Globex replies")).locator("input.action-select").check()
    for action, status in (("disable", "inactive"), ("enable", "active")):
        page.select_option("[name=action]", action)
        page.get_by_role("button", name="Run").click()
        page.get_by_role("button", name=action.capitalize()).click()
        expect(page.get_by_text(f"{action.capitalize()}: 1 changed")).to_be_visible()
        query = "SELECT status FROM monitors_monitor WHERE name = 'Globex replies'"
        assert site.installation.query(query) == [(status,)]
        page.get_by_role("row", name=re.compile("Globex replies")).locator("input.action-select").check()


def test_a_groups_limit_is_in_force_for_its_customers(page: Page) -> None:
    page.goto("/admin/accounts/customergroup/")
    page.get_by_role("link", name="Standard", exact=True).click()
    page.get_by_text("Servers", exact=True).last.click()
    limit = page.get_by_label("Max. API monitors")
    expect(limit).to_have_attribute("placeholder", re.compile("use system default"))
    limit.fill("7")
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.goto("/admin/accounts/customer/")
    page.get_by_role("link", name="Globex Inc", exact=True).click()
    expect(page.get_by_text(re.compile("Max. API monitors: 7"))).to_be_visible()


def test_logs_tell_what_happened_and_why(page: Page) -> None:
    page.goto("/admin/campaigns/delivery/")
    page.get_by_role("link", name="grace@receiver.example").first.click()
    expect(page.get_by_text(re.compile("Accepted", re.IGNORECASE)).first).to_be_visible()
    page.goto("/admin/bounces/bounce/")
    page.get_by_role("link", name=re.compile("unknown-user@")).first.click()
    expect(page.get_by_text("5.1.1").first).to_be_visible()
    page.goto("/admin/accounts/auditentry/")
    expect(page.get_by_text(ADMIN).first).to_be_visible()


def test_a_superuser_goes_on_as_a_customers_user_and_back(open_as: Opener, site: Site) -> None:
    page = open_as(None, color_scheme="dark")
    # Becoming somebody else ends the session, so this one is nobody else's.
    sign_in(page, f"{site.origin}/admin/", ADMIN, PASSWORD)
    page.goto("/admin/accounts/user/")
    page.get_by_role("link", name=GLOBEX).first.click()
    page.get_by_role("link", name="Log in as this user").click()
    page.get_by_role("button", name=f"Log in as {GLOBEX}").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(page.get_by_text("Globex Inc").first).to_be_visible()
    page.goto("/monitors/")
    page.get_by_role("button", name="Back to the backend").click()
    expect(page).to_have_url(re.compile("/admin/accounts/user/"))
    page.goto("/admin/accounts/auditentry/")
    expect(page.get_by_text("log in as").first).to_be_visible()

"""The backend in Chromium: the guide's main steps as an admin does them, without one error in the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import Customer
from bounces.models import BounceServer
from keys.models import ApiKey
from monitors.models import Monitor
from sandbox.world import World
from tests import factories as make
from tests.admin.conftest import furnish
from tests.sandboxing import MICROSOFT_CREDENTIALS

CHROMIUM = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine"),
]


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest, live_server: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[Page]:
    """A signed-in superuser's page; the test fails if the console ever said an error."""
    # Playwright runs a loop in this thread, which Django would take for asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.ALLOWED_HOSTS = ["*"]
    user = make.make_admin(email="root@platform.example")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url, color_scheme=request.param)
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(reverse("admin:login"))
        page.fill("[name=username]", user.email)
        page.fill("[name=password]", make.PASSWORD)
        page.click("[type=submit]")
        expect(page).to_have_title("Dashboard | API Connect")
        yield page
        browser.close()
        assert errors == []


def choose_customer(page: Page, name: str) -> None:
    page.locator("#id_customer + .select2").click()
    page.locator(".select2-search__field").last.fill(name)
    page.locator(".select2-results__option", has_text=name).click()


def test_keys_then_servers_then_a_monitor(page: Page, sandbox_world: World) -> None:
    acme = make.make_customer("Acme")
    make.make_key(make.make_customer("Rival"), name="Rival's key")
    for address in ("bounces@acme.example", "replies@acme.example"):
        sandbox_world.add_mailbox("microsoft", address)
    create_key(page)
    create_bounce_server(page, acme)
    create_monitor(page)


def create_key(page: Page) -> None:
    page.goto(reverse("admin:keys_apikey_add"))
    page.select_option("[name=provider]", "google")
    expect(page.get_by_label("Private Key")).to_be_visible()
    expect(page.get_by_label("Client ID")).to_be_hidden()
    page.select_option("[name=provider]", "microsoft")
    expect(page.get_by_label("Private Key")).to_be_hidden()
    choose_customer(page, "Acme")
    page.fill("[name=name]", "Production Microsoft Key")
    for name, value in MICROSOFT_CREDENTIALS.items():
        page.fill(f"[name={name}]", value)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.goto(reverse("admin:keys_apikey_change", args=[ApiKey.objects.latest("pk").pk]))
    page.get_by_role("link", name="Verify").click()
    page.fill("#dialog [name=email]", "bounces@acme.example")
    page.locator("#dialog [type=submit]").click()
    expect(page.locator("#dialog-form ol")).to_contain_text("(passed)")


def create_bounce_server(page: Page, acme: Customer) -> None:
    page.goto(reverse("admin:bounces_bounceserver_add"))
    keys = page.locator("[name=api_key]")
    expect(keys).not_to_contain_text("Production Microsoft Key")
    choose_customer(page, "Acme")
    expect(keys).to_contain_text("Production Microsoft Key")
    expect(keys).not_to_contain_text("Rival's key")
    page.fill("[name=name]", "Acme bounces")
    page.fill("[name=email]", "bounces@acme.example")
    keys.select_option(label="Production Microsoft Key")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("✓ Connected")).to_be_visible()
    server = BounceServer.objects.get()
    assert (server.customer, server.is_connected) == (acme, True)


def create_monitor(page: Page) -> None:
    page.goto(reverse("admin:monitors_monitor_add"))
    choose_customer(page, "Acme")
    page.fill("[name=name]", "Acme replies")
    page.fill("[name=email]", "replies@acme.example")
    page.locator("[name=api_key]").select_option(label="Production Microsoft Key")
    page.get_by_text("Add another Condition").click()
    page.fill("[name=conditions-0-value]", "unsubscribe*")
    page.select_option("[name=conditions-0-action]", "unsubscribe")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("✓ Connected")).to_be_visible()
    assert Monitor.objects.get().conditions.get().value == "unsubscribe*"


def test_a_bulk_action_asks_before_it_acts(page: Page) -> None:
    server = make.make_bounce_server(make.make_customer("Acme"), name="Acme bounces")
    page.goto(reverse("admin:bounces_bounceserver_changelist"))
    page.locator("input.action-select").last.check()
    page.select_option("[name=action]", "disable")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("What else happens")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Disable: 1 changed")).to_be_visible()
    server.refresh_from_db()
    assert not server.is_active


def test_settings_say_what_a_switch_does_before_it_does_it(page: Page) -> None:
    make.make_group()
    page.goto(reverse("admin:accounts_systemsettings_changelist"))
    expect(page.get_by_text("removes Microsoft Graph API from 1 of 1 customer groups")).to_be_visible()
    page.select_option("[name=enabled]", "False")
    page.get_by_text("Servers", exact=True).last.click()
    expect(page.get_by_label("Max. API monitors")).to_be_visible()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("API Connect is switched off")).to_be_visible()


def test_the_main_pages_are_quiet(page: Page) -> None:
    furnish(1)
    for name in (
        "index", "servers_deliveryserver_changelist", "campaigns_delivery_changelist", "bounces_bounce_changelist",
        "audience_change_changelist", "mailboxes_mailbox_changelist", "accounts_auditentry_changelist",
        "operations_status", "operations_cycle_changelist", "accounts_customergroup_add", "accounts_user_add",
    ):  # fmt: skip
        response = page.goto(reverse(f"admin:{name}"))
        assert response is not None
        assert response.status == 200, name
        page.wait_for_load_state("networkidle")

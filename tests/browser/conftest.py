"""Chromium before one running site; a page whose console was not quiet fails its test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import CHROMIUM, chromium
from tests.browser.sites import Site, running_site
from tests.browser.watching import Watch


class Opener:
    """`open_as(email, color_scheme="dark")`: a page of a signed-in user, or of a stranger with None."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser, self.site = browser, site
        self.watches: dict[Page, Watch] = {}

    def __call__(self, email: str | None, **options: Any) -> Page:
        if email:
            options["storage_state"] = self.site.session_of(self.browser, email)
        context = self.browser.new_context(base_url=self.site.origin, reduced_motion="reduce", **options)
        context.set_default_timeout(10_000)
        page = context.new_page()
        self.watches[page] = Watch(context)
        return page

    def heard(self, page: Page) -> list[str]:
        """What went wrong since the last time; it is not held against the test any more."""
        return self.watches[page].take()

    def close(self) -> list[str]:
        """What went wrong and was not asked for."""
        left = [complaint for watch in self.watches.values() for complaint in watch.take()]
        for watch in self.watches.values():
            watch.context.close()
        return left


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file; not for the session, whose other tests may want a Playwright of their own."""
    if not CHROMIUM.exists():
        reason = f"no Chromium at {CHROMIUM}: install Debian's package “chromium”"
        if os.environ.get("CI") == "true" or os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def open_as(browser: Browser, site: Site) -> Iterator[Opener]:
    """Pages that are watched until the test ends."""
    opener = Opener(browser, site)
    yield opener
    assert opener.close() == []

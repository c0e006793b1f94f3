"""Chromium before one running site; a page whose console was not quiet fails its test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import CHROMIUM, chromium
from tests.browser.sites import Site, running_site
from tests.browser.watching import Watch

Opener = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
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
    """`open_as(email, color_scheme="dark")`: a page of a signed-in user, watched until the test ends."""
    watches: list[Watch] = []

    def open_page(email: str | None, **options: Any) -> Page:
        state = {"storage_state": site.session_of(browser, email)} if email else {}
        context = browser.new_context(base_url=site.origin, reduced_motion="reduce", **state, **options)
        context.set_default_timeout(10_000)
        watches.append(Watch(context))
        return context.new_page()

    yield open_page
    complaints = [complaint for watch in watches for complaint in watch.take()]
    for watch in watches:
        watch.context.close()
    assert complaints == []

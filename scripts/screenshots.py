"""Take the screenshots of README and docs from a running demo: `make shots`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import chromium, sign_in  # noqa: E402  found from the project's own folder

IMAGES = ROOT / "docs" / "images"
LOGIN = re.compile(r"(backend admin|Acme's owner)\s+(http\S+)\s+(\S+@\S+)\s+(\S+)")


@dataclass(frozen=True)
class Shot:
    """A page to picture: who sees it, where it is, what the file is called."""

    name: str
    who: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    width: int = 1280


ADMIN, OWNER = "backend admin", "Acme's owner"
SHOTS = (
    Shot("dashboard", OWNER, "/"),
    Shot("dashboard-dark", OWNER, "/", "dark"),
    Shot("dashboard-phone", OWNER, "/", width=390),
    Shot("portal-delivery-servers", OWNER, "/delivery-servers/"),
    Shot("portal-bounce-servers", OWNER, "/bounce-servers/"),
    Shot("portal-monitors", OWNER, "/monitors/"),
    Shot("portal-subscribers", OWNER, "/subscribers/"),
    Shot("portal-campaigns", OWNER, "/campaigns/"),
    Shot("portal-campaign", OWNER, "/campaigns/1/"),
    Shot("portal-monitor", OWNER, "/monitors/1/"),
    Shot("portal-bounces", OWNER, "/bounces/"),
    Shot("portal-keys", OWNER, "/api-keys/"),
    Shot("portal-key-add", OWNER, "/api-keys/create/"),
    Shot("portal-setup", OWNER, "/help/google/"),
    Shot("portal-delivery-server", OWNER, "/delivery-servers/1/"),
    Shot("portal-why", OWNER, "/subscribers/2/"),
    Shot("portal-unmatched", OWNER, "/mailboxes/1/unmatched/"),
    Shot("admin-dashboard", ADMIN, "/admin/"),
    Shot("admin-dashboard-dark", ADMIN, "/admin/", "dark"),
    Shot("admin-settings", ADMIN, "/admin/accounts/systemsettings/"),
    Shot("admin-keys", ADMIN, "/admin/keys/apikey/"),
    Shot("admin-key-add", ADMIN, "/admin/keys/apikey/add/"),
    Shot("admin-delivery-servers", ADMIN, "/admin/servers/deliveryserver/"),
    Shot("admin-bounce-servers", ADMIN, "/admin/bounces/bounceserver/"),
    Shot("admin-monitors", ADMIN, "/admin/monitors/monitor/"),
    Shot("admin-groups", ADMIN, "/admin/accounts/customergroup/"),
    Shot("admin-bounces", ADMIN, "/admin/bounces/bounce/"),
    Shot("admin-cycles", ADMIN, "/admin/operations/cycle/"),
)


@contextmanager
def demo() -> Iterator[dict[str, tuple[str, str, str]]]:
    """A running demo; who → (address, email, password)."""
    command = [sys.executable, "manage.py", "demo", "--port", "8300"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    logins: dict[str, tuple[str, str, str]] = {}
    try:
        assert process.stdout
        for line in process.stdout:
            if match := LOGIN.search(line):
                logins[match[1]] = (match[2], match[3], match[4])
            if "Serving at" in line:
                break
        yield logins
    finally:
        process.terminate()
        process.wait(timeout=20)


def open_as(browser: Browser, shot: Shot, login: tuple[str, str, str]) -> Page:
    page = browser.new_context(
        viewport={"width": shot.width, "height": 900}, color_scheme=shot.scheme, reduced_motion="reduce"
    ).new_page()
    sign_in(page, *login)
    return page


def main() -> None:
    wanted = set(sys.argv[1:])
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as logins, chromium() as browser:
        pages: dict[tuple[str, str, int], Page] = {}
        for shot in SHOTS:
            if wanted and shot.name not in wanted:
                continue
            key = (shot.who, shot.scheme, shot.width)
            if key not in pages:
                pages[key] = open_as(browser, shot, logins[shot.who])
            page = pages[key]
            origin = "/".join(logins[shot.who][0].split("/")[:3])
            answer = page.goto(origin + shot.path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / f"{shot.name}.png", full_page=shot.width < 600)
            sys.stdout.write(f"{answer.status if answer else '-'} {shot.name}\n")


if __name__ == "__main__":
    main()

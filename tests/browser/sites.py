"""One running site for all browser tests: the demo's two customers with history, and one who has just arrived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml
from playwright.sync_api import Browser

from operations.demo.launching import PASSWORD_VARIABLES, free_port
from operations.demo.scenario import ADMIN_EMAIL
from sandbox.credentials import make_client_secret, make_service_account
from sandbox.ids import guid
from tests.browser.chromium import sign_in
from tests.installation import Installation, installation

PASSWORD = "correct-horse-battery"
ADMIN, ACME, GLOBEX, INITECH = (
    ADMIN_EMAIL,
    "owner@acme.example",
    "owner@globex.example",
    "owner@initech.example",
)

# Initech has a way in and nothing else: what it gets, a test makes. Acme gets a campaign that can still be changed.
ADDED = {
    "groups": [{"name": "Newcomers", "max_bounce_servers": 3, "max_monitors": 3}],
    "customers": [
        {
            "uid": "initech",
            "name": "Initech",
            "group": "Newcomers",
            "users": [{"email": INITECH, "password": PASSWORD, "role": "owner"}],
        }
    ],
    "campaigns": [
        {
            "uid": "cmp-draft",
            "customer": "acme",
            "name": "December news",
            "list": "list-acme",
            "delivery_servers": ["ds-acme"],
            "subject": "Hello [FNAME]",
            "html": "<p>Hello [FNAME]</p><p><a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>",
        }
    ],
}


@dataclass
class Site:
    """The site's address, its installation, and the sessions of those who have signed in once."""

    origin: str
    installation: Installation
    microsoft: dict[str, str]
    google_json: str
    sessions: dict[str, Any] = field(default_factory=dict)

    def session_of(self, browser: Browser, email: str) -> Any:
        """Cookies of a signed-in user; each signs in once."""
        if email not in self.sessions:
            context = browser.new_context()
            address = f"{self.origin}/admin/" if email == ADMIN else f"{self.origin}/"
            sign_in(context.new_page(), address, email, PASSWORD)
            self.sessions[email] = context.storage_state()
            context.close()
        return self.sessions[email]


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """An installation with the demo's data, a newcomer, and `serve` in front of it."""
    port = free_port("127.0.0.1")
    origin = f"http://127.0.0.1:{port}"
    with installation(folder, SITE_URL=origin, LOG_LEVEL="ERROR") as made:
        made.world.reset()
        passwords = dict.fromkeys(PASSWORD_VARIABLES, PASSWORD)
        made.manage("demo", "--scenario", DEMO_SANDBOX=made.sandbox.origin, **passwords)
        document = folder / "added.yaml"
        document.write_text(yaml.safe_dump(ADDED))
        made.manage("provision", str(document))
        site = Site(origin, made, *_provider_accounts(made))
        made.start("manage.py", "serve", "--port", str(port))
        made.wait_for("the site", lambda: _answers(origin))
        yield site


def _provider_accounts(made: Installation) -> tuple[dict[str, str], str]:
    """What Initech's administrators made at Microsoft and Google: an app and a service account."""
    domain, world = "initech.example", made.world
    app = {
        "tenant_id": guid("tenant", domain),
        "client_id": guid("client", domain),
        "client_secret": make_client_secret(),
    }
    tenant = world.add_microsoft_tenant(app["tenant_id"], domains=[domain])
    roles = ["Mail.Send", "Mail.Read", "Mail.ReadWrite"]
    world.add_microsoft_app(tenant, app["client_id"], client_secret=app["client_secret"], roles=roles)
    account = make_service_account("mailer@initech.iam.gserviceaccount.com")
    world.add_google_service_account(
        account.client_email,
        account.public_key,
        private_key_id=account.private_key_id,
        delegations={
            domain: [
                "https://mail.google.com/",
                *(f"https://www.googleapis.com/auth/gmail.{scope}" for scope in ("send", "modify")),
            ]
        },
    )
    for name in ("news", "bounces"):
        world.add_mailbox("microsoft", f"{name}@{domain}", f"Initech {name}")
    world.add_mailbox("google", f"letters@{domain}", "Initech letters")
    return app, account.json


def _answers(origin: str) -> bool:
    try:
        return requests.get(f"{origin}/healthz", timeout=2).ok
    except requests.RequestException:
        return False

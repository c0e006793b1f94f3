"""The demo's stage: what the sandbox holds before anything is sent."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from sandbox.control import SandboxControl
from sandbox.credentials import make_client_secret, make_service_account
from sandbox.ids import guid

GMAIL_SCOPES = [
    "https://www.googleapis.com/auth/gmail.send",
    "https://www.googleapis.com/auth/gmail.modify",
    "https://mail.google.com/",
]
ROLES = ["Mail.Send", "Mail.Read", "Mail.ReadWrite"]
MAILBOXES = (
    ("microsoft", "news@acme.example", "Acme Newsroom"),
    ("google", "letters@globex.example", "Globex Letters"),
    ("microsoft", "notices@platform.example", "Platform notices"),
    ("google", "bounces@platform.example", "Platform bounces"),
)
# What people answer to the campaigns; other addresses act by their names (unknown-user@, complaint@, …).
REPLIES = {
    "grace@receiver.example": "Please unsubscribe me, thank you.",
    "alan@receiver.example": "You have got the wrong person, I left that job.",
    "edsger@receiver.example": "Thank you, a good read!",
    "donald@receiver.example": "STOP",
    "tony@receiver.example": "Kindly take me off and never write again.",
}


def set_stage(control: SandboxControl, environment: MutableMapping[str, str]) -> None:
    """Seed the sandbox and put the credentials where the provisioning file looks for them."""
    tenants = [
        _tenant("acme.example", "ACME", environment),
        _tenant("platform.example", "SYSTEM", environment),
    ]
    accounts = [
        _account("globex.example", "GLOBEX", environment),
        _account("platform.example", "SYSTEM", environment),
    ]
    control.seed(
        {
            "microsoft_tenants": tenants,
            "google_service_accounts": accounts,
            "mailboxes": [
                {"provider": provider, "email": email, "display_name": name}
                for provider, email, name in MAILBOXES
            ],
            "replies": {address: {"text": text} for address, text in REPLIES.items()},
        }
    )


def _tenant(domain: str, name: str, environment: MutableMapping[str, str]) -> dict[str, Any]:
    tenant, client, secret = guid("tenant", domain), guid("client", domain), make_client_secret()
    environment[f"DEMO_{name}_TENANT"] = tenant
    environment[f"DEMO_{name}_CLIENT"] = client
    environment[f"DEMO_{name}_SECRET"] = secret
    apps = [{"client_id": client, "client_secret": secret, "roles": ROLES}]
    return {"id": tenant, "domains": [domain], "apps": apps}


def _account(domain: str, name: str, environment: MutableMapping[str, str]) -> dict[str, Any]:
    key = make_service_account(f"mailer@{name.lower()}-project.iam.gserviceaccount.com")
    environment[f"DEMO_{name}_ACCOUNT"] = key.json
    return {"service_account_json": json.dumps(json.loads(key.json)), "delegations": {domain: GMAIL_SCOPES}}

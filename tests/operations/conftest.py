"""A provisioning file of the tests' own, whose servers the sandbox knows."""

import json
from pathlib import Path

import pytest

from sandbox.credentials import make_service_account
from tests.sandboxing import MICROSOFT_CREDENTIALS

DOCUMENT = """
settings: {customer_keys_enabled: true}
groups:
  - {name: Standard, max_monitors: 5, allowed_server_types: [microsoft-graph-api, gmail-api]}
customers:
  - uid: acme
    name: Acme Ltd
    group: Standard
    timezone: Europe/Berlin
    users:
      - {email: owner@acme.example, password: "${OWNER_PASSWORD}", role: owner}
keys:
  - uid: key-ms
    customer: acme
    provider: microsoft
    name: Acme production
    expires_at: 2027-05-01
    credentials: {tenant_id: "${TENANT}", client_id: "${CLIENT}", client_secret: "${SECRET}"}
  - uid: key-google
    provider: google
    name: Shared Google
    credentials: {service_account_json: "${ACCOUNT}"}
delivery_servers:
  - {uid: ds-1, customer: acme, name: News, type: microsoft-graph-api, email: news@acme.example, key: key-ms,
     from_name: Acme News, hourly_quota: 1500, status: active, locked: true}
bounce_servers:
  - {uid: bs-1, customer: acme, name: Bounces, provider: microsoft, email: news@acme.example, key: key-ms}
lists:
  - uid: list-1
    customer: acme
    name: Customers
    subscribers:
      - {uid: sub-1, email: ada@receiver.example, status: confirmed, fields: {FNAME: Ada}}
  - {uid: list-2, customer: acme, name: Other contacts, subscribers: []}
campaign_groups:
  - {uid: grp-1, customer: acme, name: Weekly}
monitors:
  - uid: mon-1
    customer: acme
    name: Replies
    provider: google
    email: letters@acme.example
    key: key-google
    conditions:
      - {where: any, match: contains, value: "unsubscribe*", action: unsubscribe}
      - {match: contains, value: "wrong person", action: move_to_list, target_list: list-2}
      - {where: body, match: equals, value: "STOP", match_case: true, action: stop_campaign_group, target_group: grp-1}
campaigns:
  - uid: cmp-1
    customer: acme
    name: November news
    list: list-1
    group: grp-1
    delivery_servers: [ds-1]
    subject: "Hello [FNAME]"
    html: "<p>Hello [FNAME]. <a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p>"
    plain: "Hello [FNAME]. Unsubscribe: [UNSUBSCRIBE_URL]"
    status: draft
"""


@pytest.fixture
def world(db, sandbox_world):
    sandbox_world.add_mailbox("microsoft", "news@acme.example", "Acme News")
    sandbox_world.add_mailbox("google", "letters@acme.example", "Acme Letters")
    return sandbox_world


@pytest.fixture
def variables(monkeypatch) -> dict[str, str]:
    values = {
        "OWNER_PASSWORD": "a-long-enough-password",
        "TENANT": MICROSOFT_CREDENTIALS["tenant_id"],
        "CLIENT": MICROSOFT_CREDENTIALS["client_id"],
        "SECRET": MICROSOFT_CREDENTIALS["client_secret"],
        "ACCOUNT": json.dumps(json.loads(make_service_account().json)),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def document(tmp_path: Path, variables) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(DOCUMENT)
    return path

"""A world from one document: tenants, apps, service accounts, mailboxes, mail.

microsoft_tenants:
  - id: 00000000-0000-0000-0000-000000000001
    domains: [acme.example]
    external_recipients_per_day: null
    apps: [{client_id: …, client_secret: …, roles: [Mail.Send, Mail.ReadWrite]}]
google_service_accounts:
  - client_email: mailer@project.iam.gserviceaccount.com
    public_key: PEM            # or private_key, or the whole file as service_account_json
    delegations: {acme.example: ["https://mail.google.com/"]}
mailboxes:
  - {provider: microsoft, email: news@acme.example, display_name: Acme News, settings: {}}
messages:
  - {to: news@acme.example, raw: "From: …", folder: inbox}
replies: {ada@receiver.example: {text: "Please call me."}}
limits: {latency_ms: 5}
"""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.credentials import public_key_of
from sandbox.replies import Script
from sandbox.settings import Limits
from sandbox.world import World

_SECTIONS = frozenset(
    {"microsoft_tenants", "google_service_accounts", "mailboxes", "messages", "replies", "limits"}
)

Document = Mapping[str, Any]


def seed(world: World, document: Document) -> None:
    """Add everything in the document; raises ValueError for what it cannot use, and adds nothing then."""
    if unknown := sorted(set(document) - _SECTIONS):
        raise ValueError(f"Unknown sections {', '.join(unknown)}. Known: {', '.join(sorted(_SECTIONS))}.")
    with world.lock, world.all_or_nothing():
        try:
            _add(world, document)
        except KeyError as error:
            raise ValueError(f"The document lacks {error}, or names it without having it.") from None


def _add(world: World, document: Document) -> None:
    for tenant in document.get("microsoft_tenants", ()):
        _add_tenant(world, tenant)
    for account in document.get("google_service_accounts", ()):
        _add_service_account(world, account)
    for mailbox in document.get("mailboxes", ()):
        add_mailbox(world, mailbox)
    for address, script in document.get("replies", {}).items():
        world.scripts[address.lower()] = Script(**script)
    world.configure(**document.get("limits", {}))
    # Mail comes last, when every mailbox it goes to is known to be there.
    mail = [
        (message["raw"], world.mailbox(message["to"]), message) for message in document.get("messages", ())
    ]
    for raw, mailbox, message in mail:
        world.deliver(raw.encode(), mailbox.email, folder=message.get("folder", "inbox"))


def make_world(document: Document, limits: Limits | None = None) -> World:
    world = World(limits=limits)
    seed(world, document)
    return world


def _add_tenant(world: World, document: Document) -> None:
    tenant = world.add_microsoft_tenant(document["id"], domains=document.get("domains", ()))
    tenant.external_recipients_per_day = document.get("external_recipients_per_day")
    for app in document.get("apps", ()):
        details = {name: value for name, value in app.items() if name not in ("client_id", "mailboxes")}
        added = world.add_microsoft_app(tenant, app["client_id"], **details)
        if app.get("mailboxes") is not None:
            added.mailboxes = {address.lower() for address in app["mailboxes"]}


def _add_service_account(world: World, document: Document) -> None:
    details = dict(document)
    if "service_account_json" in details:
        key = json.loads(details.pop("service_account_json"))
        details |= {
            name: key[name] for name in ("client_email", "private_key", "private_key_id", "client_id")
        }
    if "private_key" in details:
        details["public_key"] = public_key_of(details.pop("private_key"))
    world.add_google_service_account(details.pop("client_email"), details.pop("public_key"), **details)


def add_mailbox(world: World, document: Document) -> None:
    """One entry of `mailboxes`; `send_as` names the verified identities of a Gmail mailbox."""
    details = dict(document)
    settings = details.pop("settings", {})
    send_as = details.pop("send_as", ())
    suspended = details.pop("suspended", False)
    mailbox = world.add_mailbox(
        details.pop("provider"),
        details.pop("email"),
        details.pop("display_name", ""),
        licensed=details.pop("licensed", True),
        tenant=details.pop("tenant", None),
        aliases=details.pop("aliases", ()),
        **settings,
    )
    if details:
        raise ValueError(f"A mailbox knows no {', '.join(sorted(details))}.")
    mailbox.suspended = suspended
    if hasattr(mailbox, "send_as"):
        mailbox.send_as |= {address.lower() for address in send_as}

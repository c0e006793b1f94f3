"""Applying a provisioning file: idempotent, all or nothing.

Statuses, locks and passwords apply on creation only, and no import ever raises a subscriber's status.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from accounts.models import Customer, CustomerGroup, SystemSettings, User, all_server_types
from accounts.switches import apply_settings
from audience.changes import Cause, subscribe
from audience.models import CampaignGroup, Change, MailingList, Subscriber
from bounces.models import BounceServer
from campaigns.checking import check_campaign
from campaigns.models import Campaign
from keys.keyinput import read_credentials, store_credentials
from keys.models import ApiKey
from mail.addresses import normalize_address
from monitors.conditions import Match, Where
from monitors.models import Action, Condition, Monitor
from operations.provisioning.document import Section
from operations.provisioning.tally import Tally
from providers.registry import PROVIDERS
from servers.models import DeliveryServer, Server

SERVER_STATUSES = [str(value) for value in Server.Status.values]
LIMITS = ("max_delivery_servers", "max_bounce_servers", "max_monitors")


class Provisioner:
    """One run over one document; the caller holds the transaction."""

    def __init__(self, document: Section, now: datetime) -> None:
        self.document = document
        self.now = now
        self.tally = Tally()
        self.to_connect: list[Server] = []
        self.cause = Cause(Change.Cause.PROVISIONING, text="provisioning file")

    def apply(self) -> None:
        """Everything in the file, in the order its parts refer to each other. Raises ProvisioningError."""
        document = self.document
        if settings := document.section("settings"):
            self._settings(settings)
        steps: tuple[tuple[str, str, Callable[[Section], None]], ...] = (
            ("groups", "group", self._group),
            ("customers", "customer", self._customer),
            ("keys", "key", self._key),
            ("delivery_servers", "delivery server", self._delivery_server),
            ("bounce_servers", "bounce server", self._bounce_server),
            ("lists", "list", self._list),
            ("campaign_groups", "campaign group", self._campaign_group),
            ("monitors", "monitor", self._monitor),
            ("campaigns", "campaign", self._campaign),
        )
        for name, what, take in steps:
            for section in document.sections(name, what):
                take(section)
                section.done()
        document.done()

    # --- Accounts

    def _settings(self, section: Section) -> None:
        stored = SystemSettings.load()
        before = _values(stored)
        for name in ("enabled", "customer_keys_enabled", "customer_blacklist_is_global"):
            setattr(stored, name, section.flag(name, getattr(stored, name)))
        for name in PROVIDERS:
            setattr(
                stored, f"{name}_enabled", section.flag(f"{name}_enabled", stored.is_provider_enabled(name))
            )
        for name in (f"default_{limit}" for limit in LIMITS):
            setattr(stored, name, section.number(name, getattr(stored, name), least=-1))
        section.done()
        self._clean(section, stored)
        apply_settings(stored)
        self.tally.count("Settings", created=False, changed=before != _values(stored))

    def _group(self, section: Section) -> None:
        group = CustomerGroup.objects.filter(name=section.text("name")).first()
        group, created = group or CustomerGroup(name=section.text("name")), group is None
        fields: dict[str, Any] = {limit: section.number(limit, least=-1) for limit in LIMITS}
        types = section.texts("allowed_server_types")
        fields["allowed_server_types"] = types if types is not None else all_server_types()
        self._save(section, "Groups", group, fields, created=created)

    def _customer(self, section: Section) -> None:
        customer, created = self._find(Customer, section)
        fields: dict[str, Any] = {"name": section.text("name"), "timezone": section.text("timezone", "UTC")}
        if group := section.text("group", ""):
            fields["group"] = CustomerGroup.objects.filter(name=group).first()
            if fields["group"] is None:
                section.fail(f"there is no customer group “{group}”.", "group")
        self._save(section, "Customers", customer, fields, created=created)
        for user in section.sections("users", "user"):
            self._user(user, customer)
            user.done()

    def _user(self, section: Section, customer: Customer) -> None:
        email, password = section.text("email"), section.text("password", "")
        role = section.choice("role", [str(value) for value in User.Role.values], User.Role.OWNER)
        user = User.objects.filter(email_key=normalize_address(email)).first()
        created = user is None
        if user is None:
            user = User(email=email, customer=customer)
            if not password:
                section.fail("a new user needs a “password”.")
            user.set_password(password)
        elif user.customer_id != customer.pk:
            section.fail(f"{email} belongs to somebody else already.", "email")
        self._save(section, "Users", user, {"role": role}, created=created, exclude={"email_key", "is_staff"})

    # --- Keys and servers

    def _key(self, section: Section) -> None:
        key, created = self._find(ApiKey, section)
        customer = self._owner(section, key, created)
        provider = section.choice("provider", list(PROVIDERS))
        if not created and key.provider != provider:
            section.fail("the provider of a key cannot change. Make a new key.", "provider")
        key.provider = provider
        typed = section.mapping("credentials")
        changed = created
        if typed or created:
            fields = (
                {"private_key": typed["service_account_json"]} if "service_account_json" in typed else typed
            )
            try:
                credentials = read_credentials(provider, fields)
            except ValidationError as error:
                section.fail(" ".join(error.messages), "credentials")
            if created or key.credentials != credentials:
                store_credentials(key, credentials)
                changed = True
        fields = {"name": section.text("name"), "expires_at": section.day("expires_at"), "customer": customer}
        self._save(section, "Keys", key, fields, created=created, changed=changed, exclude={"credentials"})

    def _delivery_server(self, section: Section) -> None:
        types = {kind.server_type: name for name, kind in PROVIDERS.items()}
        kind = section.choice("type", list(types))
        fields = {
            "type": kind,
            "from_name": section.text("from_name", ""),
            "hourly_quota": section.number("hourly_quota", 0),
            "daily_quota": section.number("daily_quota", 0),
        }
        self._server(section, DeliveryServer, "Delivery servers", types[kind], fields)

    def _bounce_server(self, section: Section) -> None:
        provider = section.choice("provider", list(PROVIDERS))
        fields = {"provider": provider, "delete_processed": section.flag("delete_processed", True)}
        self._server(section, BounceServer, "Bounce servers", provider, fields)

    def _monitor(self, section: Section) -> None:
        provider = section.choice("provider", list(PROVIDERS))
        fields = {
            "provider": provider,
            "delete_processed": section.flag("delete_processed", False),
            "identify_by": section.choice(
                "identify_by",
                [str(value) for value in Monitor.IdentifyBy.values],
                Monitor.IdentifyBy.UID_OR_EMAIL,
            ),
        }
        monitor = self._server(section, Monitor, "Monitors", provider, fields)
        self._conditions(section, monitor)

    def _server(
        self, section: Section, model: type[Server], kind: str, provider: str, fields: dict[str, Any]
    ) -> Any:
        server, created = self._find(model, section)
        customer = self._owner(section, server, created)
        key = ApiKey.objects.filter(uid=section.text("key")).first()
        if key is None or key.provider != provider or not key.may_serve(customer.pk if customer else None):
            section.fail(
                f"there is no {PROVIDERS[provider].label} key “{section.text('key')}” for this server "
                "(a system key, or one of the same customer).",
                "key",
            )
        status = section.choice("status", SERVER_STATUSES, Server.Status.ACTIVE)
        locked = section.flag("locked", False)
        if created:
            fields |= {"status": status, "locked": locked}
        fields |= {
            "name": section.text("name"),
            "email": section.text("email"),
            "api_key": key,
            "customer": customer,
        }
        before = (server.email, server.api_key_id) if not created else None
        self._save(section, kind, server, fields, created=created, exclude={"mailbox", "email_key"})
        if before != (server.email, server.api_key_id) or not server.is_connected:
            self.to_connect.append(server)
        return server

    def _conditions(self, section: Section, monitor: Monitor) -> None:
        wanted = []
        for position, part in enumerate(section.sections("conditions", f"{section.what}: condition")):
            wanted.append(self._condition(part, monitor, position))
            part.done()
        names = (
            "position",
            "where",
            "match",
            "value",
            "match_case",
            "action",
            "target_list_id",
            "target_group_id",
        )
        stored = list(monitor.conditions.values_list(*names))
        if stored != [tuple(getattr(condition, name) for name in names) for condition in wanted]:
            monitor.conditions.all().delete()
            Condition.objects.bulk_create(wanted)

    def _condition(self, section: Section, monitor: Monitor, position: int) -> Condition:
        condition = Condition(
            monitor=monitor,
            position=position,
            where=section.choice("where", [where.value for where in Where], Where.ANY.value),
            match=section.choice("match", [match.value for match in Match], Match.CONTAINS.value),
            value=section.text("value"),
            match_case=section.flag("match_case", False),
            action=section.choice("action", [str(value) for value in Action.values]),
            target_list=self._target(section, "target_list", MailingList, monitor),
            target_group=self._target(section, "target_group", CampaignGroup, monitor),
        )
        self._clean(section, condition)
        return condition

    def _target(self, section: Section, name: str, model: Any, monitor: Monitor) -> Any:
        uid = section.text(name, "")
        if not uid:
            return None
        if monitor.customer is None:
            section.fail("a monitor without a customer cannot use lists or groups.", name)
        found = model.objects.for_customer(monitor.customer).filter(models.Q(uid=uid) | models.Q(name=uid))
        if found.count() != 1:
            section.fail(f"the customer has no “{uid}” (or several of that name: use its uid).", name)
        return found.get()

    # --- Audience and campaigns

    def _list(self, section: Section) -> None:
        row, created = self._find(MailingList, section)
        customer = self._required_owner(section, row, created)
        self._save(
            section, "Lists", row, {"name": section.text("name"), "customer": customer}, created=created
        )
        for part in section.sections("subscribers", f"{section.what}: subscriber"):
            self._subscriber(part, row)
            part.done()

    def _subscriber(self, section: Section, mailing_list: MailingList) -> None:
        uid, email = section.text("uid", ""), section.text("email")
        status = section.choice(
            "status", [str(value) for value in Subscriber.Status.values], Subscriber.Status.CONFIRMED
        )
        owner = Subscriber.objects.filter(uid=uid).first() if uid else None
        if owner is not None and owner.list_id != mailing_list.pk:
            if owner.customer_id != mailing_list.customer_id:
                section.fail("this uid is taken. Choose another one.", "uid")
            self.tally.count("Subscribers", created=False, changed=False)  # moved on since: stays where it is
            return
        known = mailing_list.subscribers.filter(email_key=normalize_address(email)).exists()
        outcome = subscribe(
            mailing_list, email, section.mapping("fields"), status, self.cause, self.now, uid=uid
        )
        self.tally.count("Subscribers", created=not known, changed=outcome.changed)

    def _campaign_group(self, section: Section) -> None:
        row, created = self._find(CampaignGroup, section)
        customer = self._required_owner(section, row, created)
        self._save(
            section,
            "Campaign groups",
            row,
            {"name": section.text("name"), "customer": customer},
            created=created,
        )

    def _campaign(self, section: Section) -> None:
        campaign, created = self._find(Campaign, section)
        customer = self._required_owner(section, campaign, created)
        status = section.choice("status", ["draft", "ready", "paused"], Campaign.Status.DRAFT)
        fields: dict[str, Any] = {
            name: section.text(name, "") for name in ("from_name", "reply_to", "html", "plain")
        }
        fields |= {"name": section.text("name"), "subject": section.text("subject"), "customer": customer}
        fields["headers"] = {name: str(value) for name, value in section.mapping("headers").items()}
        fields["list"] = self._own(section, "list", MailingList, customer)
        fields["group"] = (
            self._own(section, "group", CampaignGroup, customer) if section.has("group") else None
        )
        uids = section.texts("delivery_servers", []) or []
        servers = list(DeliveryServer.objects.for_customer(customer).filter(uid__in=uids))
        if missing := sorted(set(uids) - {server.uid for server in servers}):
            section.fail(f"the customer has no delivery server {', '.join(missing)}.", "delivery_servers")
        if created:
            fields["status"] = status
        elif campaign.status not in {Campaign.Status.DRAFT, Campaign.Status.READY, Campaign.Status.PAUSED}:
            self.tally.count("Campaigns", created=False, changed=False)  # what was sent stays as it was sent
            return
        self._save(section, "Campaigns", campaign, fields, created=created)
        if set(campaign.delivery_servers.values_list("pk", flat=True)) != {server.pk for server in servers}:
            campaign.delivery_servers.set(servers)
        problems = check_campaign(campaign, servers)
        if problems and status != Campaign.Status.DRAFT:
            section.fail(" ".join(problem.text for problem in problems))

    def _own(self, section: Section, name: str, model: Any, customer: Customer) -> Any:
        uid = section.text(name)
        row = model.objects.for_customer(customer).filter(uid=uid).first()
        if row is None:
            section.fail(f"the customer has no “{uid}”.", name)
        return row

    # --- Shared steps

    def _find(self, model: Any, section: Section) -> tuple[Any, bool]:
        """The row with the section's uid, or a new one."""
        uid = section.text("uid")
        row = model.objects.filter(uid=uid).first()
        return (row, False) if row is not None else (model(uid=uid), True)

    def _owner(self, section: Section, row: Any, created: bool) -> Customer | None:
        uid = section.text("customer", "")
        customer = Customer.objects.filter(uid=uid).first() if uid else None
        if uid and customer is None:
            section.fail(f"there is no customer “{uid}”.", "customer")
        if not created and row.customer_id != (customer.pk if customer else None):
            section.fail("this uid belongs to another customer.", "uid")
        return customer

    def _required_owner(self, section: Section, row: Any, created: bool) -> Customer:
        customer = self._owner(section, row, created)
        if customer is None:
            section.fail("“customer” is required.")
        return customer

    def _save(
        self,
        section: Section,
        kind: str,
        row: models.Model,
        fields: dict[str, Any],
        *,
        created: bool,
        changed: bool = False,
        exclude: set[str] | None = None,
    ) -> None:
        before = None if created else _values(row)
        for name, value in fields.items():
            setattr(row, name, value)
        self._clean(section, row, exclude)
        changed = changed or created or before != _values(row)
        if changed:
            row.save()
        self.tally.count(kind, created=created, changed=changed)

    def _clean(self, section: Section, row: models.Model, exclude: set[str] | None = None) -> None:
        try:
            row.full_clean(exclude=exclude)
        except ValidationError as error:
            section.fail(" ".join(_sentences(error)))


def _values(row: models.Model) -> dict[str, Any]:
    return {field.attname: field.value_from_object(row) for field in row._meta.concrete_fields}


def _sentences(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return list(error.messages)
    return [
        text if name == "__all__" else f"{name}: {text}"
        for name, texts in error.message_dict.items()
        for text in texts
    ]


class _DryRun(Exception):
    """Raised at the end of a dry run to take everything back."""


def provision(document: Section, now: datetime, *, dry_run: bool = False) -> Provisioner:
    """Apply the whole document or nothing of it; the caller tests connections afterwards (`to_connect`)."""
    provisioner = Provisioner(document, now)
    try:
        with transaction.atomic():
            provisioner.apply()
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return provisioner

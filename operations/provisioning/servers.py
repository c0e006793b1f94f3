"""Provisioning keys, servers, and monitors with their conditions."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from audience.models import CampaignGroup, MailingList
from bounces.models import BounceServer
from keys.keyinput import read_credentials, store_credentials
from keys.models import ApiKey
from monitors.conditions import Match, Where
from monitors.models import Action, Condition, Monitor
from operations.provisioning.document import Section
from operations.provisioning.rows import Rows
from providers.registry import PROVIDERS
from servers.models import DeliveryServer, Server

SERVER_STATUSES = [str(value) for value in Server.Status.values]


class ServersPart(Rows):
    """Statuses and locks apply on creation only; a changed address or key is tested anew."""

    def _key(self, section: Section) -> None:
        key, created = self.find(ApiKey, section)
        customer = self.owner(section, key, created)
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
        self.save(section, "Keys", key, fields, created=created, changed=changed, exclude={"credentials"})

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
        fields = {"provider": provider, **_disposal(section, deletes=True)}
        self._server(section, BounceServer, "Bounce servers", provider, fields)

    def _monitor(self, section: Section) -> None:
        provider = section.choice("provider", list(PROVIDERS))
        fields = {
            "provider": provider,
            **_disposal(section, deletes=False),
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
        server, created = self.find(model, section)
        customer = self.owner(section, server, created)
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
        self.save(section, kind, server, fields, created=created, exclude={"mailbox", "email_key"})
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
        self.clean(section, condition)
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


def _disposal(section: Section, *, deletes: bool) -> dict[str, Any]:
    """What becomes of processed mail; `deletes` where the file does not say."""
    return {
        "delete_processed": section.flag("delete_processed", deletes),
        "processed_folder": section.text("processed_folder", ""),
    }

"""Provisioning settings, groups, customers and their users."""

from __future__ import annotations

from typing import Any

from accounts.models import Customer, CustomerGroup, SystemSettings, User, all_server_types
from accounts.switches import apply_settings
from mail.addresses import normalize_address
from operations.provisioning.document import Section
from operations.provisioning.rows import Rows, values_of
from providers.registry import PROVIDERS

LIMITS = ("max_delivery_servers", "max_bounce_servers", "max_monitors")


class AccountsPart(Rows):
    """Settings apply on every run; passwords on creation only."""

    def _settings(self, section: Section) -> None:
        stored = SystemSettings.load()
        before = values_of(stored)
        for name in ("enabled", "customer_keys_enabled", "customer_blacklist_is_global"):
            setattr(stored, name, section.flag(name, getattr(stored, name)))
        for name in PROVIDERS:
            setattr(
                stored, f"{name}_enabled", section.flag(f"{name}_enabled", stored.is_provider_enabled(name))
            )
        for name in (f"default_{limit}" for limit in LIMITS):
            setattr(stored, name, section.number(name, getattr(stored, name), least=-1))
        section.done()
        self.clean(section, stored)
        apply_settings(stored)
        self.tally.count("Settings", created=False, changed=before != values_of(stored))

    def _group(self, section: Section) -> None:
        group = CustomerGroup.objects.filter(name=section.text("name")).first()
        group, created = group or CustomerGroup(name=section.text("name")), group is None
        fields: dict[str, Any] = {limit: section.number(limit, least=-1) for limit in LIMITS}
        types = section.texts("allowed_server_types")
        fields["allowed_server_types"] = types if types is not None else all_server_types()
        self.save(section, "Groups", group, fields, created=created)

    def _customer(self, section: Section) -> None:
        customer, created = self.find(Customer, section)
        fields: dict[str, Any] = {"name": section.text("name"), "timezone": section.text("timezone", "UTC")}
        if group := section.text("group", ""):
            fields["group"] = CustomerGroup.objects.filter(name=group).first()
            if fields["group"] is None:
                section.fail(f"there is no customer group “{group}”.", "group")
        self.save(section, "Customers", customer, fields, created=created)
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
        self.save(section, "Users", user, {"role": role}, created=created, exclude={"email_key", "is_staff"})

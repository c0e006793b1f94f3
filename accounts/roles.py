"""The backend's roles as Django groups: support reads, an operator runs it, a superuser does all."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

SUPPORT = "Support"
OPERATOR = "Operator"

# What an operator writes; users, groups, settings and every log stay with superusers and the product itself.
OPERATED: dict[str, tuple[str, ...]] = {
    "accounts.customer": ("add", "change"),
    "keys.apikey": ("add", "change", "delete"),
    "servers.deliveryserver": ("add", "change", "delete"),
    "bounces.bounceserver": ("add", "change", "delete"),
    "monitors.monitor": ("add", "change", "delete"),
    "monitors.condition": ("add", "change", "delete"),
    "audience.mailinglist": ("add", "change"),
    "audience.subscriber": ("add", "change"),
    "audience.blacklistentry": ("add", "change", "delete"),
    "audience.campaigngroup": ("add", "change", "delete"),
    "audience.change": ("change",),
    "bounces.bounce": ("change",),
    "monitors.monitorhit": ("change",),
    "campaigns.campaign": ("add", "change"),
    "campaigns.delivery": ("change",),
    "mailboxes.mailbox": ("change",),
}
OUR_APPS = {key.partition(".")[0] for key in OPERATED} | {"operations", "axes"}


def grant_roles(sender: AppConfig, using: str = "default", **kwargs: Any) -> None:
    """Give both roles their rights over an app's models; runs after every migration and may be repeated."""
    rights = Permission.objects.using(using).filter(content_type__app_label=sender.label)
    if sender.label not in OUR_APPS or not rights.exists():
        return
    support = Group.objects.using(using).get_or_create(name=SUPPORT)[0]
    operator = Group.objects.using(using).get_or_create(name=OPERATOR)[0]
    view = rights.filter(codename__startswith="view_")
    support.permissions.add(*view)
    operator.permissions.add(*view, *_operated(rights, sender.label))


def _operated(rights: QuerySet[Permission], label: str) -> QuerySet[Permission]:
    wanted = Q(pk__in=[])
    for key, verbs in OPERATED.items():
        app, _, model = key.partition(".")
        if app == label:
            wanted |= Q(codename__in=[f"{verb}_{model}" for verb in verbs])
    return rights.filter(wanted)

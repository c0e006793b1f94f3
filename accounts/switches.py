"""Turning providers and the whole installation on and off."""

from __future__ import annotations

from django.db import transaction

from accounts.models import CustomerGroup, SystemSettings
from providers.registry import PROVIDERS

SWITCHED_OFF = (
    "API Connect is switched off: nothing is sent or read. A backend admin turns it on under "
    "API Connect → Settings → “API Connect”."
)
INACTIVE = "Your company's account is switched off. Please ask the platform's administrators."


@transaction.atomic
def set_provider_enabled(provider: str, enabled: bool) -> int:
    """Switch `provider` on or off; returns how many groups changed. Keys and tokens stay.

    On registers its server type with every group; off removes it from every group.
    """
    server_type = PROVIDERS[provider].server_type
    settings = SystemSettings.objects.select_for_update().get(pk=SystemSettings.load().pk)
    if settings.is_provider_enabled(provider) == enabled:
        return 0
    setattr(settings, f"{provider}_enabled", enabled)
    settings.save(update_fields=[f"{provider}_enabled"])
    changed = 0
    for group in CustomerGroup.objects.select_for_update():
        if (server_type in group.allowed_server_types) == enabled:
            continue
        types = [kind for kind in group.allowed_server_types if kind != server_type]
        group.allowed_server_types = [*types, server_type] if enabled else types
        group.save(update_fields=["allowed_server_types"])
        changed += 1
    return changed


def apply_settings(settings: SystemSettings) -> None:
    """Save edited settings; a provider switched over takes its server type along (`set_provider_enabled`)."""
    stored = SystemSettings.load()
    with transaction.atomic():
        for name in PROVIDERS:
            wanted = settings.is_provider_enabled(name)
            if wanted != stored.is_provider_enabled(name):
                set_provider_enabled(name, wanted)
        settings.save()

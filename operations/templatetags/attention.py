"""Template tags for what needs a customer's attention on every page."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone

from accounts.models import SystemSettings, User
from keys.expiring import banner_text
from keys.models import ApiKey
from pages.features import API_KEYS

register = template.Library()


@register.simple_tag(takes_context=True)
def expiry_banner(context: dict[str, Any]) -> dict[str, str]:
    """For a customer's owners: which of their keys end within two weeks, and where they put a new secret in."""
    user = context["request"].user
    if not isinstance(user, User) or user.customer is None or not user.is_owner:
        return {}
    text = banner_text(ApiKey.objects.for_customer(user.customer), timezone.localdate())
    if not text:
        return {}
    may_change = API_KEYS.is_on(user.customer, SystemSettings.load())
    return {"text": text, "url": reverse("api-keys") if may_change else ""}

"""Template tags of the portal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from pages import icons, rendering

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    return icons.icon(name)


@register.filter
def moment(at: datetime | None) -> SafeString:
    return rendering.moment(at)


@register.filter
def shown(value: Any) -> Any:
    return rendering.show(value)


@register.filter
def number(count: int) -> str:
    """A count with its thousands set apart, as every page writes it."""
    return f"{count:,}"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not hasattr(field.field, "choices")


@register.simple_tag(takes_context=True)
def link_to(context: dict[str, Any], page: str = "", pk: int | None = None) -> str:
    """The URL of a page of the section at hand."""
    url: str = context["section"].url(page, pk)
    return url

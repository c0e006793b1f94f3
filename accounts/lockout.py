"""Which name a failed sign-in is counted under (django-axes), on both faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from mail.addresses import normalize_address


def counted_name(request: HttpRequest | None, credentials: Mapping[str, Any] | None = None) -> str:
    """The normalised address that was typed: spelling it otherwise gives no new tries."""
    # Django calls it username; axes itself goes by the model's own field.
    given = {str(name): value for name, value in (credentials or {}).items()}
    typed = given.get("username") or given.get("email") or (request.POST.get("username") if request else "")
    return normalize_address(str(typed or ""))

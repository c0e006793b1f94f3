"""The cycle's token phase: renew what expires soon, one request per distinct key and mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keys.models import ApiKey, Token
from keys.tokens import group_of, refuse_open_circuit, renew
from providers.errors import ProviderError
from providers.registry import PROVIDERS


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one group of tokens: how many rows got the fresh token, or why none did."""

    email: str
    rows: int = 0
    error: str = ""
    code: str = ""


def due_groups(now: datetime, enabled_providers: set[str]) -> list[int]:
    """One token row (its number) for each group that needs a request."""
    due = (
        Token.objects.due(now)
        .filter(provider__in=enabled_providers, access_token__isnull=False)
        .exclude(api_key__status=ApiKey.Status.DISABLED)
        .order_by("pk")
    )
    first: dict[tuple[int, str], int] = {}
    for pk, key_id, provider, email_key in due.values_list("pk", "api_key_id", "provider", "email_key"):
        group = (key_id, "" if PROVIDERS[provider].token_serves_key else email_key)
        first.setdefault(group, pk)
    return list(first.values())


def refresh_group(token_pk: int, now: datetime) -> Refreshed:
    """Renew one group. A provider's trouble is recorded and reported, never raised."""
    token = Token.objects.select_related("api_key").get(pk=token_pk)
    try:
        refuse_open_circuit(token.api_key, now)
        renew(token, now, known=token.value)
    except ProviderError as error:
        return Refreshed(token.email, error=error.message, code=error.code)
    return Refreshed(token.email, rows=group_of(token).valid(now).count())

"""Using tokens: stored ones while they hold, renewed ones under single flight, a 401 once.

One request serves many callers: the first row of a token's group (same key, and same mailbox unless one
token serves the whole key) is claimed by a conditional UPDATE on the database's clock, everybody else waits
for what the claimer stores. Rows of another key are another group: naming an address yields nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from keys.clients import client_for
from keys.models import RENEW_BEFORE, ApiKey, Token, TokenQuerySet
from mail.addresses import normalize_address
from providers.base import MailProvider
from providers.errors import CredentialRefused, ProviderError, TemporaryError, TokenRefused, Unavailable
from providers.messages import AccessToken
from providers.registry import PROVIDERS

logger = structlog.get_logger(__name__)
T = TypeVar("T")

# A renewal is one short request with few repeats; a claimer that died frees the group after this long.
CLAIM_SECONDS = 90
WAIT_SECONDS = 25
POLL_SECONDS = 0.2
# The newest tokens of a group; a key's thousand mailboxes share one value anyway.
CANDIDATES = 20
# A refused key is left alone this long, unless somebody verifies it.
CIRCUIT_OPEN = timedelta(hours=1)


def access(
    *, customer_id: int | None, email: str, api_key: ApiKey, now: datetime, fresh: bool = False
) -> AccessToken:
    """The mailbox's access token, renewed when less than ten minutes are left (always with `fresh`).

    Raises ProviderError; a refusal is recorded on the token, and on the key when the key is at fault.
    """
    token = row_for(customer_id=customer_id, email=email, api_key=api_key)
    if not fresh and token.status == Token.Status.ACTIVE and not token.is_due(now):
        return token.as_access()
    refuse_open_circuit(api_key, now)
    try:
        return renew(token, now, known=token.value if fresh else None)
    except TemporaryError:
        if not fresh and token.is_valid(now):
            return token.as_access()
        raise


def with_access(
    *,
    customer_id: int | None,
    email: str,
    api_key: ApiKey,
    now: datetime,
    call: Callable[[MailProvider, AccessToken], T],
) -> T:
    """`call` with the key's client and the mailbox's token; a 401 renews once and calls again.

    A 401 means that nothing was accepted, so this is safe for submissions too.
    """
    client = client_for(api_key)
    token = access(customer_id=customer_id, email=email, api_key=api_key, now=now)
    try:
        return call(client, token)
    except TokenRefused:
        logger.info("token was refused, renewing once", email=email)
        return call(
            client, access(customer_id=customer_id, email=email, api_key=api_key, now=now, fresh=True)
        )


def row_for(*, customer_id: int | None, email: str, api_key: ApiKey) -> Token:
    """The token row of this customer and mailbox; a change of key empties it."""
    mailbox: dict[str, Any] = {
        "customer_id": customer_id,
        "email_key": normalize_address(email),
        "provider": api_key.provider,
    }
    made_of = {"email": email.strip(), "api_key": api_key}
    token, created = Token.objects.get_or_create(**mailbox, defaults=made_of)
    if not created and token.api_key_id != api_key.pk:
        token.take_key(api_key)
        token.save()
    return token


def refuse_open_circuit(api_key: ApiKey, now: datetime) -> None:
    """Raise CredentialRefused for a key that is switched off, or was refused within the last hour."""
    if api_key.status == ApiKey.Status.DISABLED:
        raise CredentialRefused(
            f"The API key “{api_key.name}” is disabled. Enable it under Manage API Keys.", code="key-disabled"
        )
    refused_at = api_key.refused_at
    if api_key.status == ApiKey.Status.FAILING and refused_at and now < refused_at + CIRCUIT_OPEN:
        raise CredentialRefused(api_key.last_error, code=api_key.last_error_code)


def group_of(token: Token) -> TokenQuerySet:
    """The rows that one fresh token serves."""
    rows = Token.objects.filter(api_key_id=token.api_key_id)
    if PROVIDERS[token.provider].token_serves_key:
        return rows
    return rows.filter(email_key=token.email_key)


def renew(token: Token, now: datetime, *, known: str | None = None) -> AccessToken:
    """A token other than `known`, asked for once however many want it. Raises ProviderError."""
    leader_pk = group_of(token).order_by("pk").values_list("pk", flat=True).first()
    if leader_pk is None:
        raise Unavailable("The token went over to another key meanwhile; it is tried again.")
    give_up_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up_at:
        if _claim(leader_pk):
            try:
                return _adopt(token, now, known) or _request(token, now)
            finally:
                Token.objects.filter(pk=leader_pk).update(renewing_until=None)
        time.sleep(POLL_SECONDS)
        if adopted := _adopt(token, now, known):
            return adopted
    raise Unavailable("Another worker has been renewing this token for too long; it is tried again.")


def _claim(leader_pk: int) -> bool:
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lte=Now())
    row = Token.objects.filter(free, pk=leader_pk)
    return row.update(renewing_until=Now() + timedelta(seconds=CLAIM_SECONDS)) == 1


def _adopt(token: Token, now: datetime, known: str | None) -> AccessToken | None:
    """What somebody else of the group has renewed meanwhile."""
    fresh = group_of(token).filter(status=Token.Status.ACTIVE, expires_at__gt=now + RENEW_BEFORE)
    for row in fresh.order_by("-expires_at")[:CANDIDATES]:
        if row.value is None or row.value == known or not _covers(row, token):
            continue
        _store(Token.objects.filter(pk=token.pk), row.as_access(), now)
        return row.as_access(token.email)
    return None


def _covers(row: Token, token: Token) -> bool:
    """Scopes are part of a Google token; a token of fewer scopes is no help."""
    return PROVIDERS[token.provider].token_serves_key or set(token.scopes) == set(row.scopes)


def _request(token: Token, now: datetime) -> AccessToken:
    scopes = frozenset(token.scopes) or None
    try:
        fresh = client_for(token.api_key).acquire_token(token.email, scopes)
    except ProviderError as error:
        record_failure(token, error, now)
        raise
    with transaction.atomic():
        rows = group_of(token)
        if not PROVIDERS[token.provider].token_serves_key:
            rows = rows.filter(pk__in=[row.pk for row in rows if _covers(row, token)])
        _store(rows, fresh, now)
        token.api_key.record_success(now)
    return fresh


def _store(rows: TokenQuerySet, fresh: AccessToken, now: datetime) -> None:
    rows.update(
        access_token=fresh.value,
        expires_at=fresh.expires_at,
        refreshed_at=now,
        status=Token.Status.ACTIVE,
        last_error="",
        last_error_code="",
    )


def record_failure(token: Token, error: ProviderError, now: datetime) -> None:
    """A refusal that will not heal by itself is written where people look: token, and key if at fault."""
    logger.warning("token request failed", email=token.email, code=error.code, request_id=error.request_id)
    if isinstance(error, TemporaryError):
        return
    group_of(token).update(status=Token.Status.FAILING, last_error=error.message, last_error_code=error.code)
    if isinstance(error, CredentialRefused):
        token.api_key.record_refusal(error.message, error.code, now)

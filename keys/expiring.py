"""Warning people before an API key's secret ends: by mail, once for each step, and by a banner.

A warning's row is claimed and committed before its mails go out, and each recipient is noted after theirs
(promise: none is lost; a crash between the two repeats one mail to one person).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import SystemSettings, User
from keys.models import ApiKey, ApiKeyQuerySet, ExpiryWarning
from keys.tables import servers_of
from pages.features import API_KEYS
from providers.registry import PROVIDERS

logger = structlog.get_logger(__name__)

ENDED = -1
STEPS = (ENDED, 1, 3, 7, 14, 30, 60)
BANNER_BEFORE = timedelta(days=14)
BANNER_NAMES, BANNER_COUNTS = 3, 100
# One tick mails about this many keys; the rest follow a minute later.
MOST_AT_ONCE = 20
# Longer than the mails of one key take, so that two ticks never send the same.
CLAIM_LASTS = timedelta(minutes=10)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
SERVERS_NAMED = 30


def warn_of_expiring_keys(now: datetime) -> int:
    """Mail every warning that is due; how many keys were warned of. Goes out with the master switch off too.

    A mail that fails is logged and tried again from the next tick on, at growing intervals.
    """
    return sum(_warn(key, now) for key in due(now)[:MOST_AT_ONCE])


def due(now: datetime) -> QuerySet[Any]:
    """Keys with a warning to send now, annotated with its `step`: the current one, never a past one."""
    today = timezone.localdate(now)
    ends = [When(expires_at__lte=today + timedelta(days=step), then=Value(step)) for step in STEPS]
    settled = ExpiryWarning.objects.filter(
        Q(sent_at__isnull=False) | Q(next_try_at__gt=now),
        api_key=OuterRef("pk"),
        expires_at=OuterRef("expires_at"),
        step=OuterRef("step"),
    )
    keys = ApiKey.objects.ending_by(today + timedelta(days=STEPS[-1])).defer("credentials")
    stepped = keys.annotate(step=Case(*ends, output_field=IntegerField()))
    return stepped.filter(~Exists(settled)).select_related("customer")


def countdown(ends_on: date, today: date) -> str:
    """When a secret ends, as the rest of a sentence: “ends in 3 days”."""
    days = (ends_on - today).days
    if days < 0:
        return "has ended"
    return "ends today" if days == 0 else f"ends in {days} day{'' if days == 1 else 's'}"


def banner_text(keys: ApiKeyQuerySet, today: date) -> str:
    """A sentence for a banner about those of `keys` that end within two weeks; empty where none does."""
    ending = keys.ending_by(today + BANNER_BEFORE).values_list("name", "expires_at")
    names = [f"“{name}” {countdown(ends_on, today)}" for name, ends_on in ending[:BANNER_COUNTS] if ends_on]
    if not names:
        return ""
    more = f" and {len(names) - BANNER_NAMES} more" if len(names) > BANNER_NAMES else ""
    shown = ", ".join(names[:BANNER_NAMES])
    return f"Secret of API key {shown}{more}."


def _warn(key: Any, now: datetime) -> bool:
    warning = _claim(key, now)
    if warning is None:
        return False
    is_done = True
    for user in recipients(key):
        if user.email in warning.told:
            continue
        if _mail(key, user, now):
            warning.told.append(user.email)
            warning.save(update_fields=["told"])
        else:
            is_done = False
    if is_done:
        ExpiryWarning.objects.filter(pk=warning.pk).update(sent_at=now)
    else:
        wait = min(FIRST_WAIT * 2 ** min(warning.tries - 1, 10), LONGEST_WAIT)
        ExpiryWarning.objects.filter(pk=warning.pk).update(next_try_at=now + wait)
    return is_done


def _claim(key: Any, now: datetime) -> ExpiryWarning | None:
    """The warning's row for this try, or None where another tick has it."""
    row, _ = ExpiryWarning.objects.get_or_create(
        api_key=key, expires_at=key.expires_at, step=key.step, defaults={"next_try_at": now}
    )
    free = ExpiryWarning.objects.filter(pk=row.pk, sent_at__isnull=True, next_try_at__lte=now)
    if not free.update(tries=F("tries") + 1, next_try_at=now + CLAIM_LASTS):
        return None
    row.refresh_from_db()
    return row


def recipients(key: ApiKey) -> Iterator[User]:
    """The backend's active superusers; for a customer's key also the owners who can put a new secret in."""
    active = User.objects.filter(is_active=True)
    yield from active.filter(is_superuser=True).order_by("pk")
    if key.customer is not None and key.customer.is_active:
        yield from active.filter(customer=key.customer, role=User.Role.OWNER).order_by("pk")


def _mail(key: ApiKey, user: User, now: datetime) -> bool:
    """Whether the mail was accepted. Any trouble of the mail's way is logged, and tried again later."""
    context = _context(key, user, now)
    subject = " ".join(render_to_string("keys/expiry_mail_subject.txt", context).split())
    try:
        send_mail(subject, render_to_string("keys/expiry_mail.txt", context), None, [user.email])
    except Exception as error:  # whatever EMAIL_BACKEND is, its trouble is no reason to stop the tick
        logger.warning("expiry warning not sent", key=key.name, reason=str(error))
        return False
    return True


def _context(key: ApiKey, user: User, now: datetime) -> dict[str, Any]:
    assert key.expires_at is not None  # or it would not be due
    servers = servers_of(key)
    return {
        "key": key,
        "user": user,
        "ends": countdown(key.expires_at, timezone.localdate(now)),
        "servers": [_named(server) for server in servers[:SERVERS_NAMED]],
        "more": max(0, len(servers) - SERVERS_NAMED),
        "steps": PROVIDERS[key.provider].renewal_steps,
        "url": _form_of(key, user),
    }


def _named(server: Any) -> str:
    state = server.get_status_display().lower()
    return f"{server._meta.verbose_name} “{server}” <{server.email}>, {state}"


def _form_of(key: ApiKey, user: User) -> str:
    """Where `user` puts the new secret in; empty for a customer whose keys only the platform changes."""
    if user.customer is None:
        return f"{settings.SITE_URL}{reverse('admin:keys_apikey_change', args=[key.pk])}"
    if API_KEYS.is_on(user.customer, SystemSettings.load()):
        return f"{settings.SITE_URL}{reverse('api-keys-edit', args=[key.pk])}"
    return ""

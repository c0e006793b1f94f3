"""The list of API keys."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from keys.models import ApiKey
from keys.removing import remove_key
from pages.badges import Badge, Tone
from pages.tables import Action, Empty, Table

USERS = ("deliveryservers", "bounceservers", "monitors")


@display(description="Status", ordering="status")
def key_status(key: ApiKey) -> Badge:
    tones = {ApiKey.Status.ACTIVE: Tone.GOOD, ApiKey.Status.FAILING: Tone.BAD}
    return Badge(
        key.get_status_display(), tones.get(ApiKey.Status(key.status), Tone.QUIET), title=key.last_error
    )


@display(description="Expires", ordering="expires_at")
def key_expiry(key: ApiKey) -> Badge | str:
    """A countdown: red in the last week and after, amber in the last month."""
    if key.expires_at is None:
        return ""
    days = (key.expires_at - timezone.localdate()).days
    title = f"Ends on {key.expires_at:%d %B %Y}"
    if days < 0:
        return Badge("Expired", Tone.BAD, title=title)
    tone = Tone.BAD if days <= 7 else Tone.WARNING if days <= 30 else Tone.QUIET
    return Badge(f"{days} day{'' if days == 1 else 's'}", tone, "clock", title)


@display(description="Last worked", ordering="last_ok_at")
def key_worked(key: ApiKey) -> Any:
    return key.last_ok_at


@display(description="Used by")
def key_use(key: Any) -> str:
    """How many servers use the key (`with_use` counted them)."""
    count = sum(getattr(key, f"{name}_count") for name in USERS)
    return f"{count} server{'' if count == 1 else 's'}"


def with_use(keys: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate how many servers of each kind use a key, counted per key and not by joining."""
    for name in USERS:
        model: Any = ApiKey._meta.get_field(name).related_model
        counts = model.objects.filter(api_key=OuterRef("pk")).order_by().values("api_key")
        counted = Subquery(counts.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
        keys = keys.annotate(**{f"{name}_count": Coalesce(counted, 0)})
    return keys


def servers_of(key: ApiKey) -> list[Any]:
    """Every server that runs on the key."""
    return [server for name in USERS for server in getattr(key, name).all()]


def servers_that_stop(keys: QuerySet[Any]) -> list[str]:
    """The servers that use these keys."""
    found = []
    for key in keys[:50]:
        for name in USERS:
            found += [f"“{server}” runs on “{key.name}”." for server in getattr(key, name).all()[:10]]
    return found[:20]


def servers_on(key: ApiKey) -> list[tuple[str, Any]]:
    """Everything that runs on the key, with the URL name of its page."""
    pages = ("delivery-servers-edit", "bounce-servers-edit", "monitors-edit")
    return [
        (page, server)
        for page, name in zip(pages, USERS, strict=True)
        for server in getattr(key, name).all()[:50]
    ]


def enable(keys: QuerySet[Any]) -> int:
    return keys.filter(status=ApiKey.Status.DISABLED).update(status=ApiKey.Status.ACTIVE)


def disable(keys: QuerySet[Any]) -> int:
    return keys.update(status=ApiKey.Status.DISABLED)


def delete(keys: QuerySet[Any]) -> int:
    rows = list(keys)
    for key in rows:
        remove_key(key)
    return len(rows)


API_KEYS = Table(
    columns=("name", "provider", "identity", key_use, key_expiry, key_worked, key_status),
    search=("name__icontains", "identity__icontains"),
    search_hint="Name or client ID",
    filters=("provider", "status"),
    actions=(
        Action(enable, "Enable", icon="play"),
        Action(disable, "Disable", icon="pause", consequences=servers_that_stop),
        Action(delete, "Delete", icon="trash", is_danger=True, consequences=servers_that_stop),
    ),
    order_by=("name", "pk"),
    prefetch=with_use,
    empty=Empty(
        "No API keys yet",
        "A key holds the credentials of your own Microsoft 365 or Google Workspace; servers run on it.",
    ),
)

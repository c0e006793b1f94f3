"""The portal's sidebar: which entries exist, in which order, and who sees them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.models import SystemSettings, User
from pages.features import API_KEYS, BOUNCE_SERVERS, DELIVERY_SERVERS, MONITORS, Feature


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the sidebar; `feature` hides it where the customer may not use it."""

    label: str
    url_name: str
    icon: str
    feature: Feature | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as one request shows it."""

    label: str
    url: str
    icon: str
    current: bool


NAVIGATION: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("", (Entry("Dashboard", "dashboard", "home"),)),
    (
        "Servers",
        (
            Entry("Delivery servers", "delivery-servers", "send", DELIVERY_SERVERS),
            Entry("API monitors", "monitors", "eye", MONITORS),
            Entry("API bounce servers", "bounce-servers", "return", BOUNCE_SERVERS),
            Entry("API keys", "api-keys", "key", API_KEYS),
        ),
    ),
    (
        "Audience",
        (
            Entry("Mailing lists", "lists", "list"),
            Entry("Subscribers", "subscribers", "users"),
            Entry("Blacklist", "blacklist", "ban"),
        ),
    ),
    (
        "Campaigns",
        (
            Entry("Campaigns", "campaigns", "megaphone"),
            Entry("Campaign groups", "campaign-groups", "folder"),
        ),
    ),
    (
        "Logs",
        (
            Entry("Deliveries", "deliveries", "outbox"),
            Entry("Bounces", "bounces", "alert"),
            Entry("Monitor hits", "monitor-hits", "zap"),
            Entry("Mailboxes", "mailboxes", "inbox"),
            Entry("Journal", "journal", "history"),
        ),
    ),
    (
        "Account",
        (
            Entry("Team", "team", "team"),
            Entry("Activity", "activity", "shield"),
            Entry("Help", "help", "help"),
        ),
    ),
)


def navigation_for(request: HttpRequest, user: User, system: SystemSettings) -> list[tuple[str, list[Link]]]:
    """The groups of links that `user` may follow; empty groups are left out."""
    assert user.customer is not None
    groups = []
    for title, entries in NAVIGATION:
        links = [
            Link(entry.label, url, entry.icon, _is_current(request.path, url))
            for entry in entries
            if (entry.feature is None or entry.feature.is_on(user.customer, system))
            and (url := _url(entry.url_name))
        ]
        if links:
            groups.append((title, links))
    return groups


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _is_current(path: str, url: str) -> bool:
    return path == url if url == "/" else path.startswith(url)

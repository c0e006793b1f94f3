"""What is wrong with a campaign, found when it is saved and not when it is sent; each in words, with the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from accounts.models import SystemSettings
from campaigns.models import Campaign
from mail.composing import validate_headers
from mail.tags import find_tags, unknown_tags
from providers.base import MailProvider
from providers.registry import PROVIDERS
from servers.models import DeliveryServer

TEXT_FIELDS = ("subject", "from_name", "html", "plain")
UNSUBSCRIBE_TAG = "UNSUBSCRIBE_URL"
# Base64 makes three bytes four, and wraps its lines.
ENCODED_GROWTH = 1.4


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right: the form field it belongs to, and a sentence with cause and fix."""

    field: str
    text: str


def check_campaign(campaign: Campaign, servers: Sequence[DeliveryServer]) -> list[Problem]:
    """All problems of a campaign that is to be sent through `servers`; an empty list means it may go out.

    The campaign need not be saved, except that attachments are read from its rows.
    """
    checks: tuple[Callable[[Campaign, Sequence[DeliveryServer]], Iterable[Problem]], ...] = (
        _check_texts,
        _check_tags,
        _check_list,
        _check_servers,
        _check_headers,
        _check_size,
    )
    return [problem for check in checks for problem in check(campaign, servers)]


def _check_texts(campaign: Campaign, _servers: Sequence[DeliveryServer]) -> Iterable[Problem]:
    if not campaign.subject.strip():
        yield Problem("subject", "The subject is empty. Write one.")
    if not campaign.html.strip() and not campaign.plain.strip():
        yield Problem("html", "The message has no text. Write its HTML or its plain text.")
        return
    for field in ("html", "plain"):
        text = getattr(campaign, field)
        if text.strip() and UNSUBSCRIBE_TAG not in find_tags(text):
            yield Problem(field, f"There is no unsubscribe link. Put [{UNSUBSCRIBE_TAG}] into the text.")


def _check_tags(campaign: Campaign, _servers: Sequence[DeliveryServer]) -> Iterable[Problem]:
    known: set[str] = set()
    for field in TEXT_FIELDS:
        for tag in unknown_tags(getattr(campaign, field), known):
            if campaign.list_id and _is_field(campaign, tag):
                known.add(tag)
                continue
            yield Problem(
                field,
                f"“[{tag}]” would not be filled: no subscriber of the list has such a field. "
                "Correct the tag, or give the subscribers the field; a default stands behind a bar, "
                "as in [FNAME|there].",
            )


def _is_field(campaign: Campaign, tag: str) -> bool:
    return campaign.list.subscribers.filter(fields__has_any_keys=[tag, tag.lower()]).exists()


def _check_list(campaign: Campaign, _servers: Sequence[DeliveryServer]) -> Iterable[Problem]:
    if not campaign.list_id:
        yield Problem("list", "Choose a mailing list.")
    elif campaign.list.customer_id != campaign.customer_id:
        yield Problem("list", "The mailing list belongs to another customer. Choose one of this customer's.")
    elif not campaign.list.subscribers.confirmed().exists():
        yield Problem(
            "list",
            f"“{campaign.list.name}” has no confirmed subscriber. Add subscribers or choose another list.",
        )
    if campaign.group and campaign.group.customer_id != campaign.customer_id:
        yield Problem(
            "group", "The campaign group belongs to another customer. Choose one of this customer's."
        )


def _check_servers(campaign: Campaign, servers: Sequence[DeliveryServer]) -> Iterable[Problem]:
    if not servers:
        yield Problem("delivery_servers", "Choose at least one delivery server.")
    settings = SystemSettings.load()
    for server in servers:
        if server.customer_id != campaign.customer_id:
            # Its name is another's business, too.
            text = "A delivery server belongs to another customer. Choose this customer's servers only."
            yield Problem("delivery_servers", text)
        elif not settings.is_provider_enabled(server.provider):
            yield Problem(
                "delivery_servers",
                f"“{server.name}” sends through {server.provider_label}, which is switched off. Choose another "
                "server, or have a backend admin enable it in the settings.",
            )


def _check_headers(campaign: Campaign, servers: Sequence[DeliveryServer]) -> Iterable[Problem]:
    limit, strictest = _header_limit(servers)
    for text in validate_headers(campaign.headers, limit):
        through = f" ({strictest.label} allows {limit})" if strictest and "at most" in text else ""
        yield Problem("headers", f"{text}{through}")


def _header_limit(servers: Sequence[DeliveryServer]) -> tuple[int | None, type[MailProvider] | None]:
    """The smallest number of own headers that any of the servers' providers carries."""
    limited = [kind for kind in _providers(servers) if kind.limits.custom_headers is not None]
    if not limited:
        return None, None
    strictest = min(limited, key=lambda kind: kind.limits.custom_headers or 0)
    return strictest.limits.custom_headers, strictest


def _check_size(campaign: Campaign, servers: Sequence[DeliveryServer]) -> Iterable[Problem]:
    if campaign.pk is None or not servers:
        return
    sizes = [len(attachment.content) for attachment in campaign.attachments.all()]
    encoded = int(ENCODED_GROWTH * (sum(sizes) + len(campaign.html.encode()) + len(campaign.plain.encode())))
    smallest = min(_providers(servers), key=lambda kind: kind.limits.message_bytes)
    if encoded > smallest.limits.message_bytes:
        yield Problem(
            "attachments",
            f"With its attachments a message has about {encoded / 1e6:.0f} MB; {smallest.label} takes "
            f"{smallest.limits.message_bytes / 1e6:.0f} MB. Use smaller files, or link to them.",
        )


def _providers(servers: Sequence[DeliveryServer]) -> list[type[MailProvider]]:
    return [PROVIDERS[name] for name in sorted({server.provider for server in servers})]

"""The links of a message that lead back to us: unsubscribing and tracking. None of them can be guessed."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.core import signing
from django.urls import reverse

from campaigns.models import Campaign, TrackedLink
from mail import links

# A link's own tag: the subscriber's uid as it stands in a URL, filled in for each message.
LINK_UID_TAG = "LINK_UID"
_MAX_URL = 2000
_signer = signing.Signer(salt="campaigns.unsubscribe")


def unsubscribe_url(subscriber_id: int, campaign_id: int) -> str:
    """The subscriber's own unsubscribe address; signed, so it outlives the delivery log."""
    ticket = _signer.sign(f"{subscriber_id}-{campaign_id}")
    return f"{settings.SITE_URL}{reverse('unsubscribe', args=[ticket])}"


def read_ticket(ticket: str) -> tuple[int, int] | None:
    """Subscriber and campaign of an unsubscribe address, or None when it is not one of ours."""
    try:
        subscriber, _, campaign = _signer.unsign(ticket).partition("-")
        return int(subscriber), int(campaign)
    except (signing.BadSignature, ValueError):
        return None


def track(campaign: Campaign, html: str, plain: str) -> tuple[str, str]:
    """Both texts with their links led through our redirect. Links that hold tags stay as they are."""
    found = {*links.find_links(html), *links.find_text_links(plain)}
    codes = _codes(campaign, [url for url in found if _can_track(url)])

    def make_url(url: str) -> str:
        return _tracked_url(codes[url]) if url in codes else url

    return links.rewrite(html, make_url), links.rewrite_text(plain, make_url)


def find_subscriber_uid(text: str) -> str:
    """The subscriber's uid in the first tracked link of `text` (a reply that quotes us), or ""."""
    for url in [*links.find_text_links(text), *links.find_links(text)]:
        if uid := _uid_of(url):
            return uid
    return ""


def _uid_of(url: str) -> str:
    prefix = f"{settings.SITE_URL}{reverse('tracked-link', args=['CODE', 'UID']).partition('CODE')[0]}"
    if not url.startswith(prefix):
        return ""
    _code, _, rest = url[len(prefix) :].partition("/")
    return unquote(urlsplit(rest).path.strip("/"))


def _can_track(url: str) -> bool:
    return len(url) <= _MAX_URL and "[" not in url and not url.startswith(f"{settings.SITE_URL}/")


def _tracked_url(code: str) -> str:
    path = reverse("tracked-link", args=[code, LINK_UID_TAG])
    return f"{settings.SITE_URL}{path.replace(LINK_UID_TAG, f'[{LINK_UID_TAG}]')}"


def _codes(campaign: Campaign, urls: list[str]) -> dict[str, str]:
    """The code of each link; those that are new get one, however many workers ask at once."""
    known = dict(TrackedLink.objects.filter(campaign=campaign).values_list("url", "code"))
    if missing := [url for url in urls if url not in known]:
        TrackedLink.objects.bulk_create(
            [TrackedLink(campaign=campaign, url=url) for url in missing], ignore_conflicts=True
        )
        known = dict(TrackedLink.objects.filter(campaign=campaign).values_list("url", "code"))
    return {url: known[url] for url in urls}


def quote_uid(uid: str) -> str:
    """A uid as one piece of a URL's path."""
    return quote(uid, safe="")

"""Whom a message is from or about: by address, or by a uid that our own mail carried and the answer quotes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from django.db.models import Q, QuerySet
from django.urls import Resolver404, resolve

from audience.models import Subscriber
from campaigns.links import find_subscriber_uid, read_ticket
from campaigns.models import Delivery
from campaigns.recognizing import by_message_ids, by_token
from mail.addresses import normalize_address
from mail.parsing import ParsedMail
from monitors.models import Monitor

IdentifyBy = Monitor.IdentifyBy
# An address may be on many lists of a customer; on more than this it is no subscriber's.
MAX_SUBSCRIBERS = 200
MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Identified:
    """The subscribers a message is about, and by what they were recognised ("" where nobody was)."""

    subscribers: tuple[Subscriber, ...] = ()
    by: str = ""
    delivery: Delivery | None = None

    def __str__(self) -> str:
        """Whom, and by what: “ada@receiver.example (by link)”."""
        if not self.subscribers:
            return "nobody"
        names = list(dict.fromkeys(subscriber.email for subscriber in self.subscribers))
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        return f"{', '.join(names[:MAX_NAMED])}{more} (by {self.by})"


def identify(monitor: Monitor, mail: ParsedMail) -> Identified:
    """The subscribers within the monitor's reach: its customer's lists, or all of them where it has none."""
    if monitor.identify_by != IdentifyBy.EMAIL:
        found = _by_uid(monitor, mail)
        if found.subscribers or monitor.identify_by == IdentifyBy.UID:
            return found
    return _by_email(monitor, mail)


def _subscribers(monitor: Monitor) -> QuerySet[Subscriber]:
    rows = Subscriber.objects.select_related("list", "customer")
    return rows if monitor.customer is None else rows.for_customer(monitor.customer)


def _by_email(monitor: Monitor, mail: ParsedMail) -> Identified:
    """Every subscription of the sender's address; one that was moved acts through its new place."""
    if not mail.sender:
        return Identified()
    rows = _subscribers(monitor).filter(email_key=normalize_address(mail.sender))
    elsewhere = Q(status=Subscriber.Status.MOVED, moved_to__isnull=False)
    found = tuple(rows.exclude(elsewhere).order_by("pk")[:MAX_SUBSCRIBERS])
    return Identified(found, "email address" if found else "")


def _by_uid(monitor: Monitor, mail: ParsedMail) -> Identified:
    """A quoted link, then the answered Message-ID, then our own token."""
    if subscriber := _by_links(monitor, mail.links):
        return Identified((subscriber,), "link")
    is_in_reach = partial(_is_in_reach, monitor)
    answered = by_message_ids(mail.answered_ids, is_in_reach)
    if len({delivery.subscriber_id for delivery in answered}) == 1:
        return _of_delivery(monitor, answered[0], "message-id")
    if delivery := by_token(mail.token, is_in_reach):
        return _of_delivery(monitor, delivery, "token")
    return Identified()


def _is_in_reach(monitor: Monitor, delivery: Delivery) -> bool:
    is_ours = monitor.customer_id is None or delivery.customer_id == monitor.customer_id
    return is_ours and delivery.subscriber_id is not None


def _of_delivery(monitor: Monitor, delivery: Delivery, by: str) -> Identified:
    subscriber = _subscribers(monitor).filter(deliveries=delivery).first()
    return Identified((subscriber,), by, delivery) if subscriber else Identified()


def _by_links(monitor: Monitor, links: Iterable[str]) -> Subscriber | None:
    rows = _subscribers(monitor)
    if uid := find_subscriber_uid("\n".join(links)):
        return rows.filter(uid=uid).first()
    for link in links:
        if ticket := read_ticket(_ticket_in(link)):
            return rows.filter(pk=ticket[0]).first()
    return None


def _ticket_in(link: str) -> str:
    """The ticket of an unsubscribe link, wherever the site is reached; proved by its signature, not by the host."""
    try:
        matched = resolve(urlsplit(link).path)
    except (Resolver404, ValueError):
        return ""
    return str(matched.kwargs.get("ticket", "")) if matched.url_name == "unsubscribe" else ""

"""Logs and the audience in the backend: what was done is shown with its cause, and taken back."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Customer, User
from audience import changes
from audience.changes import Cause
from audience.models import BlacklistEntry, Change, Subscriber
from bounces.models import Bounce
from campaigns.models import Delivery
from tests import factories as make
from tests.admin.test_servers import act


def bounced(customer: Customer) -> tuple[Bounce, Subscriber]:
    """A complaint that has unsubscribed its recipient."""
    subscriber = make.make_subscriber(make.make_list(customer))
    mailbox = make.make_bounce_server(customer).mailbox
    bounce = Bounce.objects.create(
        mailbox=mailbox,
        customer=customer,
        subscriber=subscriber,
        recipient=subscriber.email,
        type="complaint",
    )
    cause = Cause(Change.Cause.COMPLAINT, str(bounce.pk), "complaint")
    changes.unsubscribe(subscriber, cause, timezone.now())
    return bounce, subscriber


def test_a_bounce_is_undone(backend: Client, superuser: User, acme: Customer) -> None:
    bounce, subscriber = bounced(acme)
    page = act(backend, "bounces_bounce", "undo", [bounce], confirmed="yes").content.decode()
    subscriber.refresh_from_db()
    assert "Undo: 1 changed" in page
    assert subscriber.status == "confirmed"
    assert Change.objects.get(cause_kind="complaint").undone_by == superuser


def test_the_journal_undoes_and_says_why_not(backend: Client, acme: Customer) -> None:
    _, subscriber = bounced(acme)
    change = Change.objects.get(cause_kind="complaint")
    act(backend, "audience_change", "undo", [change], confirmed="yes")
    subscriber.refresh_from_db()
    assert subscriber.status == "confirmed"
    changes.unsubscribe(subscriber, Cause(Change.Cause.MONITOR, "1"), timezone.now())
    Subscriber.objects.filter(pk=subscriber.pk).update(status="disabled")
    page = act(
        backend, "audience_change", "undo", [Change.objects.latest("pk")], confirmed="yes"
    ).content.decode()
    assert "Undo: 0 changed" in page


def test_a_subscribers_page_says_why_it_is_as_it_is(backend: Client, acme: Customer) -> None:
    _, subscriber = bounced(acme)
    page = backend.get(reverse("admin:audience_subscriber_change", args=[subscriber.pk])).content.decode()
    assert "complaint" in page


def test_an_address_is_blacklisted_for_all_and_lifted(backend: Client, acme: Customer) -> None:
    subscriber = make.make_subscriber(make.make_list(acme), "Reader@Receiver.example")
    url = reverse("admin:audience_blacklistentry_add")
    assert backend.post(url, {"email": "reader@receiver.example", "reason": "spam trap"}).status_code == 302
    subscriber.refresh_from_db()
    entry = BlacklistEntry.objects.get()
    assert (entry.customer, subscriber.status) == (None, "blacklisted")
    again = backend.post(url, {"email": "READER@receiver.example"})
    assert "on the blacklist already" in again.content.decode()
    act(backend, "audience_blacklistentry", "lift_from_the_blacklist", [entry], confirmed="yes")
    subscriber.refresh_from_db()
    assert subscriber.status == "confirmed"
    assert not BlacklistEntry.objects.exists()


def test_a_delivery_whose_outcome_is_unknown_is_cancelled(backend: Client, acme: Customer) -> None:
    campaign = make.make_campaign(make.make_list(acme))
    delivery = make.make_delivery(
        campaign, make.make_subscriber(campaign.list), status="unknown", sent_at=None
    )
    act(backend, "campaigns_delivery", "cancel", [delivery], confirmed="yes")
    delivery.refresh_from_db()
    assert delivery.status not in {Delivery.Status.UNKNOWN, Delivery.Status.QUEUED}
    assert AuditEntry.objects.filter(action="cancel", customer=acme).exists()


def test_the_timeline_shows_each_attempt(backend: Client, acme: Customer) -> None:
    campaign = make.make_campaign(make.make_list(acme))
    delivery = make.make_delivery(campaign, make.make_subscriber(campaign.list))
    for number, outcome in ((1, "deferred"), (2, "accepted")):
        delivery.attempts.create(
            number=number, outcome=outcome, deadline=timezone.now(), request_id=f"req-{number}"
        )
    page: Any = backend.get(reverse("admin:campaigns_delivery_change", args=[delivery.pk])).content.decode()
    for text in ("Attempt 1", "Refused for now", "Attempt 2", "Accepted", "req-2"):
        assert text in page


def test_a_log_finds_a_whole_address_in_any_case(backend: Client, acme: Customer) -> None:
    campaign = make.make_campaign(make.make_list(acme))
    for email in ("Reader@Receiver.example", "other@receiver.example"):
        make.make_delivery(campaign, make.make_subscriber(campaign.list, email))
    url = reverse("admin:campaigns_delivery_changelist")
    page = backend.get(url, {"q": "rEADER@receiver.EXAMPLE"}).content.decode()
    assert "Reader@Receiver.example" in page
    assert "other@receiver.example" not in page

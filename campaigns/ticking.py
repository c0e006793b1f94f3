"""The sending tick: rings for everything that is due, and what a bell makes happen."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import SystemSettings
from campaigns import bells, queueing
from campaigns.claiming import own_servers
from campaigns.models import Campaign, Delivery
from campaigns.pausing import pause_if_stuck
from campaigns.running import run_mailbox
from mailboxes.models import Mailbox
from servers.models import DeliveryServer

logger = structlog.get_logger(__name__)

Status = Delivery.Status
# Later than this a tick comes by anyway.
SOON_SECONDS = 90


def ring(now: datetime) -> None:
    """Enqueue what is due; nothing while the master switch is off."""
    if not SystemSettings.load().enabled:
        return
    for campaign in Campaign.objects.due(now):
        try:
            _ring_or_close(campaign, now)
        except Exception:  # a fault with one campaign must not silence all the others
            logger.exception("campaign not looked after", campaign=campaign.uid)
    for mailbox_id in mailboxes_with_work(now).values_list("pk", flat=True):
        bells.ring_mailbox(mailbox_id)


def _ring_or_close(campaign: Campaign, now: datetime) -> None:
    if not campaign.queued_all:
        bells.ring_campaign(campaign.pk)
    elif not queueing.finish(campaign, now):
        pause_if_stuck(campaign, now)


def queue_campaign(campaign: Campaign, now: datetime) -> None:
    """Take a due campaign up, queue its subscribers and ring its mailboxes."""
    if not SystemSettings.load().enabled:
        return
    queueing.take_up(campaign, now)
    if queueing.queue_up(campaign, now):
        for mailbox_id in own_servers(campaign).values_list("mailbox_id", flat=True).distinct():
            bells.ring_mailbox(mailbox_id)


def work_mailbox(mailbox: Mailbox, now: datetime) -> None:
    """One run of a mailbox; rings again where there is more, at the moment its pace allows."""
    report = run_mailbox(mailbox, now)
    if report.has_more:
        bells.ring_mailbox(mailbox.pk)
    elif report.resumes_at and 0 < (wait := (report.resumes_at - now).total_seconds()) < SOON_SECONDS:
        bells.ring_mailbox(mailbox.pk, in_seconds=wait)


def mailboxes_with_work(now: datetime) -> QuerySet[Mailbox]:
    """Mailboxes that nobody works for now and that may send, settle or learn something."""
    free = Q(sending_until__isnull=True) | Q(sending_until__lte=Now())
    unblocked = Q(blocked_until__isnull=True) | Q(blocked_until__lte=now)
    own = Delivery.objects.filter(mailbox=OuterRef("pk"))
    stale = own.filter(status__in=[Status.SENDING, Status.UNKNOWN], next_try_at__lte=now)
    unlearnt = own.filter(ids_wanted=True, next_try_at__lte=now, server__isnull=False)
    drafts = Exists(own.with_leftover_draft()) | Exists(own.with_stranded_draft(now))
    owed = Exists(stale) | Exists(unlearnt) | drafts
    return Mailbox.objects.filter(free, unblocked).filter(Exists(_servers_with_mail(now)) | owed)


def _servers_with_mail(now: datetime) -> QuerySet[DeliveryServer]:
    waiting = Delivery.objects.waiting(now).filter(campaign=OuterRef("pk"))
    campaigns = Campaign.objects.filter(Exists(waiting), status=Campaign.Status.SENDING)
    usable = DeliveryServer.objects.usable().filter(mailbox=OuterRef("pk"), campaigns__in=campaigns)
    return usable.filter(Q(paused_until__isnull=True) | Q(paused_until__lte=now))

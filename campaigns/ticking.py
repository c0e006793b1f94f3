"""The sending tick: rings for what is due, customers taking turns, and what a bell makes happen."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import SystemSettings
from campaigns import bells, queueing
from campaigns.models import Campaign, Delivery
from campaigns.pausing import pause_if_stuck
from campaigns.running import run_mailbox
from mailboxes.bells import QUEUE_LENGTH
from mailboxes.models import Mailbox
from mailboxes.turns import in_turns
from servers.models import DeliveryServer

logger = structlog.get_logger(__name__)

Status = Delivery.Status
# What one bell may take before others have their turn.
QUEUEING_SECONDS = 20
# With so much room in the queue its workers are about to run out of work.
ALMOST_EMPTY = QUEUE_LENGTH * 7 // 8


def ring(now: datetime) -> None:
    """Enqueue what is due; nothing while the master switch is off."""
    if not SystemSettings.load().enabled:
        return
    unqueued: list[tuple[int, int]] = []
    due = Campaign.objects.due(now)
    busy = set(due.with_something_open().values_list("pk", flat=True))
    for campaign in due:
        if not campaign.queued_all:
            unqueued.append((campaign.pk, campaign.customer_id))
            continue
        try:
            if campaign.pk in busy:
                pause_if_stuck(campaign, now)
            else:
                queueing.finish(campaign, now)
        except Exception:  # a fault with one campaign must not silence all the others
            logger.exception("campaign not looked after", campaign=campaign.uid)
    for campaign_id in in_turns(unqueued)[: bells.room()]:
        bells.ring_campaign(campaign_id)
    deal(now)


def deal(now: datetime) -> None:
    """Ring for the mailboxes with work whose turn it is, as many as the queue has room for.

    Customers take turns, and of each customer's mailboxes the one that has waited longest goes first: a customer
    with a thousand mailboxes delays another one's only mailbox by no more than a full queue.
    """
    if not SystemSettings.load().enabled or not (room := bells.room()):
        return
    waiting = mailboxes_with_work(now).order_by(F("last_run_at").asc(nulls_first=True), "pk")
    for mailbox_id in in_turns(waiting.values_list("pk", Min("deliveryservers__customer")))[:room]:
        bells.ring_mailbox(mailbox_id)


def queue_campaign(campaign: Campaign, now: datetime) -> None:
    """Take a due campaign up, queue its subscribers for a while and ring its mailboxes."""
    if not SystemSettings.load().enabled:
        return
    queueing.take_up(campaign, now)
    if not queueing.queue_up(campaign, now, budget_seconds=QUEUEING_SECONDS):
        return
    if not campaign.queued_all:
        bells.ring_campaign(campaign.pk)
    deal(now)


def work_mailbox(mailbox: Mailbox, now: datetime) -> None:
    """One run of a mailbox. Where there is more it queues up again, behind those who wait.

    Only a run that did something asks for the next deal: one that could do nothing, as with its quota used up,
    would be dealt again at once, and so on for ever.
    """
    report = run_mailbox(mailbox, now)
    room = bells.room()
    if report.has_more and room:
        bells.ring_mailbox(mailbox.pk)
    elif report.did_something and room >= ALMOST_EMPTY:
        bells.ring_deal()


def mailboxes_with_work(now: datetime) -> QuerySet[Mailbox]:
    """Mailboxes that nobody works for now and that may send, settle or learn something."""
    free = Q(sending_until__isnull=True) | Q(sending_until__lte=Now())
    unblocked = Q(blocked_until__isnull=True) | Q(blocked_until__lte=now)
    in_pace = Q(paced_until__isnull=True) | Q(paced_until__lte=now)
    owed = Delivery.objects.filter(
        Q(status__in=[Status.SENDING, Status.UNKNOWN], next_try_at__lte=now)
        | Q(ids_wanted=True, next_try_at__lte=now, server__isnull=False)
    )
    # Asked for as sets: a question for each mailbox is one that a database plans for the worst.
    kinds = [owed, Delivery.objects.with_leftover_draft(), Delivery.objects.with_stranded_draft(now)]
    has_work = in_pace & Q(pk__in=_servers_with_mail(now).values("mailbox"))
    for deliveries in kinds:
        has_work |= Q(pk__in=deliveries.filter(mailbox__isnull=False).values("mailbox"))
    return Mailbox.objects.filter(free, unblocked).filter(has_work)


def _servers_with_mail(now: datetime) -> QuerySet[DeliveryServer]:
    campaigns = Campaign.objects.filter(status=Campaign.Status.SENDING).with_waiting(now)
    usable = DeliveryServer.objects.usable().filter(campaigns__in=campaigns)
    return usable.filter(Q(paused_until__isnull=True) | Q(paused_until__lte=now))

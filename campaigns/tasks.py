"""Celery's side of sending: bells only; what is due stands in rows."""

from celery import shared_task

from campaigns import ticking
from campaigns.models import Campaign
from mailboxes import clock
from mailboxes.models import Mailbox


@shared_task(ignore_result=True)
def queue_campaign(*, campaign_id: int) -> None:
    ticking.queue_campaign(Campaign.objects.get(pk=campaign_id), clock.now())


@shared_task(ignore_result=True)
def run_mailbox(*, mailbox_id: int) -> None:
    ticking.work_mailbox(Mailbox.objects.get(pk=mailbox_id), clock.now())


@shared_task(ignore_result=True)
def deal() -> None:
    ticking.deal(clock.now())

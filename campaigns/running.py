"""Running: all that one mailbox has to do now, and all of one campaign that is due now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from accounts.models import SystemSettings
from campaigns import queueing
from campaigns.claiming import own_servers
from campaigns.feeding import Feed
from campaigns.learning import Learner
from campaigns.models import Campaign
from campaigns.pace import RunningClock
from campaigns.pausing import pause_if_stuck
from campaigns.progress import Progress, progress_of
from campaigns.sending import Sender
from campaigns.settling import Settler, recover
from campaigns.tidying import free_stranded, remove_leftover_drafts
from mailboxes.leases import LeaseLost, claim
from mailboxes.models import Mailbox

logger = structlog.get_logger(__name__)

LEASE = "sending"
# After this a run lets others have the worker; whatever is left queues up again.
RUN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class MailboxReport:
    """What one run of a mailbox did. `is_busy`: another worker holds its lease, nothing was done.

    `has_more`: its time was up before its share was, so it is worth ringing again at once.
    """

    sent: int = 0
    settled: int = 0
    learnt: int = 0
    skipped: int = 0
    is_busy: bool = False
    has_more: bool = False

    @property
    def did_something(self) -> bool:
        return bool(self.sent or self.settled or self.skipped)


def run_mailbox(
    mailbox: Mailbox, now: datetime, *, only: Campaign | None = None, run_seconds: float = RUN_SECONDS
) -> MailboxReport:
    """Recover, settle, send, then learn and tidy up, under the mailbox's sending lease; `only` narrows what is sent."""
    settings = SystemSettings.load()
    if not settings.enabled:
        return MailboxReport()
    lease = claim(mailbox, LEASE)
    if lease is None:
        return MailboxReport(is_busy=True)
    clock = RunningClock(now)
    paced_until: datetime | None = None
    try:
        settled = recover(mailbox, lease, now)
        if not settings.is_provider_enabled(mailbox.provider):
            return MailboxReport(settled=settled)
        mailbox.refresh_from_db(fields=["blocked_until", "marker_survives"])
        if mailbox.is_blocked(now):
            return MailboxReport(settled=settled)
        settled += Settler(mailbox, lease, clock).run()
        settled += free_stranded(mailbox, lease, clock.now())
        feed = Feed(mailbox, lease, clock, settings, only, run_seconds)
        sender = Sender(lease, clock, feed.batches())
        sender.run()
        paced_until, learnt = feed.resumes_at, 0
        mailbox.refresh_from_db(fields=["blocked_until"])
        if not (sender.was_stopped or mailbox.is_blocked(clock.now())):
            learnt = Learner(mailbox, lease, clock).run()
            remove_leftover_drafts(mailbox, lease, clock.now())
    except LeaseLost as error:
        logger.warning("sending lease lost, another worker goes on", mailbox=mailbox.email, reason=str(error))
        return MailboxReport(is_busy=True)
    finally:
        lease.release(last_run_at=clock.now(), paced_until=paced_until)
    has_more = feed.was_cut_short and bool(sender.sent or feed.skipped) and not sender.was_stopped
    return MailboxReport(sender.sent, settled, learnt, feed.skipped, has_more=has_more)


def run_campaign(campaign: Campaign, now: datetime) -> Progress:
    """Send synchronously all of `campaign` that is due now and may be sent now; what must wait is left waiting.

    Does nothing while the master switch is off. Mailboxes take turns, each with its share of what waits.
    """
    if not SystemSettings.load().enabled:
        return progress_of(campaign, now)
    clock = RunningClock(now)
    queueing.take_up(campaign, now)
    queueing.queue_up(campaign, now)
    while _round(campaign, clock):
        pass
    campaign.refresh_from_db()
    if campaign.status == Campaign.Status.SENDING and not queueing.finish(campaign, clock.now()):
        pause_if_stuck(campaign, clock.now())
    campaign.refresh_from_db()
    return progress_of(campaign, clock.now())


def _round(campaign: Campaign, clock: RunningClock) -> bool:
    """One turn of each of the campaign's mailboxes; False when none could do anything."""
    mailboxes = _mailboxes(campaign, clock.now())
    reports = [run_mailbox(mailbox, clock.now(), only=campaign) for mailbox in mailboxes]
    return any(report.did_something for report in reports)


def _mailboxes(campaign: Campaign, now: datetime) -> list[Mailbox]:
    """Those it sends from, after those that only still hold drafts of it."""
    stranded = Mailbox.objects.filter(deliveries__in=campaign.deliveries.with_stranded_draft(now))
    own = Mailbox.objects.filter(deliveryservers__in=own_servers(campaign))
    return [*stranded.distinct(), *own.distinct()]

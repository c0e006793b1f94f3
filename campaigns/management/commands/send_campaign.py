"""`manage.py send_campaign UID`: send what is due of one campaign and say how it stands."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import SystemSettings
from accounts.switches import SWITCHED_OFF
from campaigns.models import Campaign
from campaigns.progress import Progress
from campaigns.running import run_campaign
from mailboxes import clock

POLL_SECONDS = 5


class Command(BaseCommand):
    """Exits 0 when everything due was sent or waits for its time, 1 when a person must do something."""

    help = (
        "Send all of a campaign that is due now. What must wait (quota, limits, throttling) is left waiting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uid", help="the campaign's uid")
        parser.add_argument("--wait", action="store_true", help="stay until nothing is left to send")

    def handle(self, *args: Any, uid: str, wait: bool, **options: Any) -> None:
        campaign = Campaign.objects.filter(uid=uid).first()
        if campaign is None:
            raise CommandError(f"There is no campaign with the uid “{uid}”.")
        if not SystemSettings.load().enabled:
            raise CommandError(SWITCHED_OFF)
        _refuse_idle(campaign)
        progress = run_campaign(campaign, clock.now())
        self.stdout.write(describe(progress))
        while wait and progress.status == Campaign.Status.SENDING:
            time.sleep(POLL_SECONDS)
            progress = run_campaign(campaign, clock.now())
            self.stdout.write(describe(progress))
        if progress.status == Campaign.Status.PAUSED:
            raise CommandError(progress.note)


def _refuse_idle(campaign: Campaign) -> None:
    """A campaign that is not on its way is no success: say what to do."""
    due = Campaign.objects.due(clock.now()).filter(pk=campaign.pk).exists()
    if due or campaign.status == Campaign.Status.SENT:
        return
    fixes = {
        Campaign.Status.DRAFT: "Mark it ready first.",
        Campaign.Status.READY: f"It is scheduled for {campaign.scheduled_at:%Y-%m-%d %H:%M} UTC."
        if campaign.scheduled_at
        else "Its customer is inactive.",
        Campaign.Status.PAUSED: f"{campaign.pause_reason} Resume it first.".strip(),
        Campaign.Status.CANCELLED: "Make a new one.",
        Campaign.Status.SENDING: "Its customer is inactive.",
    }
    status = campaign.get_status_display().lower()
    raise CommandError(f"Campaign “{campaign.name}” is {status}. {fixes[Campaign.Status(campaign.status)]}")


def describe(progress: Progress) -> str:
    """One line: the counts, then what to expect of the rest."""
    counts = ("sent", "deferred", "unknown", "failed", "skipped", "bounced", "left")
    line = f"{progress.status}: " + ", ".join(f"{getattr(progress, name)} {name}" for name in counts)
    if progress.delayed_until:
        line += f"; delayed until {progress.delayed_until:%Y-%m-%d %H:%M:%S} UTC"
    elif progress.ends_at:
        line += f"; expected to end at {progress.ends_at:%Y-%m-%d %H:%M} UTC"
    return f"{line}. {progress.note}".rstrip()

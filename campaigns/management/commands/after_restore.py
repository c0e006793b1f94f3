"""`after_restore`: before anything runs again on a database that was restored from a backup."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.restoring import OPEN, Restored, doubt


class Command(BaseCommand):
    help = (
        "Run this on a restored database before web, workers and beat start: it pauses every campaign and puts what "
        "waits in doubt, so that nothing that went out after the backup goes out a second time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", required=True, type=moment, metavar="TIME",
            help="when the backup began, such as 2026-11-28T03:00 (UTC unless it says otherwise)",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="name the campaigns, and change nothing")

    def handle(self, *, since: datetime, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        if since >= now:
            raise CommandError(
                f"{since:%Y-%m-%d %H:%M} UTC has not come yet. Give the time at which the backup began."
            )
        if dry_run:
            for campaign in Campaign.objects.filter(status__in=OPEN).order_by("pk"):
                self.stdout.write(f"{campaign.uid} “{campaign.name}” would be paused")
            return
        campaigns = 0
        for restored in doubt(since, now):
            self.stdout.write(describe(restored))
            campaigns += 1
        self.stdout.write(
            f"{campaigns} campaigns are paused. Start web, workers and beat: what is in doubt is looked for in Sent "
            "within minutes; what cannot be told stays “Outcome unknown” for a person. Then resume each campaign.\n"
            "Who unsubscribed or came back between the backup and now is not known here: see docs/deployment.md."
        )


def describe(restored: Restored) -> str:
    """One line for a campaign."""
    name = f"{restored.campaign.uid} “{restored.campaign.name}”"
    if not restored.had_begun:
        return (
            f"{name}: paused; it had not begun in the backup. Was it sent since? Then cancel it, else resume."
        )
    line = f"{name}: paused; {restored.looked_for} messages are looked for in Sent"
    return f"{line}; {restored.left_out} people not queued yet are left out" if restored.left_out else line


def moment(text: str) -> datetime:
    """A time as ISO 8601 has it; UTC where it names no zone."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-28T03:00") from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)

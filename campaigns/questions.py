"""What a page asks before a verb that cannot be taken back: what it will do, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from campaigns.checking import check_campaign
from campaigns.claiming import own_servers
from campaigns.models import Campaign, Delivery
from campaigns.progress import progress_of


@dataclass(frozen=True, slots=True)
class Question:
    """A page's title, what follows in sentences, and the button that does it."""

    title: str
    sentences: list[str]
    button: str
    is_danger: bool = True


def ask_of_campaign(campaign: Campaign, verb: str, now: datetime) -> Question | None:
    """What is asked before `verb`; None where nothing is lost by it, or it would be refused anyway."""
    if campaign.status in (Campaign.Status.SENT, Campaign.Status.CANCELLED):
        return None
    left = f"{progress_of(campaign, now).left:,}"
    if verb == "cancel":
        return Question(
            f"Cancel “{campaign.name}”?",
            [
                f"Not sent yet, and then never: {left}.",
                "A cancelled campaign cannot be resumed. Pause it if it may go on later.",
            ],
            "Cancel the campaign",
        )
    if verb != "release" or check_campaign(campaign, servers := list(own_servers(campaign))):
        return None
    begins = "It begins at once."
    if campaign.scheduled_at and campaign.scheduled_at > now:
        begins = f"It begins at {timezone.localtime(campaign.scheduled_at):%Y-%m-%d %H:%M %Z}."
    through = ", ".join(server.name for server in servers)
    return Question(
        f"Send “{campaign.name}”?",
        [f"Confirmed subscribers of “{campaign.list.name}”: {left}.", f"Through {through}.", begins],
        "Release for sending",
        is_danger=False,
    )


def ask_of_delivery(delivery: Delivery, verb: str) -> Question | None:
    """What is asked before `verb`; None where nothing is lost by it: what was cancelled can be tried again."""
    if verb == "release":
        return Question(
            f"Send to {delivery.recipient} again?",
            [
                "Nobody could tell whether the message was sent: if it was, it arrives twice.",
                "Look for it in the Sent folder of the mailbox first.",
            ],
            "Send it again",
        )
    return None

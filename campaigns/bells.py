"""The bells of sending (`mailboxes.bells`): for a campaign to queue up, and for a mailbox to send from."""

from __future__ import annotations

from mailboxes import bells

QUEUE = "sending"
# Two ticks: by then a bell that nobody heard has been rung again, and a stopped worker is not flooded later.
HEARD_WITHIN_SECONDS = 120
DEAL_WITHIN_SECONDS = 10


def ring_campaign(campaign_id: int) -> None:
    bells.ring("campaigns.tasks.queue_campaign", heard_within=HEARD_WITHIN_SECONDS, campaign_id=campaign_id)


def ring_mailbox(mailbox_id: int) -> None:
    bells.ring("campaigns.tasks.run_mailbox", heard_within=HEARD_WITHIN_SECONDS, mailbox_id=mailbox_id)


def ring_deal() -> None:
    bells.ring("campaigns.tasks.deal", heard_within=DEAL_WITHIN_SECONDS)


def room() -> int:
    """How many more bells the sending queue takes."""
    return bells.room_in(QUEUE)

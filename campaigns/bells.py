"""The bells of sending (`mailboxes.bells`): for a campaign to queue up, and for a mailbox to send from."""

from __future__ import annotations

from mailboxes import bells

QUEUE = "sending"


def ring_campaign(campaign_id: int) -> None:
    bells.ring("campaigns.tasks.queue_campaign", campaign_id=campaign_id)


def ring_mailbox(mailbox_id: int) -> None:
    bells.ring("campaigns.tasks.run_mailbox", mailbox_id=mailbox_id)


def ring_deal() -> None:
    bells.ring("campaigns.tasks.deal")


def room() -> int:
    """How many more bells the sending queue takes."""
    return bells.room_in(QUEUE)

"""Pausing a campaign by itself: when no server of it can come back without a person."""

from __future__ import annotations

from datetime import datetime

import structlog

from campaigns.claiming import own_servers
from campaigns.models import Campaign
from servers.selecting import reasons, standings

logger = structlog.get_logger(__name__)


def pause_if_stuck(campaign: Campaign, now: datetime) -> bool:
    """Pause a sending campaign whose servers all need attention, with the cause; nobody hammers a refusal."""
    found = standings(own_servers(campaign), now)
    if any(standing.returns_by_itself for standing in found):
        return False
    why = reasons(found) or "It has no delivery server of its own customer. Choose one."
    paused = Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.SENDING).update(
        status=Campaign.Status.PAUSED, pause_reason=f"Paused: no delivery server can send. {why}"
    )
    if paused:
        logger.warning("campaign paused, no server can send", campaign=campaign.uid)
    return bool(paused)

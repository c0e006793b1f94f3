"""What one mailbox sends in one run: its share of every campaign, reserved in small batches, turn by turn."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db.models import Q

from accounts.models import SystemSettings
from campaigns import claiming, outcomes
from campaigns.composing import Layout
from campaigns.lines import Line, open_line
from campaigns.models import Attempt, Campaign, Delivery
from campaigns.pace import RunningClock, allowance, limits_of
from campaigns.sending import Batch
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import ProviderError, TemporaryError
from providers.registry import PROVIDERS
from servers.models import DeliveryServer
from servers.selecting import Standing, share, standing_of, standings

logger = structlog.get_logger(__name__)

# So many waiting messages are counted for each server of a campaign.
COUNTED_EACH = 200
# Parts of what is left grow ever smaller. After a mailbox's first one, a run for less costs more than it spreads.
WORTH_A_RUN = 10

Status = Delivery.Status


@dataclass(slots=True)
class Source:
    """One campaign's deliveries that may leave through one server in this run.

    `may_grow`: more wait than were counted, so what is `left` is counted again when it is sent.
    """

    line: Line
    campaign: Campaign
    left: int
    may_grow: bool
    layout: Layout | None = None

    def make_layout(self) -> Layout:
        self.layout = self.layout or Layout.of(self.campaign)
        return self.layout


@dataclass(slots=True)
class Feed:
    """Yields batches until shares, quota or pace are used up; `resumes_at` says when the pace allows more.

    `was_cut_short`: its `seconds` were over before the shares were.
    """

    mailbox: Mailbox
    lease: Lease
    clock: RunningClock
    settings: SystemSettings
    only: Campaign | None = None
    seconds: float = math.inf
    resumes_at: datetime | None = None
    was_cut_short: bool = False
    skipped: int = 0
    _sources: deque[Source] = field(default_factory=deque)
    _found: dict[int, list[Standing]] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        servers = self._servers()
        self._sources.extend(self._open_sources(servers))
        limits = limits_of(servers, PROVIDERS[self.mailbox.provider].limits)
        stop_at = time.monotonic() + self.seconds  # opening may take long: a run sends something
        while self._sources:
            if time.monotonic() > stop_at:
                self.was_cut_short = True
                return
            now = self.clock.now()
            allowed = allowance(self.mailbox, limits, now)
            if allowed.count == 0:
                self.resumes_at = allowed.resumes_at
                return
            source = self._sources.popleft()
            wanted = min(claiming.BATCH_SIZE, source.left, allowed.count)
            reserved = claiming.reserve(self.lease, source.line.server, source.campaign, wanted, now)
            self.skipped += reserved.skipped
            source.left -= len(reserved.deliveries)
            if source.left <= 0 and source.may_grow:
                source.left, source.may_grow = self._share(source.line.server, source.campaign, now)
            if source.left > 0 and (reserved.deliveries or reserved.skipped):
                self._sources.append(source)
            if reserved.deliveries:
                yield Batch(source.line, source.make_layout(), reserved.deliveries, claimed_at=now)
            else:
                self.lease.renew()  # many excluded in a row may take longer than the lease

    def _open_sources(self, servers: list[DeliveryServer]) -> Iterator[Source]:
        """The mailbox's usable servers, each with its share of what waits in its campaigns."""
        now = self.clock.now()
        for server in servers:
            if not standing_of(server, now, self.settings).is_usable:
                continue
            parts = [(campaign, *self._share(server, campaign, now)) for campaign in self._campaigns(server)]
            parts = [one for one in parts if one[1]]
            if parts and (line := self._open_line(server)):
                yield from (Source(line, *one) for one in parts)

    def _servers(self) -> list[DeliveryServer]:
        return list(DeliveryServer.objects.filter(mailbox=self.mailbox).select_related("mailbox", "api_key"))

    def _campaigns(self, server: DeliveryServer) -> Iterator[Campaign]:
        campaigns = claiming.sending_campaigns(server).order_by("started_at", "pk")
        yield from campaigns.filter(pk=self.only.pk) if self.only else campaigns

    def _share(self, server: DeliveryServer, campaign: Campaign, now: datetime) -> tuple[int, bool]:
        """The server's part of what waits, and whether more waits than was counted."""
        found = self._standings(campaign, now)
        enough = COUNTED_EACH * len(found)
        waiting = count_waiting(campaign, self.mailbox, enough, now)
        part = share(server, found, waiting)
        if part < min(WORTH_A_RUN, waiting) and self._has_begun(campaign):
            part = share(server, found, waiting, at_least=WORTH_A_RUN)
        return part, waiting >= enough

    def _standings(self, campaign: Campaign, now: datetime) -> list[Standing]:
        """How its servers stood when the run first asked: read once, for a campaign may have hundreds."""
        if campaign.pk not in self._found:
            self._found[campaign.pk] = standings(claiming.own_servers(campaign), now, self.settings)
        return self._found[campaign.pk]

    def _has_begun(self, campaign: Campaign) -> bool:
        """Whether the mailbox has sent something of the campaign already."""
        began_at = campaign.started_at or campaign.created_at
        own = Attempt.objects.filter(mailbox=self.mailbox, started_at__gte=began_at)
        return own.filter(delivery__campaign=campaign).exists()

    def _open_line(self, server: DeliveryServer) -> Line | None:
        now = self.clock.now()
        try:
            return open_line(server, now)
        except TemporaryError as error:
            server.mailbox.block_until(outcomes.wait_until(error, 1, now))
        except ProviderError as error:
            outcomes.record_server_trouble(server, error, now)
        return None


def count_waiting(campaign: Campaign, mailbox: Mailbox, enough: int, now: datetime) -> int:
    """How many of `campaign` `mailbox` may send now, `enough` at least being enough to know.

    Never all of a million: a run that counted them would do nothing else. Ordered as their indexes are.
    """
    ours = Q(draft_id="") | Q(mailbox=mailbox)
    deferred = campaign.deliveries.filter(ours, status=Status.DEFERRED, next_try_at__lte=now)
    queued = campaign.deliveries.filter(status=Status.QUEUED)
    count = queued.order_by("token")[:enough].count()
    return count if count >= enough else count + deferred.order_by("next_try_at")[:enough].count()

"""Reading a mailbox for all who share it: who may, what is due, and the report and sync state of each reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from accounts.models import SystemSettings
from bounces.models import BounceServer
from bounces.processing import BounceHandler
from keys.models import ApiKey
from mailboxes import leases
from mailboxes.budgets import Budget
from mailboxes.collecting import Collected, collect
from mailboxes.disposing import dispose_handled
from mailboxes.handling import Handler, handle_pending
from mailboxes.leases import Lease, LeaseLost
from mailboxes.models import Mailbox, Purpose, SyncRun
from mailboxes.opening import OpenMailbox, Source, open_mailbox
from mailboxes.watching import watches_for
from monitors.models import Monitor
from monitors.processing import MonitorHandler
from providers.errors import ProviderError, TemporaryError, Throttled
from providers.registry import PROVIDERS

"""Finding a submitted message in Sent and Drafts of an Exchange mailbox.

A message is known by our token header, our Message-ID, or its draft's immutable id. Exchange may replace the
Message-ID, and files the copy in Sent only after transport took it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from providers.answers import as_mapping, as_rows, as_text
from providers.api import Api
from providers.clock import format_time
from providers.errors import NotFound, PermissionDenied, TemporaryError, Throttled
from providers.graph.mailbox import PREFER, folder_path, get, message_path
from providers.messages import (
    TOKEN_HEADER,
    AccessToken,
    Absent,
    CannotTell,
    Draft,
    Found,
    Markers,
    Receipt,
    SentState,
    StillDraft,
)

# Clocks differ: the look begins a little before the attempt.
CLOCK_SKEW = timedelta(minutes=5)
PAGE_SIZE = 100
# A mailbox sends 30 a minute; a look that finds more than this is not worth finishing.
MAX_PAGES = 50
# Copies to one recipient whose raw headers are read; more would be another kind of mailbox.
MAX_RAW_LOOKS = 20
_HEADER_BYTES = 256 * 1024
_STATE_FIELDS = "id,internetMessageId,conversationId,isDraft,parentFolderId"
_COPY_FIELDS = (
    "id,internetMessageId,conversationId,isDraft,toRecipients,ccRecipients,bccRecipients,internetMessageHeaders"
)

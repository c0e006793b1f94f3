"""Django's email backend for the system's own mail, through the server named by SYSTEM_DELIVERY_SERVER."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.utils import timezone

from campaigns.direct import DirectSendFailed, send_directly
from servers.models import DeliveryServer

logger = structlog.get_logger(__name__)


class DeliveryServerBackend(BaseEmailBackend):
    """Password resets, invitations and warnings as mail of a delivery server."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were accepted. Raises DirectSendFailed at the first that was not, unless told otherwise."""
        sent = 0
        for message in email_messages:
            if not message.recipients():
                continue
            try:
                self._send(message, timezone.now())
            except DirectSendFailed as error:
                logger.warning("system mail not sent", subject=message.subject, reason=str(error))
                if not self.fail_silently:
                    raise
            else:
                sent += 1
        return sent

    def _send(self, message: EmailMessage, now: datetime) -> None:
        server = _system_server()
        # The mailbox sends as itself; any other sender would be replaced without a word.
        message.from_email = server.email
        mime = message.message().as_bytes().replace(b"\n", b"\r\n")
        send_directly(server, mime, now)


def _system_server() -> DeliveryServer:
    uid = settings.SYSTEM_DELIVERY_SERVER
    server = DeliveryServer.objects.select_related("mailbox", "api_key").filter(uid=uid).first()
    if server is None:
        raise DirectSendFailed(
            f"SYSTEM_DELIVERY_SERVER names “{uid}”, but there is no such delivery server. Correct its uid."
        )
    return server

"""Testing a server's connection and remembering what was proved; the one way a server becomes connected."""

from __future__ import annotations

from datetime import datetime

import structlog

from keys.tokens import row_for, with_access
from keys.verifying import has_token, try_key
from mailboxes.models import Mailbox, Watch
from mailboxes.watching import DEFAULT_FIRST_READ
from providers.errors import ProviderError
from providers.messages import Capabilities, Step, StepState
from servers.models import DeliveryServer, ReadingServer, Server

logger = structlog.get_logger(__name__)


def connect(server: Server, now: datetime) -> bool:
    """Test a saved server with fresh tokens and record every step. Calls the provider: never in a transaction.

    A delivery server is connected only when sending is proved possible, a reading one when reading is. Otherwise
    it stays, inactive and "Not connected", with the failed step's cause and fix.
    """
    found = try_key(server.api_key, server.email)
    steps = [plain_step(step) for step in found.steps]
    usable = found.send if isinstance(server, DeliveryServer) else found.read
    if usable is False or (usable is None and not has_token(found)):
        failed = next((step for step in steps if step["state"] == StepState.FAILED), None)
        error, code = (
            (failed["detail"], failed["code"]) if failed else ("The right to do this is missing.", "")
        )
        server.record_not_connected(now, steps, error, code)
        logger.info("server is not connected", server=server.uid, code=code)
        return False
    _remember(server, found, now)
    if isinstance(server, DeliveryServer) and found.modify:
        _prepare_mailbox(server, now)
    if isinstance(server, ReadingServer):
        server.start_watching(now)
    server.record_connected(now, steps)
    return True


def first_reading_note(server: Server) -> str:
    """What lies unread in a mailbox whose first reading is still to come, and what becomes of it; else ""."""
    if not isinstance(server, ReadingServer):
        return ""
    unread = Mailbox.objects.values_list("unread_at_connection", flat=True).get(pk=server.mailbox_id)
    watch = Watch.objects.filter(mailbox=server.mailbox_id, purpose=server.purpose).first()
    if not unread or (watch and watch.swept_at):
        return ""
    start = Watch.FirstRead(watch.first_read if watch else DEFAULT_FIRST_READ[server.purpose]).label
    return f"Its mailbox holds {unread:,} unread. First reading: “{start}”; choose another before the next cycle."


def _prepare_mailbox(server: Server, now: datetime) -> None:
    """Some mailboxes drop a header they never saw; preparing is a kindness, not a condition."""
    try:
        with_access(
            customer_id=server.customer_id,
            email=server.email,
            api_key=server.api_key,
            now=now,
            call=lambda client, token: client.prepare_mailbox(token),
        )
    except ProviderError as error:
        logger.info("mailbox could not be prepared", server=server.uid, code=error.code)


def _remember(server: Server, found: Capabilities, now: datetime) -> None:
    """The scopes that were proved are what later tokens ask for; the key's circuit is closed."""
    token = row_for(customer_id=server.customer_id, email=server.email, api_key=server.api_key)
    token.remember_scopes(sorted(found.scopes))
    server.api_key.record_success(now)
    seen: dict[str, object] = {"display_name": found.display_name[:200]} if found.display_name else {}
    if found.unread is not None:
        seen["unread_at_connection"] = found.unread
    if seen:
        Mailbox.objects.filter(pk=server.mailbox_id).update(**seen)


def plain_step(step: Step) -> dict[str, str]:
    """A step as it is stored and shown."""
    return {
        "name": step.name,
        "state": step.state.value,
        "detail": step.detail,
        "code": step.help.code if step.help else "",
        "cause": step.help.cause if step.help else "",
        "fix": step.help.fix if step.help else "",
    }

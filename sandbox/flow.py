"""Mail flow: what was submitted reaches mailboxes here, or the outside, which may answer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox import mime, reports
from sandbox.graph.mailbox import GraphMailbox
from sandbox.ledger import SentCopy
from sandbox.mailbox import Mailbox
from sandbox.outside import REFUSALS, SENDER_FAULTS, Refusal, local_part
from sandbox.replies import Script, compose_reply, script_for
from sandbox.world import World

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Submission:
    """A message on its way. `raw` is what recipients get; the token is the one submitted."""

    sender: Mailbox
    raw: bytes
    recipients: tuple[str, ...]
    token: str
    submitted_message_id: str
    fault: str | None = None  # a key of SENDER_FAULTS: refused on its way out

    @classmethod
    def build(
        cls, sender: Mailbox, sent: bytes, *, token: str, submitted_message_id: str, fault: str | None = None
    ) -> "Submission":
        """`sent` still holds Bcc, whose recipients get it like the others and do not see it."""
        return cls(
            sender=sender,
            raw=mime.without(sent, "Bcc"),
            recipients=tuple(mime.recipients(sent)),
            token=token,
            submitted_message_id=submitted_message_id,
            fault=fault or sender.settings.sender_fault,
        )


def transport(world: World, submission: Submission) -> None:
    """Hand the message over for every recipient, each counted in the ledger."""
    for recipient in submission.recipients:
        fault = submission.fault or _rate_fault(world, submission.sender, recipient)
        outcome = f"sender-fault:{fault}" if fault else _outcome(world, recipient)
        world.ledger.add(
            SentCopy(
                token=submission.token,
                sender=submission.sender.email,
                recipient=recipient,
                submitted_message_id=submission.submitted_message_id,
                sent_message_id=mime.header(submission.raw, "Message-ID"),
                at=world.clock.now(),
                outcome=outcome,
            )
        )
        if fault:
            _send_report(world, submission, recipient, SENDER_FAULTS[fault])
        else:
            _hand_over(world, submission, recipient)


def _rate_fault(world: World, sender: Mailbox, recipient: str) -> str | None:
    """Exchange takes the message and bounces it when a daily limit is passed."""
    if not isinstance(sender, GraphMailbox):
        return None
    now = world.clock.now()
    usage = sender.usage.recipients
    while usage and usage[0] <= now - DAY_SECONDS:
        usage.popleft()
    limit = world.limits.graph_recipients_per_day
    if limit is not None and len(usage) >= limit:
        return "recipient-rate"
    usage.append(now)
    return _tenant_fault(world, sender, recipient, now)


def _tenant_fault(world: World, sender: GraphMailbox, recipient: str, now: float) -> str | None:
    tenant = world.tenants.get(sender.tenant.lower())
    if tenant is None or tenant.external_recipients_per_day is None or recipient.lower() in world.mailboxes:
        return None
    recent = [at for at in tenant.external_recipients if at > now - DAY_SECONDS]
    if len(recent) >= tenant.external_recipients_per_day:
        return "tenant-limit"
    tenant.external_recipients = [*recent, now]
    return None


def _outcome(world: World, recipient: str) -> str:
    if recipient.lower() in world.mailboxes:
        return "delivered"
    name = local_part(recipient)
    special = name in REFUSALS or name == "complaint" or script_for(name)
    return name if special else "accepted"


def _hand_over(world: World, submission: Submission, recipient: str) -> None:
    name = local_part(recipient)
    here = world.mailboxes.get(recipient.lower())
    if here is not None:
        # Gmail labels the sent message itself when it comes back to its sender.
        if here is not submission.sender or isinstance(here, GraphMailbox):
            deliver_here(world, submission.raw, recipient, submission.sender.email)
    elif name in REFUSALS:
        _send_report(world, submission, recipient, REFUSALS[name])
        return
    elif name == "complaint":
        report = _report(world, submission, recipient)
        _arrive(world, submission.sender, reports.complaint_report(report))
    script = world.scripts.get(recipient.lower()) or script_for(name)
    if script is not None:
        _answer(world, submission, recipient, script)


def _answer(world: World, submission: Submission, recipient: str, script: Script) -> None:
    to, reply = compose_reply(submission.raw, recipient, script, world.clock.now())
    delay = script.delay_seconds or world.limits.report_delay_seconds
    world.schedule(delay, lambda: deliver_here(world, reply, to, recipient))


def deliver_here(world: World, raw: bytes, recipient: str, envelope_sender: str) -> None:
    """File a message in the mailbox of that address; one for an unknown address is lost."""
    mailbox = world.mailboxes.get(recipient.lower())
    if mailbox is None:
        return
    now = world.clock.now()
    date = format_datetime(datetime.fromtimestamp(now, UTC))
    domain = mailbox.email.rpartition("@")[2]
    traced = mime.prepend(
        mime.without(raw, "Return-Path", "Delivered-To"),
        f"Delivered-To: {recipient}",
        f"Return-Path: <{envelope_sender}>",
        f"Received: from mail-out.example (mail-out.example [192.0.2.10]) by mx.{domain} with ESMTPS;\r\n {date}",
    )
    mailbox.file(traced, "junk" if mailbox.settings.junk_incoming else "inbox", now)


def _report(world: World, submission: Submission, recipient: str) -> reports.Report:
    return reports.Report(submission.sender.email, recipient, submission.raw, world.clock.now())


def _send_report(world: World, submission: Submission, recipient: str, refusal: Refusal) -> None:
    report = _report(world, submission, recipient)
    style = reports.microsoft_report if isinstance(submission.sender, GraphMailbox) else reports.google_report
    _arrive(world, submission.sender, style(report, refusal))


def _arrive(world: World, mailbox: Mailbox, raw: bytes) -> None:
    settings = mailbox.settings
    place = "junk" if settings.junk_reports or settings.junk_incoming else "inbox"

    def file() -> None:
        mailbox.file(raw, "junk" if place == "junk" else "inbox", world.clock.now())

    world.schedule(world.limits.report_delay_seconds, file)

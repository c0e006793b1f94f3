"""Handling a mailbox's messages for bounces: detect, match, log and act; anything else stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bounces.braking import cause_key
from bounces.consequences import apply_consequence
from bounces.matching import Match, Reach, match, recipient_keys
from bounces.models import Bounce, BounceServer, BounceSource
from bounces.phrases import count_matches, phrases_in_force
from bounces.policies import Policies
from campaigns.models import Delivery
from mail.addresses import normalize_address
from mail.charsets import clean_text
from mail.detection import Bounce as Detected
from mail.detection import CustomPhrase, detect
from mailboxes.handling import Verdict
from mailboxes.models import MessageMatch, ProcessedMessage
from mailboxes.wishes import Wish, common_wishes

NO_BOUNCE = Verdict("no bounce", "Left exactly as it was.", unmatched="no bounce or complaint")
NOBODYS = "but it belongs to no campaign message"
MAX_RECIPIENTS = 100
MAX_DIAGNOSTIC = 4_000


@dataclass
class BounceHandler:
    """A mailbox's messages for its bounce servers, whose customers it may speak of."""

    servers: Sequence[BounceServer]
    now: datetime
    reach: Reach = field(init=False)
    phrases: tuple[CustomPhrase, ...] = field(init=False)
    policies: Policies = field(init=False)

    def __post_init__(self) -> None:
        self.reach = Reach.of(server.customer_id for server in self.servers)
        self.phrases = phrases_in_force()
        self.policies = Policies()

    def understand(self, raw: bytes) -> list[Detected]:
        return detect(raw, phrases=self.phrases, provider=self.servers[0].provider)[:MAX_RECIPIENTS]

    def act(self, row: ProcessedMessage, meaning: list[Detected], raw: bytes) -> Verdict:
        """Log every failed recipient of one report and do what follows, with the source beside it."""
        if not meaning:
            return NO_BOUNCE
        keep_source(row, raw, self.now)
        count_matches(meaning, self.now)
        matches = _one_each(meaning, [match(detected, row, self.reach) for detected in meaning])
        bounces = [self._log(row, detected, found) for detected, found in zip(meaning, matches, strict=True)]
        _show_to_customers(row, bounces, self.now)
        return Verdict(
            outcome=", ".join(sorted({bounce.type for bounce in bounces})),
            detail="\n".join(
                f"{bounce.recipient or 'unknown recipient'}: {bounce.effect}" for bounce in bounces
            ),
            matched=any(matches),
            unmatched="" if any(matches) else f"{_kinds(bounces)}, {NOBODYS}",
            wishes=self._wishes(bounces),
        )

    def _log(self, row: ProcessedMessage, detected: Detected, found: Match | None) -> Bounce:
        bounce = _bounce_of(row, detected, self.now)
        if found is not None:
            _attach(bounce, found)
        bounce.save(force_insert=True)
        apply_consequence(bounce, self.policies, self.now)
        return bounce

    def _wishes(self, bounces: list[Bounce]) -> list[Wish]:
        """The report goes as far as the servers of all whom it concerns agree to."""
        owners = {bounce.customer_id for bounce in bounces} - {None}
        concerned = [server for server in self.servers if server.customer_id in owners]
        concerned = concerned or [server for server in self.servers if server.customer_id is None]
        return common_wishes(concerned or self.servers)


def _kinds(bounces: list[Bounce]) -> str:
    return ", ".join(sorted({bounce.get_type_display().lower() for bounce in bounces}))


def _one_each(meaning: list[Detected], matches: list[Match | None]) -> list[Match | None]:
    """Each delivery for one failed recipient of the report alone: its own, else the first that is named."""
    chosen: dict[int, int] = {}
    for position, (detected, found) in enumerate(zip(meaning, matches, strict=True)):
        if found is None:
            continue
        is_own = found.delivery.recipient_key in recipient_keys(detected)
        if is_own or found.delivery.pk not in chosen:
            chosen[found.delivery.pk] = position
    return [
        found if found and chosen[found.delivery.pk] == position else None
        for position, found in enumerate(matches)
    ]


def _bounce_of(row: ProcessedMessage, detected: Detected, now: datetime) -> Bounce:
    recipient = clean_text(detected.recipient or "")[:320]
    diagnostic = clean_text(detected.diagnostic)[:MAX_DIAGNOSTIC]
    return Bounce(
        mailbox_id=row.mailbox_id,
        message=row,
        recipient=recipient,
        recipient_key=normalize_address(recipient)[:320] if recipient else "",
        type=detected.type.value,
        is_delay=detected.is_delay,
        is_sender_fault=detected.sender_fault,
        status_code=clean_text(detected.status)[:12],
        reply_code=clean_text(detected.reply_code)[:3],
        diagnostic=diagnostic,
        rule=clean_text(detected.rule)[:100],
        evidence=clean_text(detected.evidence)[:MAX_DIAGNOSTIC],
        cause_key=cause_key(detected.status, diagnostic),
        created_at=now,
    )


def _attach(bounce: Bounce, found: Match) -> None:
    """The delivery it belongs to, locked until the effects are written."""
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("customer", "campaign", "subscriber", "server")
        .get(pk=found.delivery.pk)
    )
    bounce.delivery, bounce.matched_by = delivery, found.by
    bounce.customer, bounce.campaign = delivery.customer, delivery.campaign
    bounce.subscriber, bounce.server = delivery.subscriber, delivery.server


def keep_source(row: ProcessedMessage, raw: bytes, now: datetime) -> None:
    """The report as it came, its beginning where it is long, for the retention time."""
    BounceSource.objects.create(
        message=row,
        raw=raw[: BounceSource.MAX_BYTES],
        truncated=len(raw) > BounceSource.MAX_BYTES,
        created_at=now,
    )


def _show_to_customers(row: ProcessedMessage, bounces: list[Bounce], now: datetime) -> None:
    """Only those whom the message concerned may see that it came."""
    MessageMatch.objects.bulk_create(
        MessageMatch(
            message=row,
            customer_id=bounce.customer_id,
            summary=f"{bounce.get_type_display()} of {bounce.recipient}: {bounce.effect}"[:250],
            at=now,
        )
        for bounce in bounces
        if bounce.customer_id is not None
    )

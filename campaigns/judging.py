"""What a look for an unknown message means (promise 2): sent, submit the draft, send again, look again, ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from campaigns import outcomes
from campaigns.lines import Line
from campaigns.models import QUEUED_AFRESH, Attempt, Campaign, Delivery
from campaigns.restoring import RESTORED, possible_mailboxes
from mailboxes.leases import Lease
from mailboxes.models import Mailbox
from providers.errors import ProviderError
from providers.messages import Absent, CannotTell, Draft, Found, SentState, StillDraft

# The second look, counted from the first one: 180 seconds after the outcome was lost.
SECOND_LOOK = timedelta(seconds=120)
LOOKS_NEEDED = 2
# A look that was not possible is repeated this often and this long, then it is a person's turn.
LOOK_AGAIN = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=6)
# A message that vanished this often is not sent again by itself.
MAX_TRIES = 5
ASK = "Release sends it again, Cancel closes it."

Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Case:
    """One delivery with an unknown outcome, judged under its mailbox's sending lease."""

    delivery: Delivery
    line: Line | None
    lease: Lease
    now: datetime

    def judge(self, state: SentState) -> bool:
        """Act on what a look found; whether that settled it. Raises LeaseLost."""
        if isinstance(state, StillDraft) and state.draft.id != self.delivery.draft_id:
            return self._clear_orphan(state.draft)
        with transaction.atomic():
            self.lease.require()
            match state:
                case Found(receipt):
                    self._note(Attempt.Outcome.SETTLED, "Found in Sent.")
                    outcomes.accept(self.delivery, receipt, self.now, was=Status.UNKNOWN)
                    if self.delivery.server:
                        self.delivery.server.record_sent(self.now)
                    return True
                case StillDraft():
                    self._note(Attempt.Outcome.ABSENT, "It was still a draft; the draft is submitted.")
                    return self._wait_again(status=Status.DEFERRED, next_try_at=self.now)
                case Absent():
                    return self._judge_absent()
                case CannotTell(reason):
                    return self._look_again(reason)

    def _clear_orphan(self, draft: Draft) -> bool:
        """A draft whose id was never committed may be half made: away with it, and the message is written anew."""
        assert self.line is not None
        removed = True
        try:
            self.line.client.discard_draft(self.line.token, draft)
        except ProviderError:
            removed = False
        with transaction.atomic():
            self.lease.require()
            if removed:
                return self._queue_again("Only a draft was left over; it was removed.")
            return self._look_again("a draft that was left over could not be removed yet.")

    def _judge_absent(self) -> bool:
        looks = self.delivery.looks + 1
        if self.delivery.error_code == outcomes.DRAFT_LOST:
            return self._queue_again("It had not been submitted.")
        if self.delivery.error_code == RESTORED:
            mailboxes = possible_mailboxes(self.delivery)
            if looks < LOOKS_NEEDED * len(mailboxes):
                return self._look_elsewhere(looks, mailboxes)
        elif looks < LOOKS_NEEDED:
            self._change(looks=looks, next_try_at=self.now + SECOND_LOOK)
            return False
        if reason := self._why_not_again():
            self._change(looks=looks, next_try_at=None, error=f"{reason} {ASK}")
            return False
        return self._queue_again("Absent from Sent in two complete looks.")

    def _look_elsewhere(self, looks: int, mailboxes: list[Mailbox]) -> bool:
        """Nobody knows which mailbox it left through: each is looked into, then each once more."""
        again_at = self.now + SECOND_LOOK if looks == len(mailboxes) else self.now
        following = mailboxes[looks % len(mailboxes)]
        self._change(looks=looks, mailbox=following, server=None, next_try_at=again_at)
        return False

    def _why_not_again(self) -> str:
        """Why an absent message is left to a person, or "" where it may safely be sent again."""
        if self.delivery.draft_id:
            return "Its draft is gone and Sent does not show it: most likely it was sent."
        if not all(mailbox and mailbox.marker_survives for mailbox in self._mailboxes()):
            return "Not found in Sent, but this mailbox has not yet proved to keep our marker."
        if self.delivery.tries >= MAX_TRIES:
            return f"Not found in Sent after {self.delivery.tries} attempts."
        return ""

    def _mailboxes(self) -> list[Mailbox | None]:
        """Those that were looked into."""
        is_restored = self.delivery.error_code == RESTORED
        return [*possible_mailboxes(self.delivery)] if is_restored else [self.delivery.mailbox]

    def _queue_again(self, why: str) -> bool:
        self._note(Attempt.Outcome.ABSENT, why)
        return self._wait_again(**QUEUED_AFRESH)

    def _wait_again(self, **changes: Any) -> bool:
        """Back to what is to be sent: a campaign that had ended goes on for it, a cancelled one does not."""
        campaign = Campaign.objects.get_locked(self.delivery.campaign_id)
        if campaign.status == Campaign.Status.CANCELLED:
            text = "It had not been sent when the campaign was cancelled."
            return self._change(status=Status.SKIPPED, next_try_at=None, error=text)
        Campaign.objects.filter(pk=campaign.pk).reopen()
        return self._change(**changes)

    def _look_again(self, reason: str) -> bool:
        newest = self.delivery.attempts.last()
        began_at = newest.started_at if newest else self.now
        again_at = self.now + LOOK_AGAIN if self.now < began_at + GIVE_UP_AFTER else None
        if again_at is None and self.delivery.error_code == outcomes.DRAFT_LOST:
            return self._queue_again("It had not been submitted.")
        text = f"Nobody knows whether it was sent: {reason}"
        self._change(next_try_at=again_at, error=text if again_at else f"{text} {ASK}")
        return False

    def _change(self, **changes: Any) -> bool:
        """Change an unknown delivery; False when a bounce, a reply or a person settled it meanwhile."""
        return Delivery.objects.filter(pk=self.delivery.pk, status=Status.UNKNOWN).update(**changes) == 1

    def _note(self, outcome: Attempt.Outcome, detail: str) -> None:
        if newest := self.delivery.attempts.last():
            Attempt.objects.filter(pk=newest.pk).update(outcome=outcome, detail=detail)

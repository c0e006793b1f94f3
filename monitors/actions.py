"""The seven actions, each one call to audience/changes.py: idempotent, journalled, and told in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from audience import changes
from audience.changes import Cause, Outcome
from audience.models import CampaignGroup, MailingList, Subscriber
from monitors.models import Action, Condition

Perform = Callable[[Subscriber, Condition, Cause, datetime], Outcome]


def _blacklist(subscriber: Subscriber, _rule: Condition, cause: Cause, now: datetime) -> Outcome:
    return changes.blacklist(subscriber.email, subscriber.customer, cause, now, shared=True)


def _target_list(rule: Condition) -> MailingList:
    assert rule.target_list is not None  # a check constraint holds it
    return rule.target_list


def _target_group(rule: Condition) -> CampaignGroup:
    assert rule.target_group is not None  # a check constraint holds it
    return rule.target_group


ACTIONS: dict[str, Perform] = {
    Action.UNSUBSCRIBE: lambda who, _rule, cause, now: changes.unsubscribe(who, cause, now),
    Action.BLACKLIST: _blacklist,
    Action.UNCONFIRM: lambda who, _rule, cause, now: changes.unconfirm(who, cause, now),
    Action.DELETE: lambda who, _rule, cause, now: changes.delete(who, cause, now),
    Action.MOVE_TO_LIST: lambda who, rule, cause, now: changes.move_to_list(
        who, _target_list(rule), cause, now
    ),
    Action.COPY_TO_LIST: lambda who, rule, cause, now: changes.copy_to_list(
        who, _target_list(rule), cause, now
    ),
    Action.STOP_CAMPAIGN_GROUP: lambda who, rule, cause, now: changes.stop_group(
        who, _target_group(rule), cause, now
    ),
}


def perform(subscriber: Subscriber, rule: Condition, cause: Cause, now: datetime) -> Outcome:
    """Do what the condition asks to one subscriber, inside the caller's transaction."""
    return ACTIONS[rule.action](subscriber, rule, cause, now)

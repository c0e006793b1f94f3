"""What both providers promise of tokens, checks and sending, each through its own client against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.errors import (
    MessageRejected,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Throttled,
    TokenRefused,
    Unavailable,
)
from providers.messages import (
    Absent,
    CannotTell,
    Found,
    Markers,
    Receipt,
    StepState,
    Submitted,
)
from tests.providers.boxes import Box, look_up, outgoing

BOB = "bob@outside.example"


def look_for(box: Box, token: str = "token-1", draft_id: str = "", since: timedelta = timedelta(minutes=1)):
    return box.client.find_sent(
        box.token(), since=box.now() - since, recipient=BOB, markers=Markers(token, draft_id=draft_id)
    )


def copies(box: Box, token: str = "token-1") -> int:
    return len(box.world.ledger.find(token=token))


class TestTokens:
    def test_a_token_holds_for_about_an_hour_and_hides_its_value(self, box):
        token = box.token()
        assert timedelta(minutes=55) < token.expires_at - box.now() <= timedelta(hours=1)
        assert token.email == box.email
        assert token.value not in repr(token)

    def test_a_passing_fault_of_the_token_endpoint_is_tried_again(self, box):
        box.world.fault("status", box.call("token"), status=503)
        assert box.token().value

    def test_a_lasting_fault_is_unavailable_with_help(self, box):
        box.world.fault("status", box.call("token"), status=503, times=None)
        with pytest.raises(Unavailable) as caught:
            box.token()
        assert caught.value.help.fix

    def test_a_refused_token_is_told_from_everything_else(self, box):
        token = box.token()
        box.world.expire_tokens()
        with pytest.raises(TokenRefused):
            box.client.submit(token, outgoing(box.email), deadline=box.now() + timedelta(minutes=1))


class TestCheck:
    def test_it_proves_every_right_and_changes_nothing(self, box):
        box.deliver(1)
        box.deliver(2, "junk")
        found = box.client.check(box.email)
        assert [step.state for step in found.steps] == [StepState.PASSED] * 7
        assert (found.send, found.read, found.modify, found.delete) == (True,) * 4
        assert found.scopes == box.client.scopes
        assert found.unread == 2
        assert len(box.store().all_messages()) == 2
        assert not box.world.ledger.copies

    def test_its_scopes_are_enough_for_later_tokens(self, box):
        found = box.client.check(box.email)
        token = box.client.acquire_token(box.email, found.scopes)
        assert token.scopes == found.scopes

    def test_an_unlicensed_mailbox_fails_at_its_step_with_a_fix(self, box):
        box.store().licensed = False
        found = box.client.check(box.email)
        by_name = {step.name: step for step in found.steps}
        assert by_name["token"].state is StepState.PASSED
        assert by_name["mailbox"].state is StepState.FAILED
        assert by_name["mailbox"].help.fix
        assert by_name["send"].state is StepState.SKIPPED
        assert found.send is False

    def test_it_does_not_raise_when_the_provider_is_down(self, box):
        box.world.fault("status", "*", status=503, times=None)
        found = box.client.check(box.email)
        assert found.send is False
        assert next(step for step in found.steps if step.state is StepState.FAILED).help

    def test_it_knows_the_mailbox_own_name_where_it_may(self, box):
        box.submit(outgoing(box.email))
        assert box.client.check(box.email).display_name == "The News"


class TestSubmitting:
    def test_a_message_is_sent_once_and_known_afterwards(self, box):
        draft, receipt = box.submit(outgoing(box.email))
        assert copies(box) == 1
        known = look_up(box, box.token(), receipt)
        assert known.message_id
        assert known.message_id != "<token-1@ours.example>"
        assert known.thread_id

    @pytest.mark.parametrize(
        ("effect", "when", "details"),
        [
            *(
                ("status", when, {"status": status})
                for status in (500, 503, 504)
                for when in ("before", "after")
            ),
            ("status", "after", {"status": 201}),
            ("reset", "before", {}),
            ("reset", "after", {}),
            ("hang", "before", {"seconds": 60}),
            ("hang", "after", {"seconds": 60}),
        ],
    )
    def test_a_lost_answer_is_unknown_and_never_repeated(self, box, effect, when, details):
        token = box.token()
        draft = box.client.prepare(token, outgoing(box.email))
        box.world.fault(effect, box.call("submit"), when=when, **details)
        with pytest.raises(OutcomeUnknown) as caught:
            box.client.submit(token, draft or outgoing(box.email), deadline=box.now() + timedelta(minutes=1))
        assert box.world.counters()["mailboxes"][box.email]["calls"][box.call("submit")] == 1
        assert copies(box) == (1 if when == "after" else 0)
        assert token.value not in str(caught.value)

    def test_a_throttled_submission_was_not_taken(self, box):
        token = box.token()
        draft = box.client.prepare(token, outgoing(box.email))
        box.world.fault("throttle", box.call("submit"), retry_after=90)
        with pytest.raises(Throttled) as caught:
            box.client.submit(token, draft or outgoing(box.email), deadline=box.now() + timedelta(minutes=1))
        assert timedelta(seconds=80) < caught.value.retry_at - box.now() <= timedelta(seconds=91)
        assert copies(box) == 0

    def test_a_503_that_names_a_time_says_so_on_the_unknown_outcome(self, box):
        token = box.token()
        draft = box.client.prepare(token, outgoing(box.email))
        box.world.fault("status", box.call("submit"), status=503, retry_after=120)
        with pytest.raises(OutcomeUnknown) as caught:
            box.client.submit(token, draft or outgoing(box.email), deadline=box.now() + timedelta(minutes=1))
        assert caught.value.retry_at > box.now() + timedelta(seconds=100)

    def test_no_submission_starts_after_its_deadline(self, box):
        token = box.token()
        draft = box.client.prepare(token, outgoing(box.email))
        with pytest.raises(NotSent):
            box.client.submit(token, draft or outgoing(box.email), deadline=box.now())
        assert copies(box) == 0

    def test_a_message_beyond_the_providers_limit_is_refused_before_any_call(self, box):
        token = box.token()
        calls = dict(box.world.calls)
        with pytest.raises(MessageRejected) as caught:
            box.client.prepare(token, b"x" * (box.client.limits.message_bytes + 1))
        assert caught.value.help.fix
        assert box.world.calls == calls

    def test_a_large_message_arrives_whole(self, box):
        text = "\r\n".join(["a line of this long text"] * 60_000)
        box.submit(outgoing(box.email, text=text))
        assert copies(box) == 1


class TestFinding:
    def test_a_message_that_was_sent_is_found_by_our_token(self, box):
        box.submit(outgoing(box.email, "other"))
        _, receipt = box.submit(outgoing(box.email))
        found = look_for(box)
        assert isinstance(found, Found)
        assert found.receipt.provider_message_id == receipt.provider_message_id

    def test_what_was_never_sent_is_absent(self, box):
        box.submit(outgoing(box.email, "other"))
        assert look_for(box) == Absent()

    def test_it_reads_every_page(self, box, monkeypatch):
        monkeypatch.setattr("providers.graph.finding.PAGE_SIZE", 2)
        monkeypatch.setattr("providers.gmail.finding.PAGE_SIZE", 2)
        for number in range(7):
            box.submit(outgoing(box.email, f"token-{number}"))
        assert isinstance(look_for(box, "token-0"), Found)
        assert isinstance(look_for(box, "token-6"), Found)
        assert look_for(box, "token-9") == Absent()

    def test_a_look_that_breaks_off_cannot_tell(self, box):
        box.submit(outgoing(box.email))
        box.world.fault("status", box.call("list"), status=500, times=None)
        found = look_for(box)
        assert isinstance(found, CannotTell)
        assert found.reason

    def test_a_throttled_look_is_the_callers_to_repeat(self, box):
        box.world.fault("throttle", box.call("list"), retry_after=60)
        with pytest.raises(Throttled):
            look_for(box)

    @pytest.mark.parametrize("markers", [Markers(""), Markers("", "<other@ours.example>"), Markers("other")])
    def test_a_message_with_no_marks_is_never_taken_for_ours(self, box, markers):
        box.submit(outgoing(box.email).replace(b"X-Apiconnect-Token: token-1\r\n", b""))
        since = box.now() - timedelta(minutes=1)
        state = box.client.find_sent(box.token(), since=since, recipient=BOB, markers=markers)
        assert state == Absent()

    def test_looking_up_what_is_not_there_yet_gives_nothing(self, box):
        _, receipt = box.submit(outgoing(box.email))
        box.store().remove(box.store().find(receipt.provider_message_id))
        assert look_up(box, box.token(), receipt) is None


def look_up_all(box, receipts):
    submitted = [
        Submitted(receipt, Markers(f"token-{number}", f"<token-{number}@ours.example>"))
        for number, receipt in enumerate(receipts)
    ]
    return box.client.look_up(box.token(), submitted)


def submit_all(box, count):
    return [box.submit(outgoing(box.email, f"token-{number}"))[1] for number in range(count)]


class TestLookingUpMany:
    def test_a_batch_of_them_costs_a_few_requests(self, box):
        receipts = submit_all(box, 15)
        before = sum(box.world.calls.values())
        found = look_up_all(box, receipts)
        inner = 15
        assert sum(box.world.calls.values()) - before <= inner + 3
        assert [one.provider_message_id for one in found] == [one.provider_message_id for one in receipts]
        assert len({one.message_id for one in found}) == 15

    def test_one_that_is_gone_keeps_no_other_from_being_known(self, box):
        receipts = submit_all(box, 3)
        box.store().remove(box.store().find(receipts[1].provider_message_id))
        found = look_up_all(box, receipts)
        assert found[1] is None
        assert found[0].message_id
        assert found[2].message_id

    def test_an_error_of_one_is_its_own(self, box):
        receipts = submit_all(box, 3)
        call = {"microsoft": "graph.messages.get", "google": "gmail.messages.get"}[box.name]
        box.world.fault("status", call, status=400, times=1)
        found = look_up_all(box, receipts)
        assert [isinstance(one, ProviderError) for one in found].count(True) == 1
        assert [isinstance(one, Receipt) for one in found].count(True) == 2

    def test_a_throttle_is_the_whole_mailboxs(self, box):
        receipts = submit_all(box, 3)
        box.world.fault("throttle", "*", retry_after=60, times=None)
        with pytest.raises(Throttled):
            look_up_all(box, receipts)


def test_a_token_without_the_right_says_which_is_missing(box):
    for account in box.world.service_accounts.values():
        account.delegations.clear()
    for tenant in box.world.tenants.values():
        for app in tenant.apps.values():
            app.roles.clear()
    found = box.client.check(box.email)
    assert found.send is False
    failed = [step for step in found.steps if step.state is StepState.FAILED]
    assert failed
    assert all(step.help.cause and step.help.fix and step.help.screen for step in failed)
    assert replace(found, steps=()).scopes == frozenset()

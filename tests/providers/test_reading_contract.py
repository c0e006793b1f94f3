"""What both providers promise of reading, each through its own client against the sandbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from providers.errors import (
    Throttled,
    TokenRefused,
    Unavailable,
)
from providers.messages import (
    Disposal,
    Folder,
    Start,
    StartKind,
)


class TestNews:
    def test_from_now_on_old_mail_is_left_alone(self, box):
        box.deliver(1)
        box.world.advance(2)
        first = box.news()
        assert not first.refs
        assert first.complete
        box.deliver(2)
        box.deliver(3, "junk")
        second = box.news(first.cursor)
        assert box.subjects(second.refs) == ["in 0002", "in 0003"]
        assert {ref.folder for ref in second.refs} == {Folder.INBOX, Folder.JUNK}
        assert not box.news(second.cursor).refs

    def test_a_first_sweep_takes_the_unread_mail_of_both_folders(self, box):
        for number in range(6):
            message = box.deliver(number, "junk" if number % 2 else "inbox")
            box.store().mark(message, read=number < 3)
        box.world.advance(2)
        first = box.news(kind=StartKind.UNREAD)
        assert box.subjects(first.refs) == ["in 0003", "in 0004", "in 0005"]
        assert first.complete

    def test_a_first_sweep_from_a_date_takes_read_mail_too(self, box):
        for days in range(5):
            message = box.deliver(days, at=box.world.clock.now() - days * 86_400)
            box.store().mark(message, read=True)
        first = box.news(kind=StartKind.DATE, date=box.now() - timedelta(days=2, hours=1))
        assert box.subjects(first.refs) == ["in 0000", "in 0001", "in 0002"]

    def test_what_a_person_has_read_is_news_all_the_same(self, box):
        cursor = box.news().cursor
        box.store().mark(box.deliver(1), read=True)
        assert box.subjects(box.news(cursor).refs) == ["in 0001"]

    def test_listing_and_fetching_change_nothing(self, box):
        cursor = box.news().cursor
        message = box.deliver(1)
        box.subjects(box.news(cursor).refs)
        assert not message.is_read
        assert box.store().place_of(message) == "inbox"

    def test_a_lost_cursor_lists_again_since_then_read_or_not(self, box):
        old = box.deliver(0, at=box.world.clock.now() - 9 * 86_400)
        cursor = box.news().cursor
        box.store().mark(box.deliver(1), read=True)
        box.deliver(2, "junk")
        box.world.expire_cursors(box.email)
        news = box.news(cursor, since=box.now() - timedelta(hours=1))
        assert news.relisted
        assert box.subjects(news.refs) == ["in 0001", "in 0002"]
        assert old in box.store().all_messages()
        box.deliver(3)
        assert "in 0003" in box.subjects(box.news(news.cursor).refs)

    def test_a_lost_cursor_needs_no_message_known(self, box):
        cursor = box.news().cursor
        box.world.advance(3 * 86_400)
        box.deliver(1)
        box.world.expire_cursors(box.email)
        assert box.subjects(box.news(cursor).refs) == ["in 0001"]

    @pytest.mark.parametrize("kind", [StartKind.UNREAD, StartKind.DATE])
    def test_a_budget_ends_a_sweep_and_the_next_goes_on(self, box, kind):
        for number in range(240):
            box.deliver(
                number, "junk" if number % 3 == 0 else "inbox", at=box.world.clock.now() - 3600 + number
            )
        cursor, seen, rounds = None, set(), 0
        while rounds < 20:
            news = box.news(cursor, kind=kind, date=box.now() - timedelta(days=1), budget=60)
            assert len(news.refs) <= 120
            cursor, rounds = news.cursor, rounds + 1
            seen |= {ref.id for ref in news.refs}
            if news.complete:
                break
        assert len(seen) == 240
        assert rounds > 1

    def test_a_budget_ends_a_round_of_news_and_the_next_goes_on(self, box):
        cursor = box.news().cursor
        for number in range(200):
            box.deliver(number)
        seen = set()
        for _ in range(10):
            news = box.news(cursor, budget=60)
            cursor = news.cursor
            seen |= {ref.id for ref in news.refs}
            if news.complete:
                break
        assert len(seen) == 200

    def test_mail_that_arrives_during_a_first_sweep_is_not_lost(self, box):
        box.deliver(1)
        box.world.fault("hook", box.call("list"), hook=lambda: box.store().mark(box.deliver(2), read=True))
        first = box.news(kind=StartKind.UNREAD)
        second = box.news(first.cursor)
        assert set(box.subjects([*first.refs, *second.refs])) == {"in 0001", "in 0002"}

    def test_a_person_reading_along_hides_nothing_that_stays_unread(self, box):
        for number in range(160):
            box.deliver(number, at=box.world.clock.now() - 3600 + number)
        first = set(box.store().all_messages()[:40])

        def read_some() -> None:
            for message in first:
                box.store().mark(message, read=True)

        box.world.fault("hook", box.call("list"), skip=1, hook=read_some)
        seen: set[str] = set()
        cursor = None
        for _ in range(20):
            news = box.news(cursor, kind=StartKind.UNREAD, budget=50)
            seen |= {ref.id for ref in news.refs}
            cursor = news.cursor
            if news.complete:
                break
        still_unread = {box.store().id_of(m) for m in box.store().all_messages() if m not in first}
        assert still_unread <= seen

    def test_an_empty_page_is_not_the_end(self, box):
        cursor = box.news().cursor
        box.deliver(1)
        box.world.fault("empty-page", box.call("news"))
        assert box.subjects(box.news(cursor).refs) == ["in 0001"]

    def test_an_idle_mailbox_costs_one_request_per_folder_at_most(self, box):
        cursor = box.news().cursor
        token = box.token()
        before = sum(box.world.calls.values())
        box.client.new_messages(
            token, tuple(Folder), cursor, start=Start(StartKind.NOW), since=None, budget=100
        )
        assert sum(box.world.calls.values()) - before == (2 if box.name == "microsoft" else 1)

    def test_cursors_are_plain_text_by_plain_name(self, box):
        cursor = box.news(kind=StartKind.UNREAD).cursor
        assert all(type(key) is str and type(value) is str for key, value in cursor.items())


class TestFetching:
    def test_it_brings_the_message_itself(self, box):
        cursor = box.news().cursor
        box.deliver(7)
        (message,) = box.client.fetch(box.token(), box.news(cursor).refs)
        assert b"Text of 7" in message.raw
        assert message.error is None
        assert not message.gone

    def test_a_message_that_went_away_is_gone_and_hides_no_other(self, box):
        cursor = box.news().cursor
        messages = [box.deliver(number) for number in range(45)]
        refs = box.news(cursor).refs
        for message in messages[::4]:
            box.store().remove(message)
        fetched = list(box.client.fetch(box.token(), refs))
        assert len(fetched) == 45
        assert sum(message.gone for message in fetched) == len(messages[::4])
        assert not [message.error for message in fetched if message.error]
        assert sum(message.raw is not None for message in fetched) == 45 - len(messages[::4])

    def test_a_short_throttle_inside_a_batch_is_waited_for(self, box):
        cursor = box.news().cursor
        for number in range(30):
            box.deliver(number)
        refs = box.news(cursor).refs
        box.world.fault("throttle", box.call("raw"), inner=True, skip=5, times=3, retry_after=4)
        assert len(box.subjects(refs)) == 30
        assert box.pauses
        assert max(box.pauses) <= 5

    def test_a_long_throttle_inside_a_batch_marks_all_that_is_left(self, box):
        cursor = box.news().cursor
        for number in range(30):
            box.deliver(number)
        refs = box.news(cursor).refs
        box.world.fault("throttle", box.call("raw"), inner=True, skip=10, times=None, retry_after=300)
        fetched = list(box.client.fetch(box.token(), refs))
        assert len(fetched) == 30
        throttled = [message for message in fetched if isinstance(message.error, Throttled)]
        assert throttled
        assert all(message.raw for message in fetched if message not in throttled)
        assert not box.pauses

    def test_a_passing_fault_of_one_part_is_tried_again(self, box):
        cursor = box.news().cursor
        for number in range(10):
            box.deliver(number)
        refs = box.news(cursor).refs
        box.world.fault("status", box.call("raw"), inner=True, skip=3, status=503, times=2)
        assert len(box.subjects(refs)) == 10

    def test_a_lasting_fault_of_one_message_is_its_own(self, box):
        cursor = box.news().cursor
        for number in range(4):
            box.deliver(number)
        refs = box.news(cursor).refs
        box.world.fault("status", box.call("raw"), inner=True, status=500, times=None)
        fetched = list(box.client.fetch(box.token(), refs))
        assert [type(message.error) for message in fetched] == [Unavailable] * 4

    def test_a_refused_token_is_raised_not_stored_on_messages(self, box):
        cursor = box.news().cursor
        box.deliver(1)
        refs, token = box.news(cursor).refs, box.token()
        box.world.expire_tokens()
        with pytest.raises(TokenRefused):
            list(box.client.fetch(token, refs))

    def test_no_more_run_at_once_than_the_reading_share(self, box):
        cursor = box.news().cursor
        for number in range(40):
            box.deliver(number)
        box.subjects(box.news(cursor).refs)
        allowed = box.client.limits.concurrent_calls // 2 if box.name == "microsoft" else 50
        assert box.world.counters()["mailboxes"][box.email]["most_in_flight"] <= allowed

    def test_a_thousand_messages_take_few_requests(self, box):
        box.world.configure(gmail_units_per_minute=None)
        cursor = box.news().cursor
        for number in range(200):
            box.deliver(number)
        refs = box.news(cursor).refs
        before = box.world.calls[box.call("batch")]
        assert len(box.subjects(refs)) == 200
        assert box.world.calls[box.call("batch")] - before == 200 // box.client.limits.batch_size


class TestDisposing:
    @pytest.mark.parametrize("how", [Disposal.DELETE, Disposal.TRASH])
    def test_disposed_mail_leaves_its_folder(self, box, how):
        cursor = box.news().cursor
        for number in range(25):
            box.deliver(number)
        refs = box.news(cursor).refs
        results = list(box.client.dispose(box.token(), refs, how))
        assert [result.how for result in results] == [how] * 25
        assert not [result.error for result in results if result.error]
        assert not [m for m in box.store().all_messages() if box.store().place_of(m) == "inbox"]

    def test_leaving_it_asks_nobody(self, box):
        cursor = box.news().cursor
        box.deliver(1)
        refs, token = box.news(cursor).refs, box.token()
        before = sum(box.world.calls.values())
        (result,) = box.client.dispose(token, refs, Disposal.LEAVE)
        assert result.how is Disposal.LEAVE
        assert sum(box.world.calls.values()) == before

    def test_what_is_gone_already_is_success(self, box):
        cursor = box.news().cursor
        messages = [box.deliver(number) for number in range(5)]
        refs = box.news(cursor).refs
        box.store().remove(messages[2])
        results = list(box.client.dispose(box.token(), refs, Disposal.TRASH))
        assert not [result.error for result in results if result.error]
        assert sum(result.gone for result in results) == 1

    def test_disposing_twice_is_harmless(self, box):
        cursor = box.news().cursor
        box.deliver(1)
        refs = box.news(cursor).refs
        for _ in range(2):
            results = list(box.client.dispose(box.token(), refs, Disposal.TRASH))
            assert not results[0].error

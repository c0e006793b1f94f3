"""What both providers promise of moving processed mail to a folder, each through its own client."""

from __future__ import annotations

from datetime import timedelta

import pytest

from providers.errors import PermissionDenied, Throttled, Unavailable
from providers.folders import FolderNameError, check_folder_name
from providers.messages import Disposal, Folder

NAME = "Processed mail"


def arrived(box, count, folder="inbox"):
    cursor = box.news().cursor
    messages = [box.deliver(number, folder) for number in range(count)]
    return messages, box.news(cursor)


def move(box, refs, name=NAME):
    return list(box.client.dispose(box.token(), refs, Disposal.MOVE, name))


def requests(box, what):
    return box.world.calls[box.call(what)]


@pytest.mark.parametrize("watched", ["inbox", "junk"])
def test_it_moves_out_of_inbox_and_junk_into_a_folder_that_it_makes(box, watched):
    messages, news = arrived(box, 45, watched)
    results = move(box, news.refs)
    assert {result.how for result in results} == {Disposal.MOVE}
    assert not [result for result in results if result.error or result.gone]
    assert {box.store().place_of(message) for message in messages} == {NAME}
    assert box.folders() == [NAME]


def test_it_finds_the_folder_that_is_there_whatever_its_case_and_makes_no_other(box):
    box.make_folder("PROCESSED Mail")
    messages, news = arrived(box, 2)
    move(box, news.refs)
    assert box.folders() == ["PROCESSED Mail"]
    assert {box.store().place_of(message) for message in messages} == {"PROCESSED Mail"}
    assert requests(box, "make-folder") == 0


def test_it_finds_the_folder_among_many(box):
    for number in range(300):
        box.make_folder(f"Folder {number:03}")
    messages, news = arrived(box, 1)
    move(box, news.refs, "folder 299")
    assert box.store().place_of(messages[0]) == "Folder 299"


def test_the_folder_is_looked_for_once_however_many_messages_there_are(box):
    _, news = arrived(box, 60)
    move(box, news.refs)
    assert (requests(box, "list-folders"), requests(box, "make-folder")) == (1, 1)


def test_a_message_keeps_its_id_and_its_unread_flag(box):
    messages, news = arrived(box, 2)
    box.store().mark(messages[1], read=True)
    before = [box.store().id_of(message) for message in messages]
    move(box, news.refs)
    assert [box.store().id_of(message) for message in messages] == before
    assert [message.is_read for message in messages] == [False, True]
    assert box.subjects(news.refs) == ["in 0000", "in 0001"]


def test_moved_mail_is_no_news_neither_to_the_cursor_nor_to_a_lost_one(box):
    _, news = arrived(box, 3)
    move(box, news.refs)
    later = box.news(news.cursor)
    assert not later.refs
    box.world.expire_cursors(box.email)
    relisted = box.news(later.cursor, since=box.now() - timedelta(hours=1))
    assert relisted.relisted
    assert not relisted.refs


def test_moved_mail_that_a_person_moves_back_comes_under_the_id_it_had(box):
    messages, news = arrived(box, 1)
    move(box, news.refs)
    box.store().move(messages[0], "inbox")
    assert {ref.id for ref in box.news(news.cursor).refs} <= {ref.id for ref in news.refs}


def test_moving_twice_is_harmless(box):
    messages, news = arrived(box, 3)
    for _ in range(2):
        assert not [result for result in move(box, news.refs) if result.error or result.gone]
    assert {box.store().place_of(message) for message in messages} == {NAME}


def test_a_folder_that_another_makes_at_the_same_moment_is_used(box):
    messages, news = arrived(box, 2)
    box.world.fault("hook", box.call("make-folder"), hook=lambda: box.make_folder("processed MAIL"))
    results = move(box, news.refs)
    assert not [result.error for result in results if result.error]
    assert box.folders() == ["processed MAIL"]
    assert {box.store().place_of(message) for message in messages} == {"processed MAIL"}


def test_a_folder_whose_answer_was_lost_is_not_made_twice(box):
    messages, news = arrived(box, 1)
    box.world.fault("reset", box.call("make-folder"), when="after")
    results = move(box, news.refs)
    assert not results[0].error
    assert box.folders() == [NAME]
    assert box.store().place_of(messages[0]) == NAME


def test_a_folder_that_is_removed_meanwhile_is_no_reason_to_call_the_mail_gone(box):
    messages, news = arrived(box, 3)
    fault = box.world.fault("hook", box.call("move"), hook=lambda: box.remove_folder(NAME))
    results = move(box, news.refs)
    assert fault.hits
    assert [type(result.error) for result in results] == [Unavailable] * 3
    assert not [result for result in results if result.gone]
    assert not [result.error for result in move(box, news.refs) if result.error]
    assert {box.store().place_of(message) for message in messages} == {NAME}


def test_mail_that_went_away_hides_no_other(box):
    messages, news = arrived(box, 25)
    for message in messages[::5]:
        box.store().remove(message)
    results = move(box, news.refs)
    assert len(results) == 25
    assert not [result.error for result in results if result.error]
    # Google does not say which of them were gone.
    assert sum(result.gone for result in results) == (5 if box.name == "microsoft" else 0)
    assert {box.store().place_of(message) for message in box.store().all_messages()} == {NAME}


def test_what_a_person_has_read_or_filed_meanwhile_is_moved_all_the_same(box):
    messages, news = arrived(box, 2)
    box.store().mark(messages[0], read=True)
    box.store().move(messages[1], "junk")
    move(box, news.refs)
    assert {box.store().place_of(message) for message in messages} == {NAME}


def test_without_the_right_to_change_mail_each_message_says_so_and_stays(box):
    messages, news = arrived(box, 3)
    if box.name == "microsoft":
        app = next(iter(box.world.tenants.values())).apps.values()
        next(iter(app)).roles = frozenset({"Mail.Read", "Mail.Send"})
        token = box.client.acquire_token(box.email)
    else:
        scope = "https://www.googleapis.com/auth/gmail.readonly"
        account = next(iter(box.world.service_accounts.values()))
        for scopes in account.delegations.values():
            scopes.add(scope)
        token = box.client.acquire_token(box.email, frozenset({scope}))
    results = list(box.client.dispose(token, news.refs, Disposal.MOVE, NAME))
    assert [type(result.error) for result in results] == [PermissionDenied] * 3
    assert all(result.error.help for result in results)
    box.make_folder(NAME)
    results = list(box.client.dispose(token, news.refs, Disposal.MOVE, NAME))
    assert [type(result.error) for result in results] == [PermissionDenied] * 3
    assert {box.store().place_of(message) for message in messages} == {"inbox"}


def test_a_long_throttle_leaves_the_mail_for_later(box):
    messages, news = arrived(box, 2)
    box.world.fault("throttle", box.call("list-folders"), times=None, retry_after=300)
    with pytest.raises(Throttled):
        move(box, news.refs)
    assert {box.store().place_of(message) for message in messages} == {"inbox"}


def test_a_name_that_gmail_keeps_for_itself_is_refused_on_each_message(gmail):
    messages, news = arrived(gmail, 2)
    results = move(gmail, news.refs, "Muted")
    assert [result.error.message for result in results] == ["Invalid label name"] * 2
    assert {gmail.store().place_of(message) for message in messages} == {"inbox"}


class TestNames:
    @pytest.mark.parametrize(
        ("typed", "name"),
        [
            ("Bounces", "Bounces"),
            ("  Unzustellbare   Post ", "Unzustellbare Post"),
            ("", ""),
            (" ", ""),
            ("处理", "处理"),
        ],
    )
    def test_blanks_are_tidied(self, typed, name):
        assert check_folder_name(typed) == name

    @pytest.mark.parametrize(
        "typed",
        ["Inbox", "JUNK email", "Trash", "sent items", "Deleted  Items", "CATEGORY_SOCIAL", "[Gmail]", "^x",
         "a/b", "a\\b", "a\nb", "a\0b", "a\u202eb", "x" * 101],
    )  # fmt: skip
    def test_it_refuses_what_is_no_folder_of_ones_own(self, typed):
        with pytest.raises(FolderNameError, match=r"[.]$"):
            check_folder_name(typed)

    def test_no_watched_folder_is_a_name_of_ones_own(self):
        for folder in Folder:
            with pytest.raises(FolderNameError):
                check_folder_name(folder.value)

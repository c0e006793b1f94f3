"""Graph delta: rounds, pages, removals, expiry."""

import pytest

from sandbox.clock import rfc3339
from tests.sandbox.requesting import IMMUTABLE, MICROSOFT

URL = "mailFolders/inbox/messages/delta?changeType=created&$select=subject,receivedDateTime"


@pytest.fixture
def deliver(world, mail):
    def one(subject):
        return world.deliver(mail(subject=subject), MICROSOFT)

    return one


def follow(graph, url, **headers):
    """All rows of a round, and its delta link."""
    rows = []
    while True:
        page = graph("GET", url, headers={**IMMUTABLE, **headers}).json()
        rows += page["value"]
        if "@odata.deltaLink" in page:
            return rows, page["@odata.deltaLink"]
        url = page["@odata.nextLink"]


def subjects(rows):
    return [row["subject"] for row in rows]


def test_a_first_round_lists_and_the_next_ones_bring_news(graph, deliver):
    for number in range(3):
        deliver(f"old {number}")
    rows, link = follow(graph, URL)
    assert subjects(rows) == ["old 0", "old 1", "old 2"]
    assert follow(graph, link)[0] == []
    deliver("new")
    rows, link = follow(graph, link)
    assert subjects(rows) == ["new"]
    assert set(rows[0]) == {"@odata.etag", "id", "subject", "receivedDateTime"}


def test_pages_are_as_large_as_preferred(graph, deliver):
    for number in range(5):
        deliver(f"{number}")
    page = graph("GET", URL, headers={"Prefer": 'IdType="ImmutableId", odata.maxpagesize=2'}).json()
    assert len(page["value"]) == 2
    rows, _ = follow(graph, page["@odata.nextLink"])
    assert subjects(rows) == ["2", "3", "4"]


def test_mail_that_comes_during_the_first_round_is_in_the_next(graph, deliver):
    for number in range(3):
        deliver(f"{number}")
    page = graph("GET", URL, headers={"Prefer": 'IdType="ImmutableId", odata.maxpagesize=2'}).json()
    deliver("meanwhile")
    rows, link = follow(graph, page["@odata.nextLink"])
    assert subjects(rows) == ["2"]
    assert subjects(follow(graph, link)[0]) == ["meanwhile"]


def test_every_change_is_told_when_no_type_is_asked_for(world, graph, deliver):
    first, second = deliver("first"), deliver("second")
    _, link = follow(graph, "mailFolders/inbox/messages/delta")
    box = world.mailbox(MICROSOFT)
    box.mark(first, read=True)
    box.move(second, "trash")
    rows, link = follow(graph, link)
    assert rows[0]["isRead"] is True
    assert rows[1] == {"@removed": {"reason": "deleted"}, "id": second.immutable_id}
    box.move(second, "inbox")
    assert subjects(follow(graph, link)[0]) == ["second"]


def test_a_round_can_start_at_a_time(world, graph, deliver):
    deliver("old")
    world.clock.advance(1800)
    deliver("new")
    since = "2000-01-01T00:00:00Z"
    assert len(follow(graph, f"{URL}&$filter=receivedDateTime ge {since}")[0]) == 2
    later = world.mailbox(MICROSOFT).all_messages()[1].received_at - 60
    rows, _ = follow(graph, f"{URL}&$filter=receivedDateTime ge {rfc3339(later)}")
    assert subjects(rows) == ["new"]


@pytest.mark.parametrize("condition", ["isRead eq false", "receivedDateTime le 2020-01-01T00:00:00Z"])
def test_other_filters_are_refused(graph, condition):
    assert graph("GET", f"{URL}&$filter={condition}").status_code == 400


def test_expired_tokens_answer_410(world, graph, deliver):
    _, link = follow(graph, URL)
    world.expire_cursors(MICROSOFT)
    answer = graph("GET", link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "syncStateNotFound")
    assert graph("GET", URL).status_code == 200


def test_a_fault_can_make_one_token_expire(world, graph):
    _, link = follow(graph, URL)
    world.fault("gone", "graph.messages.delta")
    assert [graph("GET", link).status_code for _ in range(2)] == [410, 200]


def test_a_token_cannot_be_changed_or_mixed_with_options(graph):
    _, link = follow(graph, URL)
    assert graph("GET", link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 400
    assert graph("GET", f"{link}&$top=1").status_code == 400


def test_an_empty_page_with_a_next_link_hides_nothing(world, graph, deliver):
    deliver("here")
    world.fault("empty-page", "graph.messages.delta")
    page = graph("GET", URL, headers=IMMUTABLE).json()
    assert page["value"] == []
    assert subjects(follow(graph, page["@odata.nextLink"])[0]) == ["here"]


def test_rows_can_repeat_across_rounds(world, graph, deliver):
    world.configure(MICROSOFT, delta_repeats=True)
    deliver("first")
    _, link = follow(graph, URL)
    deliver("second")
    rows, link = follow(graph, link)
    assert subjects(rows) == ["first", "second"]
    assert follow(graph, link)[0] == []

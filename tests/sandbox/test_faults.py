"""Faults to order: before and after acceptance, on the line, in the answer, by people."""

import json

import pytest
import requests

from sandbox.faults import Fault
from tests.sandbox.requesting import GOOGLE, IMMUTABLE, MICROSOFT, as_mime, as_raw


def send(provider, graph, gmail, mail):
    if provider == "microsoft":
        return graph("POST", "sendMail", **as_mime(mail(sender=MICROSOFT)))
    return gmail("POST", "messages/send", json=as_raw(mail()))


CALLS = {"microsoft": "graph.sendMail", "google": "gmail.messages.send"}
both_providers = pytest.mark.parametrize("provider", ["microsoft", "google"])


@both_providers
@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("status", [500, 503, 504])
def test_an_error_may_follow_an_accepted_send(world, graph, gmail, mail, provider, when, accepted, status):
    world.fault("status", CALLS[provider], status=status, when=when)
    assert send(provider, graph, gmail, mail).status_code == status
    assert len(world.ledger.copies) == accepted


@both_providers
@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_the_connection_may_break_on_either_side(world, graph, gmail, mail, provider, when, accepted):
    world.fault("reset", CALLS[provider], when=when)
    with pytest.raises(requests.ConnectionError, match="Connection reset"):
        send(provider, graph, gmail, mail)
    assert len(world.ledger.copies) == accepted


@both_providers
@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_an_answer_may_never_come(world, graph, gmail, mail, provider, when, accepted):
    world.fault("hang", CALLS[provider], when=when, seconds=3600)
    with pytest.raises(requests.ReadTimeout):
        send(provider, graph, gmail, mail)
    assert len(world.ledger.copies) == accepted


@both_providers
def test_a_lost_send_may_be_carried_out_later(world, graph, gmail, mail, provider):
    world.fault("late", CALLS[provider], seconds=120)
    with pytest.raises(requests.ConnectionError):
        send(provider, graph, gmail, mail)
    assert world.ledger.copies == []
    world.advance(120)
    assert len(world.ledger.copies) == 1


def test_a_throttled_call_is_told_how_long_to_wait(world, graph):
    world.fault("throttle", "graph.*", retry_after=30)
    answer = graph("GET", "messages")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.json()["error"]["code"] == "TooManyRequests"
    assert graph("GET", "messages").status_code == 200
    assert [note.kind for note in world.notes] == ["called-while-throttled"]


def test_a_throttled_mailbox_can_be_held_while_others_go_on(world, graph, urls):
    world.add_mailbox("microsoft", "sales@acme.example")
    world.fault("throttle", "graph.*", mailbox=MICROSOFT, retry_after=30, hold=True)
    assert graph("GET", "messages").status_code == 429
    world.advance(20)
    assert graph("GET", "messages").headers["Retry-After"] == "10"
    assert graph("GET", f"{urls.graph}/users/sales@acme.example/messages").status_code == 200
    world.advance(10)
    assert graph("GET", "messages").status_code == 200


@pytest.mark.parametrize("code", ["userRateLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded"])
def test_gmail_limits_come_as_403_too(world, gmail, code):
    world.fault("rate-limit-403", "gmail.messages.list", code=code)
    answer = gmail("GET", "messages")
    assert answer.status_code == 403
    assert answer.json()["error"]["errors"][0] == {
        "message": answer.json()["error"]["message"],
        "domain": "usageLimits",
        "reason": code,
    }


@both_providers
def test_a_token_may_be_refused_once(world, graph, gmail, provider):
    call = {"microsoft": graph, "google": gmail}[provider]
    world.fault("unauthorized", "*.messages.list")
    assert [call("GET", "messages").status_code for _ in range(2)] == [401, 200]
    world.expire_tokens()
    assert call("GET", "messages").status_code == 401


def test_an_answer_may_break_off(world, graph):
    world.fault("truncate", "graph.messages.list")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        graph("GET", "messages")


def test_json_may_be_cut(world, gmail):
    world.fault("cut-json", "gmail.messages.list")
    answer = gmail("GET", "messages")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_a_body_may_drip(world, graph):
    world.fault("slow-body", "graph.messages.list", seconds=0.1)
    answer = graph("GET", "messages")
    assert answer.json()["value"] == []
    assert answer.elapsed.total_seconds() >= 0.1


@both_providers
def test_a_page_may_be_empty_and_not_the_last(world, graph, gmail, mail, provider):
    call, box = {"microsoft": (graph, MICROSOFT), "google": (gmail, GOOGLE)}[provider]
    world.deliver(mail(), box)
    world.fault("empty-page", "*.messages.list")
    page = call("GET", "messages").json()
    if provider == "microsoft":
        assert page["value"] == []
        assert len(call("GET", page["@odata.nextLink"]).json()["value"]) == 1
    else:
        assert "messages" not in page
        assert len(call("GET", f"messages?pageToken={page['nextPageToken']}").json()["messages"]) == 1


@both_providers
@pytest.mark.parametrize(("action", "place"), [("mark_read", "inbox"), ("delete", "trash"), ("move", "junk")])
def test_a_person_may_step_in_between(world, graph, gmail, mail, provider, action, place):
    call, box = {"microsoft": (graph, MICROSOFT), "google": (gmail, GOOGLE)}[provider]
    message = world.deliver(mail(), box)
    world.fault("human", "*.messages.list", when="after", action=action)
    call("GET", "messages")
    assert world.mailbox(box).place_of(message) == place
    assert message.is_read is (action == "mark_read")


def test_a_hook_runs_at_the_very_moment(world, graph, mail):
    seen = []
    world.fault("hook", "graph.sendMail", when="after", hook=lambda: seen.append(len(world.ledger.copies)))
    send("microsoft", graph, None, mail)
    assert seen == [1]


def test_faults_can_be_counted_skipped_and_aimed(world, graph, gmail):
    world.fault("status", "graph.messages.list", skip=1, times=2)
    assert [graph("GET", "messages").status_code for _ in range(4)] == [200, 503, 503, 200]
    world.fault("status", "*", mailbox=GOOGLE, times=None)
    assert graph("GET", "messages").status_code == 200
    assert [gmail("GET", "messages").status_code for _ in range(3)] == [503] * 3
    world.faults.clear()
    assert gmail("GET", "messages").status_code == 200


def test_an_odd_success_can_be_ordered(world, graph, mail):
    world.fault("status", "graph.sendMail", status=200, when="after")
    assert send("microsoft", graph, None, mail).status_code == 200


@pytest.mark.parametrize("document", [{"effect": "explode"}, {"effect": "reset", "moment": "now"}])
def test_an_unknown_fault_is_refused(document):
    with pytest.raises(ValueError, match="Unknown"):
        Fault.from_json(document)


def test_requests_in_ten_minutes_are_counted(world, graph):
    world.configure(graph_requests=3)
    assert [graph("GET", "messages").status_code for _ in range(4)] == [200, 200, 200, 429]
    world.advance(600)
    assert graph("GET", "messages").status_code == 200


def test_a_fifth_call_at_once_is_refused(world, graph):
    with world.lock:
        world.mailbox(MICROSOFT).usage.in_flight = 4
    answer = graph("GET", "messages", headers=IMMUTABLE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "ApplicationThrottled")
    assert answer.json()["error"]["message"] == "Application is over its MailboxConcurrency limit."

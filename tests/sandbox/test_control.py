"""The control API and its client: everything another process needs to set up and look into a sandbox."""

import pytest
import requests

from sandbox.adapter import ORIGIN, WsgiAdapter
from sandbox.app import create_app
from sandbox.control import SandboxControl
from sandbox.control.client import SandboxError
from sandbox.seeding import make_world
from sandbox.world import World
from tests.sandbox.requesting import CLIENT, FULL, GOOGLE, MICROSOFT, SECRET, TENANT, as_mime


@pytest.fixture
def control(session) -> SandboxControl:
    return SandboxControl(ORIGIN, session)


SEED = {
    "microsoft_tenants": [
        {
            "id": TENANT,
            "domains": ["acme.example"],
            "apps": [{"client_id": CLIENT, "client_secret": SECRET, "mailboxes": [MICROSOFT]}],
        }
    ],
    "mailboxes": [
        {"provider": "microsoft", "email": MICROSOFT, "settings": {"message_id": "preserve"}},
        {"provider": "google", "email": GOOGLE, "send_as": ["sales@globex.example"]},
    ],
    "messages": [{"to": GOOGLE, "raw": "Subject: seeded\r\n\r\nHello", "folder": "junk"}],
    "replies": {"ada@receiver.example": {"text": "Call me"}},
    "limits": {"latency_ms": 1},
}


def test_a_document_makes_a_world(key):
    account = {"service_account_json": key.json, "delegations": {"globex.example": [FULL]}}
    world = make_world({**SEED, "google_service_accounts": [account]})
    assert world.mailbox(MICROSOFT).settings.message_id == "preserve"
    assert "sales@globex.example" in world.mailbox(GOOGLE).send_as
    assert world.mailbox(GOOGLE).view(world.mailbox(GOOGLE).all_messages()[0])["place"] == "junk"
    assert world.service_accounts[key.client_email].public_keys[key.private_key_id] == key.public_key
    assert world.limits.latency_ms == 1


@pytest.mark.parametrize(
    "document",
    [
        {"tenants": []},
        {"mailboxes": [{"provider": "yahoo", "email": "a@b.example"}]},
        {"mailboxes": [{"provider": "google", "email": "a@b.example", "colour": "red"}]},
        {"mailboxes": [{"provider": "google", "email": "a@b.example", "settings": {"colour": "red"}}]},
        {"limits": {"speed": 1}},
        {"mailboxes": [{"provider": "google"}]},
        {"messages": [{"to": "nobody@globex.example", "raw": "x"}]},
    ],
)
def test_a_document_with_a_mistake_is_refused_as_a_whole(world, control, document):
    good = {"microsoft_tenants": [{"id": "new"}], "replies": {"a@b.example": {"text": "x"}}}
    with pytest.raises(SandboxError):
        control.seed({**good, **document})
    assert "new" not in world.tenants
    assert world.scripts == {}


def test_it_seeds_lists_and_resets(control):
    control.reset()
    assert control.mailboxes() == []
    control.seed(SEED)
    assert {row["email"]: row["messages"] for row in control.mailboxes()} == {MICROSOFT: 0, GOOGLE: 1}
    assert control.state()["urls"]["MICROSOFT_GRAPH_URL"] == f"{ORIGIN}/graph/v1.0"


def test_it_makes_service_accounts(world, control):
    document = control.make_service_account("two@p.iam.gserviceaccount.com", {"globex.example": [FULL]})
    assert document["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    account = world.service_accounts["two@p.iam.gserviceaccount.com"]
    assert account.delegations == {"globex.example": {FULL}}


def test_it_delivers_shows_and_acts_as_a_person(control, mail):
    raw = mail()
    view = control.deliver(GOOGLE, raw, folder="junk")
    assert (view["place"], view["is_read"], view["subject"]) == ("junk", False, "November news")
    assert control.raw(GOOGLE, view["id"]) == raw
    control.act(GOOGLE, view["key"], "mark_read")
    control.act(GOOGLE, view["id"], "move", "inbox")
    [moved] = control.messages(GOOGLE, "inbox")
    assert moved["is_read"] is True
    control.act(GOOGLE, view["id"], "remove")
    assert control.messages(GOOGLE) == []
    with pytest.raises(SandboxError, match="There is no"):
        control.raw(GOOGLE, view["id"])


def test_it_tells_what_was_sent_and_what_twice(control, graph, mail):
    for _ in range(2):
        graph("POST", "sendMail", **as_mime(mail(sender=MICROSOFT)))
    assert len(control.ledger(token="token-1")) == 2
    assert control.ledger(recipient="nobody@receiver.example") == []
    assert control.sent_twice() == [{"token": "token-1", "recipient": "ada@receiver.example", "count": 2}]


def test_it_orders_faults_and_moves_the_clock(control, graph, gmail):
    first = control.fault("throttle", "graph.*", retry_after=5)
    assert graph("GET", "messages").status_code == 429
    assert control.faults()[0]["id"] == first
    assert control.faults()[0]["hits"] == 1
    control.fault("status", times=None)
    control.clear_faults()
    assert graph("GET", "messages").status_code == 200
    with pytest.raises(SandboxError, match="Unknown effect"):
        control.fault("explode")
    before = control.state()["now"]
    control.advance(60)
    assert control.state()["now"] > before


def test_it_switches_mailboxes_and_limits(world, control, graph, gmail):
    control.configure(GOOGLE, licensed=False, index_lag_seconds=5)
    assert gmail("GET", "profile").status_code == 400
    assert world.mailbox(GOOGLE).settings.index_lag_seconds == 5
    control.set_limits(graph_requests=0)
    assert graph("GET", "messages").status_code == 429
    with pytest.raises(SandboxError, match="Unknown settings colour"):
        control.configure(GOOGLE, colour="red")


def test_it_expires_tokens_and_cursors(control, graph, gmail):
    start = gmail("GET", "profile").json()["historyId"]
    control.expire_cursors(GOOGLE)
    assert gmail("GET", f"history?startHistoryId={start}").status_code == 404
    control.expire_tokens()
    assert graph("GET", "messages").status_code == 401


def test_it_scripts_replies(world, control, graph, mail):
    control.reply("ada@receiver.example", "Please call me", delay_seconds=5)
    graph("POST", "sendMail", **as_mime(mail(sender=MICROSOFT)))
    assert control.messages(MICROSOFT, "inbox") == []
    control.advance(5)
    assert control.messages(MICROSOFT, "inbox")[0]["subject"] == "Re: November news"


def test_it_counts_calls(control, graph):
    graph("GET", "messages")
    counters = control.counters()
    assert counters["calls"]["graph.messages.list"] == 1
    assert counters["mailboxes"][MICROSOFT]["most_in_flight"] == 1
    assert control.notes() == []


def test_unknown_paths_and_methods_are_refused(session):
    assert session.get(f"{ORIGIN}/_sandbox/nonsense").status_code == 404
    assert session.put(f"{ORIGIN}/_sandbox/state").status_code == 405
    assert session.post(f"{ORIGIN}/_sandbox/seed", data=b"[").status_code == 400
    assert session.get(f"{ORIGIN}/elsewhere").status_code == 404


def test_worlds_know_nothing_of_each_other(world, mail):
    other = World()
    with requests.Session() as session:
        session.mount(ORIGIN, WsgiAdapter(create_app(other)))
        assert SandboxControl(ORIGIN, session).mailboxes() == []

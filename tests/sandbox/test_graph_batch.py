"""Graph $batch: four at a time for a mailbox, dependencies, bodies, inner errors."""

import base64

import pytest

from tests.sandbox.requesting import IMMUTABLE, MICROSOFT, as_mime


@pytest.fixture
def batch(graph, urls):
    def post(*requests):
        return graph("POST", f"{urls.graph}/$batch", json={"requests": list(requests)})

    return post


def part(number, path="mailFolders/inbox", **more):
    return {"id": str(number), "method": "GET", "url": f"/users/{MICROSOFT}/{path}", **more}


def statuses(answer):
    return {row["id"]: row["status"] for row in answer.json()["responses"]}


def test_more_than_four_at_once_are_throttled_inside(world, batch):
    answer = batch(*[part(number) for number in range(6)])
    assert answer.status_code == 200
    assert sorted(statuses(answer).values()) == [200, 200, 200, 200, 429, 429]
    throttled = next(row for row in answer.json()["responses"] if row["status"] == 429)
    assert throttled["headers"]["Retry-After"] == "1"
    assert throttled["body"]["error"]["code"] == "ApplicationThrottled"
    assert world.counters()["mailboxes"][MICROSOFT]["most_in_flight"] == 4
    assert statuses(batch(part(1))) == {"1": 200}


def test_chains_of_dependencies_run_one_after_another(batch):
    chains = [part(number, dependsOn=[str(number - 4)] if number >= 4 else []) for number in range(20)]
    assert set(statuses(batch(*chains)).values()) == {200}


def test_answers_come_in_another_order(batch):
    answer = batch(part(1), part(2), part(3))
    assert [row["id"] for row in answer.json()["responses"]] != ["1", "2", "3"]


def test_what_depends_on_a_failure_fails(batch):
    answer = batch(part(1, "messages/AAMkADunknown" + "x" * 40), part(2, dependsOn=["1"]), part(3))
    assert statuses(answer) == {"1": 404, "2": 424, "3": 200}


def test_raw_mail_comes_as_base64(world, mail, batch):
    message = world.deliver(mail(), MICROSOFT)
    answer = batch(part(1, f"messages/{message.immutable_id}/$value", headers=IMMUTABLE))
    [row] = answer.json()["responses"]
    assert b"X-Apiconnect-Token: token-1" in base64.b64decode(row["body"])


def test_the_preference_must_stand_in_every_part(world, mail, graph, urls):
    message = world.deliver(mail(), MICROSOFT)
    body = {"requests": [part(1, f"messages/{message.immutable_id}")]}
    answer = graph("POST", f"{urls.graph}/$batch", json=body, headers=IMMUTABLE)
    assert statuses(answer) == {"1": 404}


def test_parts_can_write(world, mail, batch):
    first, second = world.deliver(mail(), MICROSOFT), world.deliver(mail(), MICROSOFT)
    json = {"Content-Type": "application/json", **IMMUTABLE}
    read = {"id": "1", "method": "PATCH", "headers": json, "body": {"isRead": True}}
    drop = {"id": "2", "method": "DELETE", "headers": IMMUTABLE}
    read["url"] = f"/users/{MICROSOFT}/messages/{first.immutable_id}"
    drop["url"] = f"/users/{MICROSOFT}/messages/{second.immutable_id}"
    assert statuses(batch(read, drop)) == {"1": 200, "2": 204}
    assert first.is_read
    assert second.folder == "deleteditems"


def test_mime_can_be_sent_in_a_part(world, mail, batch):
    raw = as_mime(mail(sender=MICROSOFT))
    send = {"id": "1", "method": "POST", "url": f"/users/{MICROSOFT}/sendMail"}
    answer = batch({**send, "headers": raw["headers"], "body": raw["data"].decode()})
    assert statuses(answer) == {"1": 202}
    assert len(world.ledger.copies) == 1


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [part(number) for number in range(21)],
        [part("a"), part("A")],
        [part(1, dependsOn=["2"]), part(2)],
        [{"id": "1", "method": "GET"}],
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(batch, requests):
    assert batch(*requests).status_code == 400


def test_a_body_needs_its_content_type_and_a_foreign_host_is_refused(batch):
    bodied = {"id": "1", "method": "POST", "url": f"/users/{MICROSOFT}/sendMail", "body": {"message": {}}}
    abroad = {"id": "2", "method": "GET", "url": "https://elsewhere.example/users"}
    assert statuses(batch(bodied, abroad)) == {"1": 400, "2": 400}


def test_absolute_urls_work_and_are_noted(world, batch, urls):
    absolute = {"id": "1", "method": "GET", "url": f"{urls.graph}/users/{MICROSOFT}/mailFolders/inbox"}
    assert statuses(batch(absolute)) == {"1": 200}
    assert {note.kind for note in world.notes} == {"absolute-url-in-batch"}


def test_faults_can_strike_inside_alone(world, graph, batch):
    world.fault("throttle", "graph.mailFolders.get", inner=True, retry_after=20)
    assert graph("GET", "mailFolders/inbox").status_code == 200
    assert sorted(statuses(batch(part(1), part(2))).values()) == [200, 429]

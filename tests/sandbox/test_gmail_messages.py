"""Gmail: sending, drafts, reading, labels, search, history; scopes of each method."""

import base64
from email import message_from_bytes

import pytest

from sandbox import mime
from sandbox.settings import Limits
from tests.sandbox.requesting import AUTH, FULL, GOOGLE, as_raw

RAW = {"Content-Type": "message/rfc822"}


def reason(answer):
    return answer.json()["error"]["errors"][0]["reason"]


def ids(answer):
    return [row["id"] for row in answer.json().get("messages", [])]


def test_a_send_answers_ids_and_nothing_else(world, gmail, mail):
    answer = gmail("POST", "messages/send", json=as_raw(mail()))
    assert answer.status_code == 200
    assert set(answer.json()) == {"id", "threadId", "labelIds"}
    assert answer.json()["labelIds"] == ["SENT"]
    [copy] = world.ledger.copies
    assert copy.sent_message_id.endswith("@mail.gmail.com>")
    shown = gmail("GET", f"messages/{answer.json()['id']}?format=metadata&metadataHeaders=message-id").json()
    assert shown["payload"]["headers"] == [{"name": "Message-ID", "value": copy.sent_message_id}]


def test_a_message_to_oneself_is_one_message(world, gmail, mail):
    answer = gmail("POST", "messages/send", json=as_raw(mail(to=GOOGLE)))
    assert answer.json()["labelIds"] == ["INBOX", "SENT", "UNREAD"]
    assert len(world.mailbox(GOOGLE).all_messages()) == 1


def test_a_foreign_from_is_replaced_in_silence_and_a_verified_one_kept(world, gmail, mail):
    world.mailbox(GOOGLE).send_as.add("sales@globex.example")
    for sender in ("Boss <boss@globex.example>", "Sales <sales@globex.example>"):
        assert gmail("POST", "messages/send", json=as_raw(mail(sender=sender))).status_code == 200
    senders = [message.digest.sender for message in world.mailbox(GOOGLE).all_messages()]
    assert senders == [("Globex News", GOOGLE), ("Sales", "sales@globex.example")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "'raw' RFC822 payload message string"),
        ({"raw": "+++/"}, "Invalid value for ByteString"),
        (as_raw(b"Subject: nobody\r\n\r\nx"), "Recipient address required"),
        (as_raw(b"To: nobody\r\n\r\nx"), "Invalid To header"),
    ],
)
def test_a_bad_message_is_refused(world, gmail, body, text):
    answer = gmail("POST", "messages/send", json=body)
    assert (answer.status_code, reason(answer)) == (400, "invalidArgument")
    assert text in answer.json()["error"]["message"]
    assert world.ledger.copies == []


def test_it_takes_uploads_of_every_kind(world, gmail, session, mail):
    raw = mail()
    media = gmail("POST", "messages/send?uploadType=media", prefix="/upload", data=raw, headers=RAW)
    body = (
        b"--xyz\r\nContent-Type: application/json\r\n\r\n{}\r\n"
        b"--xyz\r\nContent-Type: message/rfc822\r\n\r\n" + raw + b"\r\n--xyz--\r\n"
    )
    related = {"Content-Type": "multipart/related; boundary=xyz"}
    multipart = gmail(
        "POST", "messages/send?uploadType=multipart", prefix="/upload", data=body, headers=related
    )
    begun = gmail("POST", "messages/send?uploadType=resumable", prefix="/resumable/upload", json={})
    token = begun.request.headers["Authorization"]
    resumable = session.put(begun.headers["Location"], data=raw, headers={"Authorization": token, **RAW})
    assert [answer.status_code for answer in (media, multipart, resumable)] == [200, 200, 200]
    stored = [message.raw for message in world.mailbox(GOOGLE).all_messages()]
    assert len(stored) == 3
    assert {mime.split(one)[1] for one in stored} == {mime.split(raw)[1]}


def test_a_message_above_35_mib_is_refused(world, gmail, mail):
    world.configure(gmail_message_bytes=1_000)
    answer = gmail("POST", "messages/send", json=as_raw(mail() + b"x" * 1_000))
    assert answer.status_code == 413


def test_a_draft_is_sent_once_and_is_gone(world, gmail, mail):
    draft = gmail("POST", "drafts", json={"message": as_raw(mail())}).json()
    assert gmail("GET", f"drafts/{draft['id']}").json()["message"]["id"] == draft["message"]["id"]
    sent = gmail("POST", "drafts/send", json={"id": draft["id"]})
    assert sent.json()["labelIds"] == ["SENT"]
    assert sent.json()["id"] != draft["message"]["id"]
    assert gmail("POST", "drafts/send", json={"id": draft["id"]}).status_code == 404
    assert gmail("GET", f"messages/{draft['message']['id']}").status_code == 404
    assert len(world.ledger.copies) == 1


def test_a_reply_joins_a_thread_only_when_it_answers_it(world, gmail, mail):
    first = gmail("POST", "messages/send", json=as_raw(mail())).json()
    known = world.ledger.copies[0].sent_message_id
    joined = {**as_raw(mail(In_Reply_To=known)), "threadId": first["threadId"]}
    apart = {**as_raw(mail()), "threadId": first["threadId"]}
    assert gmail("POST", "messages/send", json=joined).json()["threadId"] == first["threadId"]
    assert gmail("POST", "messages/send", json=apart).json()["threadId"] != first["threadId"]


def test_raw_is_what_arrived_byte_for_byte(world, gmail, mail):
    message = world.deliver(mail(), GOOGLE)
    shown = gmail("GET", f"messages/{message.id}?format=raw").json()
    assert base64.urlsafe_b64decode(shown["raw"]) == message.raw
    assert "payload" not in shown
    full = gmail("GET", f"messages/{message.id}").json()
    assert [part["mimeType"] for part in full["payload"]["parts"]] == ["text/plain", "text/html"]
    assert full["internalDate"] == str(int(message.received_at * 1000))
    assert gmail("GET", f"messages/{message.id}?format=minimal").json()["labelIds"] == [
        "CATEGORY_PERSONAL",
        "INBOX",
        "UNREAD",
    ]


def test_a_listing_leaves_out_spam_and_trash(world, gmail, mail):
    inbox = world.deliver(mail(), GOOGLE)
    junk = world.deliver(mail(), GOOGLE, folder="junk")
    assert ids(gmail("GET", "messages")) == [inbox.id]
    assert ids(gmail("GET", "messages?includeSpamTrash=true")) == [junk.id, inbox.id]
    assert ids(gmail("GET", "messages?labelIds=SPAM")) == [junk.id]
    assert ids(gmail("GET", "messages?q=in:spam")) == [junk.id]
    gmail("POST", f"messages/{inbox.id}/trash")
    answer = gmail("GET", "messages")
    assert answer.json() == {"resultSizeEstimate": 0}
    gmail("POST", f"messages/{inbox.id}/untrash")
    assert ids(gmail("GET", "messages")) == [inbox.id]


def test_pages_follow_tokens(world, gmail, mail):
    for _ in range(5):
        world.deliver(mail(), GOOGLE)
    first = gmail("GET", "messages?maxResults=3").json()
    second = gmail("GET", f"messages?maxResults=3&pageToken={first['nextPageToken']}").json()
    assert (len(first["messages"]), len(second["messages"])) == (3, 2)
    assert "nextPageToken" not in second
    assert gmail("GET", "messages?pageToken=nonsense").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is:unread", True),
        ("is:read", False),
        ("in:inbox from:somebody@sender.example", True),
        ("to:ada@receiver.example subject:november", True),
        ('subject:"november news"', True),
        ("subject:(news november)", False),
        ("rfc822msgid:ours-1@apiconnect.example", True),
        ("rfc822msgid:<ours-1@apiconnect.example>", True),
        ("rfc822msgid:other@apiconnect.example", False),
        ("hello", True),
        ("hell", False),
        ("-hello", False),
        ("nonsense OR hello", True),
        ("token-1", False),
        ("has:attachment", False),
        ("after:1", True),
        ("before:1", False),
        ("newer_than:1d", True),
        ("older_than:1d", False),
        ("in:anywhere", True),
    ],
)
def test_it_searches(world, gmail, mail, query, found):
    world.deliver(mail(), GOOGLE)
    assert bool(ids(gmail("GET", "messages", params={"q": query}))) is found


def test_an_unknown_operator_is_words_and_is_noted(world, gmail, mail):
    world.deliver(mail(), GOOGLE)
    assert ids(gmail("GET", "messages", params={"q": "header:x-apiconnect-token"})) == []
    assert [note.kind for note in world.notes] == ["unknown-search-operator"]


def test_the_index_lags_behind(world, gmail, mail):
    world.configure(GOOGLE, index_lag_seconds=30)
    gmail("POST", "messages/send", json=as_raw(mail()))
    assert ids(gmail("GET", "messages?q=in:sent")) == []
    assert len(ids(gmail("GET", "messages?labelIds=SENT"))) == 1
    world.advance(30)
    assert len(ids(gmail("GET", "messages?q=in:sent"))) == 1


def test_labels_change_one_by_one_and_in_bulk(world, gmail, mail):
    first, second = world.deliver(mail(), GOOGLE), world.deliver(mail(), GOOGLE)
    assert (
        gmail("POST", f"messages/{first.id}/modify", json={"removeLabelIds": ["UNREAD"]}).status_code == 200
    )
    assert first.is_read
    label = gmail("POST", "labels", json={"name": "Processed"}).json()["id"]
    body = {"ids": [first.id, second.id, "deadbeef"], "addLabelIds": [label], "removeLabelIds": ["INBOX"]}
    assert gmail("POST", "messages/batchModify", json=body).status_code == 204
    assert gmail("GET", f"labels/{label}").json()["messagesTotal"] == 2
    assert gmail("POST", f"messages/{first.id}/modify", json={"addLabelIds": ["SENT"]}).status_code == 400
    assert gmail("POST", "messages/batchModify", json={"ids": []}).status_code == 400


def test_labels_are_made_strictly_and_never_twice(world, gmail, mail):
    made = gmail("POST", "labels", json={"name": "Processed", "labelListVisibility": "labelShow"})
    again = gmail("POST", "labels", json={"name": "processed"})
    assert (made.status_code, again.status_code, reason(again)) == (200, 409, "aborted")
    for body in (
        {"name": ""},
        {"name": "Inbox"},
        {"name": "Muted"},
        {"name": "x" * 226},
        {"name": "A", "names": 1},
    ):
        answer = gmail("POST", "labels", json=body)
        assert (answer.status_code, reason(answer)) == (400, "invalidArgument"), body
    assert gmail("POST", "labels", json={"name": "A", "labelListVisibility": "show"}).status_code == 400
    assert gmail("POST", "labels", scope=f"{AUTH}send", json={"name": "A"}).status_code == 403


def test_a_deleted_label_leaves_its_messages_and_its_id_is_never_used_again(world, gmail, mail):
    message = world.deliver(mail(), GOOGLE)
    label = gmail("POST", "labels", json={"name": "Processed"}).json()["id"]
    gmail("POST", f"messages/{message.id}/modify", json={"addLabelIds": [label]})
    assert gmail("DELETE", f"labels/{label}").status_code == 204
    assert label not in gmail("GET", f"messages/{message.id}?format=minimal").json()["labelIds"]
    refused = gmail("POST", f"messages/{message.id}/modify", json={"addLabelIds": [label]})
    assert (refused.status_code, reason(refused)) == (400, "invalidArgument")
    assert gmail("POST", "labels", json={"name": "Processed"}).json()["id"] != label
    assert gmail("DELETE", "labels/INBOX").status_code == 400


def test_deleting_needs_the_full_scope(world, gmail, mail):
    message = world.deliver(mail(), GOOGLE)
    refused = gmail("DELETE", f"messages/{message.id}", scope=f"{AUTH}modify")
    assert (refused.status_code, reason(refused)) == (403, "insufficientPermissions")
    assert refused.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert (
        gmail("POST", "messages/batchDelete", scope=f"{AUTH}modify", json={"ids": [message.id]}).status_code
        == 403
    )
    assert gmail("DELETE", f"messages/{message.id}").status_code == 204
    assert gmail("DELETE", f"messages/{message.id}").status_code == 404
    other = world.deliver(mail(), GOOGLE)
    assert gmail("POST", "messages/batchDelete", json={"ids": [other.id, "deadbeef"]}).status_code == 204


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        (f"{AUTH}send", "GET", "profile", 403),
        (f"{AUTH}send", "GET", "messages", 403),
        (f"{AUTH}send", "POST", "drafts", 403),
        (f"{AUTH}send", "GET", "settings/sendAs", 403),
        (f"{AUTH}modify", "GET", "settings/sendAs", 200),
        (f"{AUTH}metadata", "GET", "messages", 200),
        (f"{AUTH}metadata", "GET", "messages?q=hello", 403),
        (f"{AUTH}metadata", "POST", "messages/send", 403),
        (FULL, "GET", "profile", 200),
    ],
)
def test_each_method_asks_for_its_scopes(gmail, scope, method, path, status):
    body = {"json": {}} if method == "POST" else {}
    assert gmail(method, path, scope=scope, **body).status_code == status


def test_metadata_alone_shows_no_bodies(world, gmail, mail):
    message = world.deliver(mail(), GOOGLE)
    item = f"messages/{message.id}"
    assert gmail("GET", f"{item}?format=raw", scope=f"{AUTH}metadata").status_code == 403
    assert gmail("GET", f"{item}?format=metadata", scope=f"{AUTH}metadata").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("messages/NOTHEX", 400),
        ("messages/deadbeefdeadbeef", 404),
        ("messages?pagesize=3", 400),
        ("messages?maxResults=many", 400),
        ("nonsense", 404),
        ("history?startHistoryId=1", 200),
        ("history?startHistoryId=99999999", 404),
        ("history?startHistoryId=x", 400),
        ("history", 400),
    ],
)
def test_it_answers_strange_requests_as_gmail_does(gmail, path, status):
    assert gmail("GET", path).status_code == status


def test_history_tells_what_happened_in_order(world, gmail, mail):
    start = gmail("GET", "profile").json()["historyId"]
    message = world.deliver(mail(), GOOGLE)
    junk = world.deliver(mail(), GOOGLE, folder="junk")
    gmail("POST", f"messages/{message.id}/modify", json={"removeLabelIds": ["UNREAD"]})
    gmail("DELETE", f"messages/{message.id}")
    history = gmail("GET", f"history?startHistoryId={start}").json()
    kinds = [key for row in history["history"] for key in row if key not in ("id", "messages")]
    assert kinds == ["messagesAdded", "messagesAdded", "labelsRemoved", "messagesDeleted"]
    assert history["historyId"] == gmail("GET", "profile").json()["historyId"]
    added = gmail("GET", f"history?startHistoryId={start}&historyTypes=messageAdded&labelId=SPAM").json()
    assert [row["messagesAdded"][0]["message"]["id"] for row in added["history"]] == [junk.id]
    page = gmail("GET", f"history?startHistoryId={start}&maxResults=3").json()
    assert len(page["history"]) == 3
    rest = gmail(
        "GET", f"history?startHistoryId={start}&maxResults=3&pageToken={page['nextPageToken']}"
    ).json()
    assert len(rest["history"]) == 1


def test_old_history_is_gone(world, gmail):
    start = gmail("GET", "profile").json()["historyId"]
    world.expire_cursors(GOOGLE)
    answer = gmail("GET", f"history?startHistoryId={start}")
    assert (answer.status_code, reason(answer)) == (404, "notFound")


def batch_body(parts):
    pieces = []
    for number, part in enumerate(parts):
        head = f"--b\r\nContent-Type: application/http\r\nContent-ID: <abc + {number}>\r\n\r\n"
        pieces.append(head + part + "\r\n")
    return {"data": "".join(pieces) + "--b--\r\n", "headers": {"Content-Type": "multipart/mixed; boundary=b"}}


@pytest.mark.parametrize("path", ["/batch", "/batch/gmail/v1"])
def test_a_batch_runs_its_parts_one_by_one(world, session, urls, google_token, mail, path):
    message = world.deliver(mail(), GOOGLE)
    token = google_token(scope=f"{AUTH}modify").json()["access_token"]
    request = batch_body(
        [
            f"GET /gmail/v1/users/me/messages/{message.id}?format=minimal HTTP/1.1\r\n\r\n",
            f"DELETE /gmail/v1/users/me/messages/{message.id} HTTP/1.1\r\n\r\n",
            f"POST /gmail/v1/users/me/messages/{message.id}/modify HTTP/1.1\r\n"
            'Content-Type: application/json\r\n\r\n{"removeLabelIds": ["UNREAD"]}',
        ]
    )
    request["headers"]["Authorization"] = f"Bearer {token}"
    answer = session.post(urls.gmail + path, **request)
    assert answer.status_code == 200
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + answer.content).get_payload()
    assert [part["Content-ID"] for part in parts] == [f"<response-abc + {number}>" for number in range(3)]
    lines = [part.get_payload(decode=True).split(b"\r\n")[0] for part in parts]
    assert lines == [b"HTTP/1.1 200 OK", b"HTTP/1.1 403 Forbidden", b"HTTP/1.1 200 OK"]
    assert message.is_read


def test_a_batch_costs_what_its_parts_cost(world, session, urls, google_token, mail):
    message = world.deliver(mail(), GOOGLE)
    request = batch_body([f"GET /gmail/v1/users/me/messages/{message.id} HTTP/1.1\r\n\r\n"] * 3)
    request["headers"]["Authorization"] = f"Bearer {google_token().json()['access_token']}"
    session.post(f"{urls.gmail}/batch", **request)
    assert world.counters()["mailboxes"][GOOGLE]["units_spent"] == 60


def test_units_run_out_and_come_back_with_time(world, gmail, mail):
    world.limits = Limits(gmail_units_per_minute=200)
    for _ in range(2):
        assert gmail("POST", "messages/send", json=as_raw(mail())).status_code == 200
    answer = gmail("POST", "messages/send", json=as_raw(mail()))
    assert (answer.status_code, reason(answer)) == (429, "rateLimitExceeded")
    assert "Retry after " in answer.json()["error"]["message"]
    assert "Retry-After" not in answer.headers
    gmail("GET", "profile")
    assert "called-while-throttled" in {note.kind for note in world.notes}
    world.advance(31)
    assert gmail("POST", "messages/send", json=as_raw(mail())).status_code == 200


def test_the_older_table_of_costs_can_be_had(world, gmail, mail):
    message = world.deliver(mail(), GOOGLE)
    world.configure(gmail_costs="before-2026")
    gmail("GET", f"messages/{message.id}")
    assert world.counters()["mailboxes"][GOOGLE]["units_spent"] == 5


def test_the_daily_quota_bounces_first_and_refuses_later(world, gmail, mail):
    world.configure(GOOGLE, messages_per_day=1)
    for _ in range(2):
        assert gmail("POST", "messages/send", json=as_raw(mail())).status_code == 200
    assert [copy.outcome for copy in world.ledger.copies] == ["accepted", "sender-fault:daily-limit"]
    world.advance(300)
    answer = gmail("POST", "messages/send", json=as_raw(mail()))
    assert answer.status_code == 429
    assert answer.json()["error"]["message"].endswith("(Mail sending)")


def test_a_missing_token_is_401(session, urls):
    answer = session.get(f"{urls.gmail}/gmail/v1/users/me/profile")
    assert (answer.status_code, reason(answer)) == (401, "authError")

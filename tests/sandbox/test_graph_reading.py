"""Graph: listings, filters, paging, ids, raw messages, changes, roles of the mailbox in the path."""

import pytest

from tests.sandbox.requesting import GOOGLE, IMMUTABLE, MICROSOFT, TENANT, as_mime


@pytest.fixture
def filled(world, mail):
    """Twelve messages in the inbox, a minute apart, the later ones unread."""
    for number in range(12):
        message = world.deliver(
            mail(subject=f"Message {number}", message_id=f"<m{number}@x.example>"), MICROSOFT
        )
        message.is_read = number < 2
        world.clock.advance(60)
    return world.mailbox(MICROSOFT)


def code(answer):
    return answer.json()["error"]["code"]


def subjects(answer):
    return [row["subject"] for row in answer.json()["value"]]


def test_a_listing_has_ten_rows_newest_first_and_all_properties(graph, filled):
    answer = graph("GET", "mailFolders/Inbox/messages")
    assert subjects(answer) == [f"Message {number}" for number in range(11, 1, -1)]
    row = answer.json()["value"][0]
    assert {"isDraft", "isRead", "internetMessageId", "toRecipients", "body", "parentFolderId"} <= set(row)
    assert "internetMessageHeaders" not in row
    assert answer.headers["Content-Type"].startswith("application/json;odata.metadata=minimal")
    assert answer.headers["request-id"]


def test_the_next_link_is_absolute_and_continues(graph, filled):
    first = graph("GET", "mailFolders/inbox/messages?$top=8&$select=subject").json()
    assert first["@odata.nextLink"].startswith("http://sandbox.test/graph/v1.0/")
    assert set(first["value"][0]) == {"@odata.etag", "id", "subject"}
    rest = graph("GET", first["@odata.nextLink"])
    assert subjects(rest) == [f"Message {number}" for number in range(3, -1, -1)]
    assert "@odata.nextLink" not in rest.json()


def test_changing_rows_while_paging_skips_others(graph, filled):
    url = "mailFolders/inbox/messages?$filter=isRead eq false&$top=5"
    seen, page = 0, graph("GET", url).json()
    while True:
        for row in page["value"]:
            graph("PATCH", f"messages/{row['id']}", json={"isRead": True})
            seen += 1
        if "@odata.nextLink" not in page:
            break
        page = graph("GET", page["@odata.nextLink"]).json()
    assert seen == 5


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("isRead eq false", 10),
        ("internetMessageId eq '<m3@x.example>'", 1),
        ("startswith(subject,'message 1')", 3),
        ("not contains(subject,'Message')", 0),
        ("isRead eq true and (subject eq 'Message 0' or subject eq 'Message 5')", 1),
        ("from/emailAddress/address eq 'SOMEBODY@sender.example'", 12),
        (
            "singleValueExtendedProperties/Any(ep: ep/id eq 'String {00020386-0000-0000-C000-000000000046} Name "
            "X-Apiconnect-Token' and ep/value eq 'token-1')",
            12,
        ),
    ],
)
def test_it_filters(graph, filled, condition, count):
    answer = graph("GET", "mailFolders/inbox/messages", params={"$filter": condition, "$top": "100"})
    assert len(answer.json()["value"]) == count


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"$filter": "isRead eq false", "$orderby": "receivedDateTime"}, "InefficientFilter"),
        ({"$filter": "isRead eq false and subject eq 'x'", "$orderby": "subject"}, "InefficientFilter"),
        ({"$filter": "toRecipients/any(r: r/emailAddress/address eq 'x')"}, "BadRequest"),
        ({"$filter": "isRead eq"}, "BadRequest"),
        ({"$filter": "nonsense eq 1"}, "ErrorInvalidUrlQueryFilter"),
        ({"$select": "nonsense"}, "RequestBroker--ParseUri"),
        ({"$top": "1001"}, "ErrorInvalidUrlQuery"),
        ({"pagesize": "10"}, "BadRequest"),
        ({"$search": "\"x\"", "$filter": "isRead eq false"}, "SearchWithFilter"),
    ],
)  # fmt: skip
def test_it_refuses_what_exchange_cannot_do(graph, filled, params, wanted):
    answer = graph("GET", "mailFolders/inbox/messages", params=params)
    assert (answer.status_code, code(answer)) == (400, wanted)


def test_a_filter_that_begins_with_the_order_is_accepted(graph, filled):
    condition = "receivedDateTime ge 1900-01-01T00:00:00Z and isRead eq true"
    params = {"$filter": condition, "$orderby": "receivedDateTime"}
    assert subjects(graph("GET", "mailFolders/inbox/messages", params=params)) == ["Message 0", "Message 1"]


def test_the_whole_mailbox_includes_deleted_items(graph, filled):
    row = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]
    assert graph("DELETE", f"messages/{row['id']}").status_code == 204
    assert "Message 11" not in subjects(graph("GET", "mailFolders/inbox/messages"))
    assert "Message 11" in subjects(graph("GET", "messages"))
    assert "Message 11" in subjects(graph("GET", "mailFolders/deleteditems/messages"))


def test_deleting_twice_removes_and_a_gone_item_is_404(graph, filled):
    row = graph("GET", "mailFolders/inbox/messages?$top=1", headers=IMMUTABLE).json()["value"][0]
    item = f"messages/{row['id']}"
    assert [graph("DELETE", item, headers=IMMUTABLE).status_code for _ in range(3)] == [204, 204, 404]


def test_a_move_changes_the_default_id_and_not_the_immutable_one(graph, filled):
    immutable = graph("GET", "mailFolders/inbox/messages?$top=1", headers=IMMUTABLE).json()["value"][0]["id"]
    default = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]["id"]
    moved = graph("POST", f"messages/{default}/move", json={"DestinationId": "junkemail"})
    assert moved.status_code == 201
    assert moved.json()["id"] != default
    assert code(graph("GET", f"messages/{default}")) == "ErrorItemNotFound"
    assert graph("GET", f"messages/{immutable}", headers=IMMUTABLE).json()["subject"] == "Message 11"


def test_ids_are_case_sensitive_and_some_differ_by_case_alone(graph, filled):
    ids = [row["id"] for row in graph("GET", "mailFolders/inbox/messages?$top=100").json()["value"]]
    assert len(set(ids)) == 12
    assert len({one.lower() for one in ids}) < 12
    assert graph("GET", f"messages/{ids[0].swapcase()}").status_code in (400, 404)


def test_an_immutable_id_without_its_preference_is_unknown_and_noted(world, graph, filled):
    row = graph("GET", "mailFolders/inbox/messages?$top=1", headers=IMMUTABLE).json()["value"][0]
    assert graph("GET", f"messages/{row['id']}").status_code == 404
    assert "lost-immutable-id-preference" in {note.kind for note in world.notes}


def test_raw_mail_is_written_anew_each_time(graph, filled, mail):
    row = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]
    first = graph("GET", f"messages/{row['id']}/$value")
    assert first.headers["Content-Type"].startswith("text/plain")
    assert b"X-Apiconnect-Token: token-1" in first.content
    assert first.content != graph("GET", f"messages/{row['id']}/$value").content
    assert graph("GET", f"messages/{row['id']}").json()["isRead"] is False


def test_headers_come_when_selected(graph, filled):
    url = "mailFolders/inbox/messages?$top=1&$select=internetMessageHeaders"
    headers = graph("GET", url).json()["value"][0]["internetMessageHeaders"]
    assert {"name": "X-Apiconnect-Token", "value": "token-1"} in headers


def test_copies_in_sent_list_their_headers_without_the_message_id(world, graph, mail):
    graph("POST", "sendMail", **as_mime(mail(sender=MICROSOFT)))
    url = "mailFolders/sentitems/messages?$select=internetMessageHeaders,internetMessageId"
    [row] = graph("GET", url).json()["value"]
    assert "message-id" not in {header["name"].lower() for header in row["internetMessageHeaders"]}
    assert row["internetMessageId"].encode() in graph("GET", f"messages/{row['id']}/$value").content


def test_a_stale_etag_is_refused(graph, filled):
    row = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]
    item = f"messages/{row['id']}"
    graph("PATCH", item, json={"isRead": True})
    answer = graph("PATCH", item, json={"isRead": False}, headers={"If-Match": row["@odata.etag"]})
    assert answer.status_code == 412


def test_folders_count_and_can_be_made(graph, filled):
    inbox = graph("GET", "mailFolders/inbox?$select=id,totalItemCount,unreadItemCount").json()
    assert (inbox["totalItemCount"], inbox["unreadItemCount"]) == (12, 10)
    assert graph("GET", f"mailFolders/{inbox['id']}/messages").status_code == 200
    assert graph("GET", f"mailFolders/{inbox['id'].swapcase()}/messages").status_code == 404
    made = graph("POST", "mailFolders", json={"displayName": "Processed"})
    assert made.status_code == 201
    assert code(graph("POST", "mailFolders", json={"displayName": "processed"})) == "ErrorFolderExists"
    row = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]
    graph("POST", f"messages/{row['id']}/move", json={"destinationId": made.json()["id"]})
    assert subjects(graph("GET", f"mailFolders/{made.json()['id']}/messages")) == ["Message 11"]


def test_a_folder_of_ones_own_is_known_by_its_id_alone(graph, filled):
    made = graph("POST", "mailFolders", json={"displayName": "Processed"}).json()
    row = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]
    answer = graph("POST", f"messages/{row['id']}/move", json={"destinationId": "Processed"})
    assert (answer.status_code, code(answer)) == (400, "ErrorInvalidIdMalformed")
    gone = made["id"][:-4] + "AAAA"
    answer = graph("POST", f"messages/{row['id']}/move", json={"destinationId": gone})
    assert (answer.status_code, code(answer)) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize("body", [{}, {"displayName": " "}, {"displayName": "x" * 256}, {"displayName": 5}])
def test_a_folder_needs_a_name(graph, filled, body):
    assert code(graph("POST", "mailFolders", json=body)) == "ErrorInvalidRequest"


def test_what_a_folder_may_be_made_with_is_its_name_and_whether_it_is_hidden(graph, filled):
    body = {"displayName": "Processed", "parentFolderId": "inbox"}
    assert code(graph("POST", "mailFolders", json=body)) == "ErrorInvalidPropertySet"


def test_a_deleted_folder_lies_in_deleted_items_and_then_nowhere(graph, filled):
    made = graph("POST", "mailFolders", json={"displayName": "Processed"}).json()["id"]
    names = [row["displayName"] for row in graph("GET", "mailFolders?$top=100").json()["value"]]
    assert "Processed" in names
    assert graph("DELETE", f"mailFolders/{made}").status_code == 204
    names = [row["displayName"] for row in graph("GET", "mailFolders?$top=100").json()["value"]]
    assert "Processed" not in names
    trash = graph("GET", "mailFolders/deleteditems").json()["id"]
    assert graph("GET", f"mailFolders/{made}").json()["parentFolderId"] == trash
    assert graph("POST", "mailFolders", json={"displayName": "Processed"}).status_code == 201
    assert graph("DELETE", f"mailFolders/{made}").status_code == 204
    assert graph("GET", f"mailFolders/{made}").status_code == 404
    assert code(graph("DELETE", "mailFolders/inbox")) == "ErrorDeleteDistinguishedFolder"


def test_it_searches_whole_words(graph, filled):
    answer = graph("GET", "messages", params={"$search": '"subject:Message 7"'})
    assert "Message 7" in subjects(answer)
    assert subjects(graph("GET", "messages", params={"$search": '"essage"'})) == []


@pytest.mark.parametrize(
    ("user", "status", "wanted"),
    [
        ("nobody@acme.example", 404, "ErrorInvalidUser"),
        (GOOGLE, 404, "ErrorInvalidUser"),
        ("other@rival.example", 404, "ErrorInvalidUser"),
        ("unlicensed@acme.example", 404, "MailboxNotEnabledForRESTAPI"),
        ("closed@acme.example", 403, "ErrorAccessDenied"),
    ],
)
def test_it_tells_mailboxes_it_cannot_open_apart(world, graph, urls, user, status, wanted):
    world.add_microsoft_tenant("22222222-2222-3333-4444-555555555555", domains=["rival.example"])
    for email in ("other@rival.example", "unlicensed@acme.example", "closed@acme.example"):
        world.add_mailbox("microsoft", email, licensed=not email.startswith("unlicensed"))
    app = next(iter(world.tenants[TENANT].apps.values()))
    app.mailboxes = {MICROSOFT, "unlicensed@acme.example"}
    answer = graph("GET", f"{urls.graph}/users/{user}/messages")
    assert (answer.status_code, code(answer)) == (status, wanted)


def test_addresses_are_compared_without_case_and_slashes_collapse(graph, urls):
    for path in (f"/users/{MICROSOFT.upper()}/messages", f"//users/{MICROSOFT.replace('@', '%40')}/messages"):
        assert graph("GET", urls.graph + path).status_code == 200


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "Access token is empty."),
        ("Bearer nonsense", "Access token validation failure."),
    ],
)
def test_a_missing_or_strange_token_is_401(graph, header, text):
    answer = graph("GET", "messages", headers={"Authorization": header})
    assert (answer.status_code, code(answer)) == (401, "InvalidAuthenticationToken")
    assert answer.json()["error"]["message"] == text


def test_a_token_expires_with_the_clock(world, graph):
    assert graph("GET", "messages").status_code == 200
    world.advance(3600)
    assert graph("GET", "messages").status_code == 401


def test_the_directory_and_me_are_out_of_reach(graph, urls):
    assert code(graph("GET", f"{urls.graph}/users/{MICROSOFT}")) == "Authorization_RequestDenied"
    assert graph("GET", f"{urls.graph}/me/messages").status_code == 400
    assert "Resource not found for the segment" in graph("GET", "calendar").json()["error"]["message"]


def test_ids_translate(graph, filled):
    row = graph("GET", "mailFolders/inbox/messages?$top=1").json()["value"][0]
    body = {"inputIds": [row["id"]], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}
    [pair] = graph("POST", "translateExchangeIds", json=body).json()["value"]
    assert graph("GET", f"messages/{pair['targetId']}", headers=IMMUTABLE).json()["subject"] == row["subject"]

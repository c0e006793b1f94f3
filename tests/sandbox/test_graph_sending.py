"""Graph: sendMail, drafts, Message-ID and From rewriting, headers, attachments."""

import base64

import pytest

from sandbox import mime
from tests.sandbox.requesting import CLIENT, GOOGLE, IMMUTABLE, MICROSOFT, TENANT, as_mime


def json_message(**changes):
    return {
        "subject": "Hello",
        "body": {"contentType": "HTML", "content": "<p>Hello</p>"},
        "toRecipients": [{"emailAddress": {"address": "ada@receiver.example"}}],
        **changes,
    }


def own(mail, **details):
    return mime.without(mail(**details), "From")


def code(answer):
    return answer.json()["error"]["code"]


def test_send_mail_answers_202_without_a_body(world, graph):
    body = {"message": json_message(), "saveToSentItems": "true"}
    answer = graph("POST", "sendMail", json=body)
    assert (answer.status_code, answer.content) == (202, b"")
    assert [copy.recipient for copy in world.ledger.copies] == ["ada@receiver.example"]


def test_it_takes_pascal_case_and_can_leave_no_copy(world, graph):
    body = {
        "Message": {"@odata.type": "#microsoft.graph.message", **json_message()},
        "SaveToSentItems": False,
    }
    assert graph("POST", "sendMail", json=body).status_code == 202
    assert world.mailbox(MICROSOFT).all_messages() == []


def test_mime_keeps_the_structure_and_files_a_copy(world, graph, mail):
    one_click = "List-Unsubscribe=One-Click"
    raw = own(
        mail,
        List_Unsubscribe="<https://acme.example/u>",
        List_Unsubscribe_Post=one_click,
        Auto_Submitted="no",
    )
    assert graph("POST", "sendMail", **as_mime(raw)).status_code == 202
    [sent] = world.mailbox(MICROSOFT).in_folder("sentitems")
    assert mime.parse(sent.raw).get_content_type() == "multipart/alternative"
    assert mime.header(sent.raw, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert mime.header(sent.raw, "X-Apiconnect-Token") == "token-1"
    assert b"Auto-Submitted" not in sent.raw


def test_mime_must_be_base64(graph):
    answer = graph("POST", "sendMail", data=b"From: a@b\r\n\r\n{}", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, code(answer)) == (400, "ErrorMimeContentInvalidBase64String")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (
            {"internetMessageHeaders": [{"name": "List-Unsubscribe", "value": "x"}]},
            "InvalidInternetMessageHeader",
        ),
        (
            {"internetMessageHeaders": [{"name": f"x-{n}", "value": "x"} for n in range(6)]},
            "InvalidInternetMessageHeaderCollection",
        ),
        ({"toRecipients": []}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"emailAddress": {"address": "nobody"}}]}, "ErrorInvalidRecipients"),
    ],
)
def test_it_refuses_at_once_what_exchange_refuses(world, graph, changes, wanted):
    answer = graph("POST", "sendMail", json={"message": json_message(**changes)})
    assert (answer.status_code, code(answer)) == (400, wanted)
    assert world.ledger.copies == []


def test_a_foreign_from_is_refused(graph, mail):
    answer = graph("POST", "sendMail", **as_mime(mail(sender="boss@acme.example")))
    assert (answer.status_code, code(answer)) == (403, "ErrorSendAsDenied")


def test_from_becomes_the_mailbox_and_its_own_name(world, graph, mail):
    graph("POST", "sendMail", **as_mime(mail(sender=f"Another Name <{MICROSOFT}>", to=GOOGLE)))
    assert world.mailbox(GOOGLE).all_messages()[0].digest.sender == ("Acme News", MICROSOFT)


@pytest.mark.parametrize(
    ("policy", "in_draft", "in_sent"),
    [("preserve", True, True), ("rewrite-on-send", True, False), ("rewrite-on-draft", False, False)],
)
def test_the_message_id_is_kept_or_rewritten_as_told(world, graph, mail, policy, in_draft, in_sent):
    world.configure(MICROSOFT, message_id=policy)
    draft = graph("POST", "messages", **as_mime(own(mail))).json()
    assert (draft["internetMessageId"] == "<ours-1@apiconnect.example>") is in_draft
    graph("POST", f"messages/{draft['id']}/send")
    [sent] = world.mailbox(MICROSOFT).in_folder("sentitems")
    assert (sent.digest.message_id == "<ours-1@apiconnect.example>") is in_sent
    assert world.ledger.copies[0].submitted_message_id == "<ours-1@apiconnect.example>"


def test_the_immutable_id_of_a_draft_leads_to_the_sent_copy(graph, mail):
    request = as_mime(own(mail))
    request["headers"] |= IMMUTABLE
    draft = graph("POST", "messages", **request)
    assert draft.status_code == 201
    assert draft.json()["isDraft"] is True
    item = f"messages/{draft.json()['id']}"
    assert draft.headers["Location"].endswith(item)
    assert graph("POST", f"{item}/send", headers=IMMUTABLE).status_code == 202
    sent = graph("GET", item, headers=IMMUTABLE).json()
    assert sent["isDraft"] is False
    assert sent["internetMessageId"] != draft.json()["internetMessageId"]
    assert graph("POST", f"{item}/send", headers=IMMUTABLE).status_code == 404


def test_the_default_id_of_a_draft_is_dead_after_sending(graph, mail):
    draft = graph("POST", "messages", **as_mime(own(mail))).json()
    assert graph("POST", f"messages/{draft['id']}/send").status_code == 202
    answer = graph("GET", f"messages/{draft['id']}")
    assert (answer.status_code, code(answer)) == (404, "ErrorItemNotFound")


def test_sent_items_lag_behind_and_a_second_send_is_refused_meanwhile(world, graph, mail):
    world.configure(MICROSOFT, sent_lag_seconds=60)
    draft = graph("POST", "messages", **as_mime(own(mail))).json()
    assert graph("POST", f"messages/{draft['id']}/send").status_code == 202
    assert graph("GET", "mailFolders/sentitems/messages").json()["value"] == []
    [waiting] = graph("GET", "mailFolders/drafts/messages").json()["value"]
    assert graph("POST", f"messages/{waiting['id']}/send").status_code == 404
    world.advance(60)
    assert graph("GET", "mailFolders/drafts/messages").json()["value"] == []
    assert len(graph("GET", "mailFolders/sentitems/messages").json()["value"]) == 1
    assert len(world.ledger.copies) == 1


def test_a_copy_may_never_appear_in_sent(world, graph, mail):
    world.configure(MICROSOFT, files_sent=False)
    graph("POST", "sendMail", **as_mime(own(mail)))
    assert world.mailbox(MICROSOFT).all_messages() == []
    assert len(world.ledger.copies) == 1


def test_unknown_headers_are_dropped_until_a_json_draft_used_them(world, graph, mail):
    world.configure(MICROSOFT, drops_new_headers=True)
    graph("POST", "sendMail", **as_mime(own(mail)))
    assert b"X-Apiconnect-Token" not in world.mailbox(MICROSOFT).in_folder("sentitems")[0].raw
    assert world.ledger.copies[0].token == "token-1"
    header = {"name": "X-Apiconnect-Token", "value": "probe"}
    draft = graph("POST", "messages", json=json_message(internetMessageHeaders=[header])).json()
    graph("DELETE", f"messages/{draft['id']}")
    graph("POST", "sendMail", **as_mime(own(mail)))
    assert b"X-Apiconnect-Token" in world.mailbox(MICROSOFT).in_folder("sentitems")[1].raw


def test_a_draft_can_be_changed_and_a_sent_message_cannot(world, graph):
    draft = graph("POST", "messages", json=json_message()).json()
    item = f"messages/{draft['id']}"
    changes = {
        "subject": "Anew",
        "internetMessageId": "<patched@x.example>",
        "body": {"contentType": "text", "content": "x"},
    }
    changed = graph("PATCH", item, json=changes).json()
    assert (changed["subject"], changed["internetMessageId"]) == ("Anew", "<patched@x.example>")
    assert changed["body"]["content"].strip() == "x"
    graph("POST", f"{item}/send")
    sent = world.mailbox(MICROSOFT).in_folder("sentitems")[0]
    answer = graph("PATCH", f"messages/{sent.rest_id}", json={"subject": "Too late"})
    assert answer.status_code == 400
    assert world.ledger.copies[0].submitted_message_id == "<patched@x.example>"


def test_small_attachments_go_at_once(graph):
    draft = graph("POST", "messages", json=json_message()).json()
    body = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "a.txt",
        "contentType": "text/plain",
        "contentBytes": base64.b64encode(b"contents").decode(),
    }
    path = f"messages/{draft['id']}/attachments"
    assert graph("POST", path, json=body).status_code == 201
    [row] = graph("GET", path).json()["value"]
    assert base64.b64decode(row["contentBytes"]) == b"contents"
    assert graph("GET", f"messages/{draft['id']}").json()["hasAttachments"] is True


def test_large_attachments_go_in_chunks_without_authorization(world, graph, session):
    draft = graph("POST", "messages", json=json_message()).json()
    item = {"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": 6_000_000}}
    path = f"messages/{draft['id']}/attachments/createUploadSession"
    opened = graph("POST", path, json=item)
    assert opened.status_code == 201
    url, data = opened.json()["uploadUrl"], bytes(6_000_000)
    head = {"Content-Range": "bytes 0-2999999/6000000"}
    assert graph("PUT", url, data=data[:3_000_000], headers=head).status_code == 401
    assert session.put(url, data=data[:3_000_000], headers=head).json() == {"nextExpectedRanges": ["3000000"]}
    assert session.put(url, data=data[:3_000_000], headers=head).status_code == 400
    tail = {"Content-Range": "bytes 3000000-5999999/6000000"}
    assert session.put(url, data=data[3_000_000:], headers=tail).status_code == 201
    graph("POST", f"messages/{draft['id']}/send")
    [sent] = world.mailbox(MICROSOFT).in_folder("sentitems")
    attached = [part for part in mime.parse(sent.raw).walk() if part.get_filename() == "big.bin"]
    assert attached[0].get_payload(decode=True) == data


def test_a_request_above_4_mb_is_refused(graph, mail):
    raw = own(mail) + b"x" * 3_500_000
    answer = graph("POST", "sendMail", **as_mime(raw))
    assert (answer.status_code, code(answer)) == (413, "RequestEntityTooLarge")


def test_messages_beyond_the_rate_are_accepted_and_sent_later(world, graph, mail):
    world.configure(MICROSOFT, messages_per_minute=2)
    for number in range(3):
        assert graph("POST", "sendMail", **as_mime(own(mail, token=f"t{number}"))).status_code == 202
    assert [copy.token for copy in world.ledger.copies] == ["t0", "t1"]
    world.advance(61)
    assert [copy.token for copy in world.ledger.copies] == ["t0", "t1", "t2"]


def test_sending_and_reading_need_their_roles(world, graph, mail, microsoft_token):
    def as_app(*roles):
        world.tenants[TENANT].apps[CLIENT].roles = set(roles)
        return {"Authorization": f"Bearer {microsoft_token().json()['access_token']}"}

    send = as_mime(own(mail))
    send["headers"] |= as_app("Mail.Read")
    assert code(graph("POST", "sendMail", **send)) == "ErrorAccessDenied"
    only_send = as_app("Mail.Send")
    assert graph("GET", "mailFolders/inbox", headers=only_send).status_code == 403
    draft = as_mime(own(mail))
    draft["headers"] |= as_app("Mail.Send", "Mail.Read")
    assert graph("POST", "messages", **draft).status_code == 403
    none = graph("GET", "messages", headers=as_app())
    assert (none.status_code, code(none)) == (401, "NoPermissionsInAccessToken")


def test_roles_given_in_exchange_work_without_being_in_the_token(world, graph, microsoft_token):
    app = world.tenants[TENANT].apps[CLIENT]
    app.roles, app.rbac_roles = set(), {"Mail.Read"}
    headers = {"Authorization": f"Bearer {microsoft_token().json()['access_token']}"}
    assert graph("GET", "mailFolders/inbox", headers=headers).status_code == 200

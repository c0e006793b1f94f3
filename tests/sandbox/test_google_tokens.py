"""Google's token endpoint: signature, claims, delegation by domain and scope."""

import pytest

from sandbox.credentials import make_service_account
from tests.sandbox.requesting import AUTH, FULL, GOOGLE


def test_it_gives_an_opaque_token(google_token):
    answer = google_token()
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "expires_in", "token_type"}
    assert answer.json()["access_token"].startswith("ya29.")


@pytest.mark.parametrize(
    ("changes", "status", "error", "text"),
    [
        ({"iss": "nobody@x.iam.gserviceaccount.com"}, 400, "invalid_grant", "account not found"),
        ({"aud": "https://elsewhere.example"}, 400, "invalid_grant", "Failed audience check"),
        ({"sub": "nobody@globex.example"}, 400, "invalid_grant", "Invalid email or User ID"),
        ({"sub": "news@unrelated.example"}, 401, "unauthorized_client", "Unauthorized client or scope"),
        ({"scope": ""}, 400, "invalid_scope", "Invalid OAuth scope"),
        ({"scope": f"{FULL},{AUTH}send"}, 400, "invalid_scope", "Invalid OAuth scope"),
        ({"scope": f"{FULL} {AUTH}readonly"}, 401, "unauthorized_client", "not authorized for any"),
        ({"exp": 0}, 400, "invalid_grant", "short-lived token"),
    ],
)
def test_it_refuses_in_googles_words(google_token, changes, status, error, text):
    answer = google_token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert text in answer.json()["error_description"]


def test_an_assertion_of_another_key_is_refused(google_token):
    other = make_service_account(fresh=True)
    answer = google_token(private_key=other.private_key)
    assert answer.json()["error_description"] == "Invalid JWT Signature."


def test_a_clock_that_is_off_is_refused(world, google_token):
    now = int(world.clock.now())
    assert google_token(iat=now - 7200, exp=now - 3600).status_code == 400
    assert google_token(iat=now + 600, exp=now + 4200).status_code == 400
    assert google_token(iat=now, exp=now + 7200).status_code == 400


def test_it_takes_its_own_address_as_audience(urls, google_token):
    assert google_token(aud=urls.google_token).status_code == 200


def test_a_suspended_user_or_an_alias_is_no_subject(world, google_token):
    world.add_mailbox("google", "sales@globex.example", aliases=["alias@globex.example"])
    assert google_token(sub="alias@globex.example").status_code == 400
    assert google_token(sub="sales@globex.example").status_code == 200
    world.mailbox("sales@globex.example").suspended = True
    assert google_token(sub="sales@globex.example").status_code == 400


def test_without_a_subject_the_token_has_no_mailbox(session, urls, google_token):
    token = google_token(sub="").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = session.get(f"{urls.gmail}/gmail/v1/users/me/profile", headers=headers)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_a_token_opens_its_own_mailbox_alone(world, session, urls, google_token):
    world.add_mailbox("google", "sales@globex.example")
    headers = {"Authorization": f"Bearer {google_token().json()['access_token']}"}
    own = session.get(f"{urls.gmail}/gmail/v1/users/{GOOGLE}/profile", headers=headers)
    assert own.json()["emailAddress"] == GOOGLE
    other = session.get(f"{urls.gmail}/gmail/v1/users/sales@globex.example/profile", headers=headers)
    assert other.status_code == 403
    assert other.json()["error"]["message"] == f"Delegation denied for {GOOGLE}"


def test_a_user_without_gmail_and_a_disabled_api_are_told_apart(world, gmail, key):
    world.mailbox(GOOGLE).licensed = False
    answer = gmail("GET", "profile")
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "failedPrecondition")
    assert answer.json()["error"]["message"] == "Mail service not enabled"
    world.service_accounts[key.client_email].api_enabled = False
    answer = gmail("GET", "profile")
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (403, "accessNotConfigured")

"""Keys as people paste them."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from providers.credentials import (
    CredentialInputError,
    GoogleCredential,
    MicrosoftCredential,
    check_microsoft_input,
    parse_google_key,
)
from tests.providers.boxes import ACCOUNT, CLIENT, SECRET, TENANT

EMAIL = ACCOUNT.client_email
PKCS8 = ACCOUNT.private_key
_KEY = serialization.load_pem_private_key(PKCS8.encode(), None)


def pem_of(key, kind=serialization.PrivateFormat.PKCS8, encryption=None) -> str:
    encryption = encryption or serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, encryption).decode()


PKCS1 = pem_of(_KEY, serialization.PrivateFormat.TraditionalOpenSSL)


def microsoft(**changes: str) -> MicrosoftCredential:
    return check_microsoft_input(
        {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, **changes}
    )


def problem(call, field: str) -> str:
    with pytest.raises(CredentialInputError) as caught:
        call()
    return caught.value.errors[field]


class TestMicrosoft:
    def test_good_input_is_taken_without_stray_spaces(self):
        assert microsoft(client_secret=f"  {SECRET}\n", tenant_id=f"{TENANT} ") == MicrosoftCredential(
            TENANT, CLIENT, SECRET
        )

    def test_a_domain_names_a_tenant_too(self):
        assert microsoft(tenant_id="acme.onmicrosoft.com").tenant_id == "acme.onmicrosoft.com"

    def test_a_secret_id_in_place_of_its_value_is_noticed(self):
        text = problem(lambda: microsoft(client_secret=CLIENT), "client_secret")
        assert "Secret ID" in text
        assert "create a new client secret" in text

    @pytest.mark.parametrize(
        "tenant", ["", "acme", "common", "organizations", "a b.example", "x/../y.example"]
    )
    def test_a_tenant_that_cannot_be_is_refused(self, tenant):
        assert problem(lambda: microsoft(tenant_id=tenant), "tenant_id")

    @pytest.mark.parametrize("client", ["", "my app", TENANT])
    def test_a_client_id_that_cannot_be_is_refused(self, client):
        assert "Application (client) ID" in problem(lambda: microsoft(client_id=client), "client_id")

    @pytest.mark.parametrize("secret", ["", "two words", "x" * 600, "gehéim"])
    def test_a_secret_that_cannot_be_is_refused(self, secret):
        assert problem(lambda: microsoft(client_secret=secret), "client_secret")

    def test_every_wrong_field_is_named_at_once(self):
        with pytest.raises(CredentialInputError) as caught:
            check_microsoft_input({})
        assert set(caught.value.errors) == {"tenant_id", "client_id", "client_secret"}

    def test_a_secret_is_never_shown(self):
        assert SECRET not in repr(microsoft())
        wrong = f"{SECRET} and more"
        assert wrong not in problem(lambda: microsoft(client_secret=wrong), "client_secret")


class TestGoogle:
    @pytest.mark.parametrize(
        "pasted",
        [
            ACCOUNT.json,
            "\ufeff" + ACCOUNT.json,
            f"\n  {ACCOUNT.json}\n\n",
            json.dumps({**json.loads(ACCOUNT.json)}).replace("\\n", "\n"),
        ],
    )
    def test_a_whole_key_file_is_enough(self, pasted):
        key = parse_google_key({"client_email": "", "private_key": pasted})
        assert key == GoogleCredential(EMAIL, PKCS8, ACCOUNT.private_key_id)

    @pytest.mark.parametrize(
        "pasted",
        [
            PKCS8,
            PKCS8.replace("\n", "\\n"),
            PKCS8.replace("\n", "\r\n"),
            PKCS8.replace("\n", "\\r\\n"),
            PKCS8.replace("\n", "\n   "),
            PKCS8.replace("\n", " "),
            f'"{PKCS8.strip()}",',
            '"private_key": "' + PKCS8.replace("\n", "\\n") + '",',
            f"\n\n  {PKCS8}  \n",
        ],
    )
    def test_a_private_key_alone_is_mended(self, pasted):
        assert parse_google_key({"client_email": EMAIL, "private_key": pasted}).private_key == PKCS8

    def test_the_older_form_of_a_key_is_taken_as_well(self):
        key = parse_google_key({"client_email": EMAIL, "private_key": PKCS1.replace("\n", "\\n")})
        assert key.private_key == PKCS1

    def test_a_text_alone_may_be_the_file(self):
        assert parse_google_key(ACCOUNT.json).client_email == EMAIL

    def test_where_tokens_are_asked_for_is_not_taken_from_a_file(self):
        evil = json.dumps({**json.loads(ACCOUNT.json), "token_uri": "https://evil.example/token"})
        assert "evil" not in json.dumps(parse_google_key(evil).to_dict())

    def test_a_private_key_alone_needs_the_account(self):
        assert "client_email" in problem(lambda: parse_google_key({"private_key": PKCS8}), "client_email")

    def test_two_accounts_at_once_are_refused(self):
        fields = {"client_email": "other@project.iam.gserviceaccount.com", "private_key": ACCOUNT.json}
        assert EMAIL in problem(lambda: parse_google_key(fields), "client_email")

    @pytest.mark.parametrize(
        ("pasted", "says"),
        [
            ("", "Paste"),
            ("hello", "must begin with"),
            (PKCS8[:400], "cut off"),
            (PKCS8.replace("MII", "M!I", 1), "damaged"),
            (PKCS8[:200] + PKCS8[260:], "damaged"),
            (ACCOUNT.public_key, "public half"),
            (pem_of(_KEY, encryption=serialization.BestAvailableEncryption(b"x")), "passphrase"),
            (pem_of(ec.generate_private_key(ec.SECP256R1())), "RSA"),
            (pem_of(rsa.generate_private_key(65537, 1024)), "1024"),
            (ACCOUNT.json[:300], "cut off"),
            ('{"installed": {"client_id": "x"}}', "OAuth client"),
            ('{"type": "external_account", "client_email": "a", "private_key": "b"}', "external_account"),
            ('{"type": "service_account", "private_key": "b"}', "client_email"),
            ("{" * 5000, "JSON"),
            ("x" * 100_000, "too long"),
        ],
    )
    def test_what_is_no_key_is_refused_with_what_to_do(self, pasted, says):
        text = problem(
            lambda: parse_google_key({"client_email": EMAIL, "private_key": pasted}), "private_key"
        )
        assert says in text
        assert PKCS8[100:160] not in text

    def test_a_key_is_never_shown(self):
        assert PKCS8[100:160] not in repr(parse_google_key(ACCOUNT.json))


@pytest.mark.parametrize("credential", [microsoft(), parse_google_key(ACCOUNT.json)])
def test_a_credential_survives_storage(credential):
    assert type(credential).from_dict(credential.to_dict()) == credential

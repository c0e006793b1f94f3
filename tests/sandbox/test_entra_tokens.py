"""Entra's token endpoint: proofs, errors with their AADSTS numbers, discovery."""

import base64
import datetime
import time

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.sandbox.requesting import CLIENT, SECRET, TENANT

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_it_gives_a_token_that_names_its_roles(microsoft_token):
    answer = microsoft_token()
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["aud"] == "https://graph.microsoft.com"
    assert (claims["appid"], claims["tid"], claims["idtyp"]) == (CLIENT, TENANT, "app")
    assert claims["roles"] == ["Mail.ReadWrite", "Mail.Send"]


def test_its_tokens_verify_with_the_published_keys(session, urls, microsoft_token):
    document = session.get(f"{urls.login}/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert document["token_endpoint"] == f"{urls.login}/{TENANT}/oauth2/v2.0/token"
    keys = jwt.PyJWKSet.from_dict(session.get(document["jwks_uri"]).json())
    token = microsoft_token().json()["access_token"]
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    jwt.decode(
        token, keys.keys[0], algorithms=["RS256"], audience="https://graph.microsoft.com", options=options
    )


@pytest.mark.parametrize(
    ("tenant", "fields", "status", "error", "number"),
    [
        (TENANT, {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        (TENANT, {"client_secret": ""}, 401, "invalid_client", 7000218),
        (TENANT, {"client_id": "00000000-0000-0000-0000-00000000dead"}, 400, "unauthorized_client", 700016),
        (TENANT, {"client_id": ""}, 400, "invalid_request", 900144),
        (TENANT, {"grant_type": ""}, 400, "invalid_request", 900144),
        (TENANT, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        (TENANT, {"scope": "https://graph.microsoft.com/Mail.Send"}, 400, "invalid_scope", 1002012),
        (
            TENANT,
            {"scope": "https://a.example/.default https://b.example/.default"},
            400,
            "invalid_scope",
            70011,
        ),
        (TENANT, {"scope": "https://vault.azure.net/.default"}, 400, "invalid_resource", 500011),
        ("99999999-2222-3333-4444-555555555555", {}, 400, "invalid_request", 90002),
        ("not a tenant", {}, 400, "invalid_request", 900023),
        ("common", {}, 400, "invalid_request", 9001023),
    ],
)
def test_it_refuses_with_the_documented_number(microsoft_token, tenant, fields, status, error, number):
    answer = microsoft_token(tenant, **fields)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "\r\nTrace ID: " in body["error_description"]
    assert {"timestamp", "trace_id", "correlation_id"} <= set(body)


def test_an_expired_secret_is_told_from_a_wrong_one(world, microsoft_token):
    world.add_microsoft_app(TENANT, CLIENT, SECRET, secret_expires_at=world.clock.now() + 60)
    assert microsoft_token().status_code == 200
    world.advance(61)
    assert microsoft_token().json()["error_codes"] == [7000222]


def test_a_disabled_app_gets_no_token(world, microsoft_token):
    world.tenants[TENANT].apps[CLIENT].enabled = False
    assert microsoft_token().json()["error_codes"] == [7000112]


def test_it_takes_the_secret_by_http_basic_and_the_tenant_by_domain(session, urls):
    answer = session.post(
        f"{urls.login}/acme.example/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"},
        auth=(CLIENT, SECRET),
    )
    assert answer.status_code == 200


def test_a_role_granted_later_is_not_in_the_old_token(world, graph, microsoft_token):
    app = world.tenants[TENANT].apps[CLIENT]
    app.roles = {"Mail.Send"}
    token = microsoft_token().json()["access_token"]
    app.roles = {"Mail.Send", "Mail.Read"}
    headers = {"Authorization": f"Bearer {token}"}
    assert graph("GET", "messages", headers=headers).status_code == 403
    fresh = {"Authorization": f"Bearer {microsoft_token().json()['access_token']}"}
    assert graph("GET", "messages", headers=fresh).status_code == 200


@pytest.fixture(scope="module")
def certificate() -> tuple[str, str, str]:
    """A self-signed certificate: its PEM, its key and its SHA-1 thumbprint."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailer")])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    signed = built.sign(key, hashes.SHA256())
    mark = base64.urlsafe_b64encode(signed.fingerprint(hashes.SHA1())).rstrip(b"=").decode()
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return signed.public_bytes(serialization.Encoding.PEM).decode(), private.decode(), mark


def assertion(certificate, urls, now, **changes):
    claims = {
        "aud": f"{urls.login}/{TENANT}/oauth2/v2.0/token",
        "iss": CLIENT,
        "sub": CLIENT,
        "jti": "1",
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    signed = jwt.encode(claims, certificate[1], algorithm="RS256", headers={"x5t": certificate[2]})
    return {"client_secret": "", "client_assertion_type": ASSERTION, "client_assertion": signed}


def test_it_takes_a_certificate_instead_of_a_secret(world, urls, microsoft_token, certificate):
    world.tenants[TENANT].apps[CLIENT].certificates.append(certificate[0])
    now = int(world.clock.now())
    assert microsoft_token(**assertion(certificate, urls, now)).status_code == 200
    late = microsoft_token(**assertion(certificate, urls, now - 3600))
    assert late.json()["error_codes"] == [700024]
    elsewhere = microsoft_token(**assertion(certificate, urls, now, aud="https://elsewhere.example"))
    assert elsewhere.json()["error_codes"] == [50013]


def test_an_unknown_certificate_is_refused(urls, microsoft_token, certificate):
    answer = microsoft_token(**assertion(certificate, urls, int(time.time())))
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [700027])


def test_faults_strike_the_token_endpoint_too(world, microsoft_token):
    world.fault("status", "entra.token", code="53003")
    assert microsoft_token().json()["error"] == "access_denied"
    world.fault("throttle", "entra.token", retry_after=7)
    answer = microsoft_token()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert microsoft_token().status_code == 200

"""Client credentials at Entra: who asks, with what proof, for which resource.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import base64
import re
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from sandbox import ids
from sandbox.calls import Call
from sandbox.clock import rfc3339
from sandbox.directory import MicrosoftApp, MicrosoftGrant, MicrosoftTenant
from sandbox.entra.errors import EntraDialect, token_error
from sandbox.execution import execute
from sandbox.http import json_response, origin
from sandbox.signing import public_keys, sign
from sandbox.world import World

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The Graph hosts of all clouds. A client told to use the sandbox may derive the scope from its host.
GRAPH_HOSTS = frozenset(
    {
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    }
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


def respond(world: World, request: Request, path: str) -> Response | None:
    """Answer `{tenant}/oauth2/v2.0/token`, discovery and keys; None for any other path.

    `path` is what follows the login base URL.
    """
    tenant, _, rest = path.strip("/").partition("/")
    base = origin(request) + request.path.rpartition(path.strip("/"))[0].rstrip("/")
    match rest:
        case "v2.0/.well-known/openid-configuration":
            return json_response(_discovery(base, tenant))
        case "discovery/v2.0/keys":
            return json_response(public_keys())
        case "oauth2/v2.0/token":
            if request.method != "POST":
                return token_error(world, 900144, detail="grant_type").response
            endpoint = f"{base}/{tenant}/oauth2/v2.0/token"
            call = Call("entra.token", request, world, values={"tenant": tenant, "endpoint": endpoint})
            return execute(call, EntraDialect(), _give_token)
    return None


def _discovery(base: str, tenant: str) -> dict[str, Any]:
    root = f"{base}/{tenant}"
    return {
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "issuer": f"{root}/v2.0",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "response_types_supported": ["code", "id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
    }


def _give_token(call: Call) -> Response:
    form = call.request.form
    tenant = _tenant(call)
    grant_type = _required(call, form, "grant_type")
    if grant_type != "client_credentials":
        raise token_error(call.world, 70003, detail=grant_type)
    client_id, secret = _client(call, form)
    app = tenant.apps.get(client_id.lower())
    if app is None:
        raise token_error(call.world, 700016, detail=client_id, tenant=tenant.id)
    if not app.enabled:
        raise token_error(call.world, 7000112, detail=client_id)
    _check_scope(call, _required(call, form, "scope"), tenant)
    _check_proof(call, form, app, secret)
    return _issue(call, tenant, app)


def _tenant(call: Call) -> MicrosoftTenant:
    wanted = call.values["tenant"].lower()
    if wanted in ("common", "consumers"):
        raise token_error(call.world, 9001023)
    if not _GUID.fullmatch(wanted) and not _DOMAIN.fullmatch(wanted):
        raise token_error(call.world, 900023, detail=wanted)
    for tenant in call.world.tenants.values():
        if wanted == tenant.id.lower() or wanted in tenant.domains:
            return tenant
    raise token_error(call.world, 90002, detail=wanted)


def _required(call: Call, form: MultiDict[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise token_error(call.world, 900144, detail=name)
    return value


def _client(call: Call, form: MultiDict[str, str]) -> tuple[str, str]:
    """Client id and secret, from the form or by HTTP Basic (RFC 6749 2.3.1: both parts URL-encoded)."""
    basic = call.request.authorization
    if basic is not None and basic.type == "basic" and basic.username is not None:
        return unquote_plus(basic.username), unquote_plus(basic.password or "")
    return _required(call, form, "client_id"), form.get("client_secret", "")


def _check_scope(call: Call, scope: str, tenant: MicrosoftTenant) -> None:
    if len(scope.split()) > 1:
        raise token_error(call.world, 70011, detail=scope)
    resource, slash, last = scope.rpartition("/")
    if not slash or last != ".default":
        raise token_error(call.world, 1002012, detail=scope)
    host = resource.removeprefix("https://").strip("/")
    if host not in GRAPH_HOSTS | {call.request.host, call.request.host.partition(":")[0]}:
        raise token_error(call.world, 500011, detail=resource, tenant=tenant.id)


def _check_proof(call: Call, form: MultiDict[str, str], app: MicrosoftApp, secret: str) -> None:
    if form.get("client_assertion"):
        _check_assertion(call, form, app)
    elif not secret:
        raise token_error(call.world, 7000218)
    elif secret not in app.secrets:
        raise token_error(call.world, 7000215, detail=app.client_id)
    else:
        expires_at = app.secrets[secret]
        if expires_at is not None and expires_at <= call.now:
            raise token_error(call.world, 7000222, detail=app.client_id)


def _check_assertion(call: Call, form: MultiDict[str, str], app: MicrosoftApp) -> None:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise token_error(call.world, 900144, detail="client_assertion_type")
    assertion = form["client_assertion"]
    try:
        certificate = _certificate(app, jwt.get_unverified_header(assertion))
        if certificate is None:
            raise token_error(call.world, 700027, detail="The key was not found.")
        claims = jwt.decode(
            assertion,
            certificate.public_key(),  # type: ignore[arg-type]
            algorithms=["RS256", "PS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "require": ["exp"]},
        )
    except jwt.InvalidSignatureError:
        raise token_error(call.world, 700027, detail="The key used is not the one registered.") from None
    except jwt.PyJWTError as error:
        raise token_error(call.world, 50013, detail=str(error)) from None
    _check_claims(call, claims, app)


def _certificate(app: MicrosoftApp, header: dict[str, Any]) -> x509.Certificate | None:
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        marks = {
            _thumbprint(certificate, hashes.SHA1()),  # noqa: S303 - x5t is a SHA-1 thumbprint by RFC 7515
            _thumbprint(certificate, hashes.SHA256()),
        }
        if {header.get("x5t"), header.get("x5t#S256")} & marks:
            return certificate
    return None


def _thumbprint(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> str:
    return base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()


def _check_claims(call: Call, claims: dict[str, Any], app: MicrosoftApp) -> None:
    if not claims.get("nbf", 0) - 300 <= call.now <= claims["exp"] + 300:
        raise token_error(call.world, 700024, detail=rfc3339(call.now))
    if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
        raise token_error(call.world, 50013, detail="Issuer and subject must be the client id.")
    tenant = call.values["tenant"]
    official = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    if claims.get("aud") not in (call.values["endpoint"], official):
        raise token_error(call.world, 50013, detail="Invalid audience.")


def _issue(call: Call, tenant: MicrosoftTenant, app: MicrosoftApp) -> Response:
    lifetime = call.world.limits.graph_token_seconds
    now = int(call.now)
    token = sign(
        {
            "aud": "https://graph.microsoft.com",
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": app.client_id,
            "tid": tenant.id,
            "idtyp": "app",
            "oid": ids.guid("principal", tenant.id, app.client_id),
            "uti": ids.request_id(),
            "ver": "1.0",
            **({"roles": sorted(app.roles)} if app.roles else {}),
        }
    )
    call.world.microsoft_grants[token] = MicrosoftGrant(
        tenant.id, app.client_id, frozenset(app.roles | app.rbac_roles), call.now + lifetime
    )
    body = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
    return json_response(body, headers={"Cache-Control": "no-store"})

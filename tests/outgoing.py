"""The end of every way to the network, in place of it: notes where a request would go, and answers like an enemy."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from requests.adapters import BaseAdapter
from urllib3.util import parse_url

from apiconnect.safety import PROVIDER_HOSTS
from providers.graph.uploads import UPLOAD_DOMAINS
from providers.session import Http, new_session

# Places that a request must never reach, and ways of writing them that two parsers read differently.
EVIL = (
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:6379/",
    "http://[::1]:8000/admin/",
    "https://evil.example/steal",
    "//evil.example/steal",
    "https://graph.microsoft.com.evil.example/v1.0/x",
    "https://graph.microsoft.com@evil.example/v1.0/x",
    "https://evil.example\\@graph.microsoft.com/v1.0/x",
    "https://evil.example\\@gmail.googleapis.com/x",
    "https://graph.microsoft.com%2eevil.example/x",
    "https://graph.microsoft.com:8443/v1.0/x",
    "http://graph.microsoft.com/v1.0/x",
    "https://outlook.office.com.evil.example/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
)
HOSTS = {host for hosts in PROVIDER_HOSTS.values() for host in hosts}
ROLES = ["Mail.Send", "Mail.Read", "Mail.ReadWrite"]


class Enemy(BaseAdapter):
    """Answers every token request as asked, and everything else with links to `url` or a redirect there."""

    def __init__(self, url: str, *, redirect: bool = False) -> None:
        super().__init__()
        self.url = url
        self.redirect = redirect
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(request.url or "")
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        is_token = urlsplit(response.url).path.endswith("/token")
        response.status_code = 302 if self.redirect and not is_token else self._status(request)
        response.headers["Location"] = self.url
        body = self._token() if is_token else self._links()
        response.raw = io.BytesIO(json.dumps(body).encode())
        return response

    def close(self) -> None:
        return None

    def _status(self, request: requests.PreparedRequest) -> int:
        creates = request.method == "POST" and str(request.url).endswith(
            ("/messages", "Session", "/attachments")
        )
        return 201 if creates else 200

    def _token(self) -> dict[str, Any]:
        value = jwt.encode({"roles": ROLES}, "a-key-of-thirty-two-bytes-or-more", algorithm="HS256")
        return {"access_token": value, "expires_in": 3600, "token_type": "Bearer"}

    def _links(self) -> dict[str, Any]:
        row = {"id": "1", "@odata.id": self.url, "webLink": self.url, "threadId": "1", "isDraft": True}
        return {
            **row,
            "value": [row],
            "messages": [row],
            "history": [{"messagesAdded": [{"message": row}]}],
            "historyId": "7",
            "uploadUrl": self.url,
            # An enemy may page for ever; a test may not.
            **({"nextPageToken": self.url} if len(self.asked) % 5 else {}),
            "@odata.nextLink": self.url,
            "@odata.deltaLink": self.url,
            "responses": [{"id": "0", "status": 302, "headers": {"Location": self.url}, "body": row}],
        }

    def went_astray(self) -> list[str]:
        """Where a request would have gone that is nobody's own https host."""
        return [url for url in self.asked if not _is_the_providers(url)]


def http_to(enemy: Enemy) -> Http:
    """The product's own session with its real redirect and link handling, ending at the enemy."""
    session = new_session()
    for scheme in ("https://", "http://", "file://", "gopher://", ""):
        session.mount(scheme, enemy)
    return Http(session=session, sleep=lambda _seconds: None)


def _is_the_providers(url: str) -> bool:
    parts = parse_url(url)
    host = parts.host or ""
    is_upload = any(host == domain or host.endswith(f".{domain}") for domain in UPLOAD_DOMAINS)
    return parts.scheme == "https" and parts.port in {None, 443} and (host in HOSTS or is_upload)
